import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { packageVersion } from '../../src/cli/version.ts'
import { readApiDocument } from '../support/openapi.ts'
import { answerJson, readBody } from '../support/servers.ts'
import { ask, report, startTokenService } from '../support/token-service.ts'
import type { ServiceAnswer } from '../support/token-service.ts'

const api = readApiDocument('docs/token-service-api.yaml')
const authorize = 'GET /authorize/{credential}'
const reject = 'POST /reject/{credential}'

function holds(operation: string, { status, headers, body }: ServiceAnswer): void {
  const contentType = headers['content-type']
  api.holds(operation, { status, contentType, headers, json: contentType === undefined ? undefined : JSON.parse(body) })
}

describe('docs/token-service-api.yaml', () => {
  it('is a document by the rules of OpenAPI, of this version', () => {
    expect(api.problems()).toEqual([])
    expect(api.text).toContain(`\n  version: ${packageVersion()}\n`)
  })

  it('has the paths that the service names', async () => {
    const { tokenServiceUrl: url } = await startTokenService()
    const { detail } = JSON.parse((await ask(url, '/elsewhere')).body) as { detail: string }
    const named = [...detail.matchAll(/\/(\w+)\/CREDENTIAL/g)].map(([, operation]) => operation)
    expect(api.operations.map((operation) => operation.split('/')[1])).toEqual(named)
  })

  it('says what is answered', async () => {
    const { tokenServiceUrl: url, endpoint } = await startTokenService()
    holds(authorize, await ask(url, '/authorize/main'))
    holds(reject, await report(url, 'Bearer token-1'))
    // A renewal that nothing has proved yet.
    holds(reject, await report(url, 'Bearer token-2'))
    expect(endpoint.requests).toHaveLength(2)
  })

  it('says what is answered to what makes no sense', async () => {
    const { tokenServiceUrl: url, servicePort } = await startTokenService()
    holds(authorize, await askAsWritten(servicePort, '/authorize/main/../x'))
    holds(authorize, await ask(url, '/authorize/other'))
    holds(authorize, await ask(url, '/authorize/main', { fields: { host: 'evil.example' } }))
    holds(reject, await ask(url, '/reject/main', { method: 'POST' }))
    holds(reject, await ask(url, '/reject/main'))
    holds(reject, await ask(url, '/reject/other', { method: 'POST' }))
    holds(reject, await ask(url, '/reject/main', { method: 'POST', fields: { host: 'evil.example' } }))
  })

  it('says what is answered to whom it is not for', async () => {
    const callers = [
      { name: 'nginx', api_key: 'key-of-nginx', credentials: ['other'] },
      { name: 'caddy', api_key: 'key-of-caddy' },
    ]
    const { tokenServiceUrl: url } = await startTokenService({ service: { callers }, credentials: { other: {} } })
    for (const key of ['key-of-nobody', 'key-of-nginx', 'key-of-caddy']) {
      const fields = { 'x-bearerd-key': key }
      holds(authorize, await ask(url, '/authorize/main', { fields }))
      holds(reject, await report(url, 'Bearer token-1', fields))
    }
  })

  it.each([401, 500])('says what is answered when the token endpoint answers %d', async (status) => {
    const { tokenServiceUrl: url, endpoint } = await startTokenService()
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client' }, status)
    holds(authorize, await ask(url, '/authorize/main'))
  })

  it('was shown to be true of every answer', () => {
    expect(api.unseen()).toEqual([])
  })
})

/** A URL would lose its dots on the way. */
function askAsWritten(port: number, path: string): Promise<ServiceAnswer> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      const { statusCode: status = 0, headers } = response
      readBody(response).then((body) => resolve({ status, headers, body: body.toString(), code: undefined }), reject)
    })
    call.on('error', reject).end()
  })
}
