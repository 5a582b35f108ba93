import supertest from 'supertest'
import type { Test } from 'supertest'
import { describe, expect, it } from 'vitest'
import { createAdminApp } from '../../src/admin/admin-app.ts'
import type { GatewayView } from '../../src/admin/gateway-view.ts'
import { configOf, goodConfig } from '../support/cli-problems.ts'
import { apiGateway, until } from '../support/cli-admin-gateway.ts'
import { packageVersion } from '../../src/cli/version.ts'
import { readApiDocument } from '../support/openapi.ts'
import { reloadable } from '../support/reloadable-gateway.ts'
import { answerJson } from '../support/servers.ts'

const api = readApiDocument('docs/admin-api.yaml')

/** Waits for an answer, and holds it against the document. */
async function holds(operation: string, test: Test): Promise<void> {
  const { status, headers, body, text } = (await test) as unknown as {
    status: number
    headers: Record<string, string>
    body: unknown
    text: string
  }
  const contentType = headers['content-type']
  const json = contentType?.startsWith('application/json') === true && text !== '' ? body : undefined
  api.holds(operation, { status, contentType, headers, json })
}

/** Asks again for what has not changed, until that is so: seconds are told, too. */
async function holdsUnchanged(url: string, path: string): Promise<void> {
  const isSame = async (): Promise<boolean> => {
    const { headers } = await fetch(`${url}${path}`)
    const { status } = await fetch(`${url}${path}`, { headers: { 'If-None-Match': headers.get('etag') ?? '' } })
    if (status === 304) api.holds(`GET ${path}`, { status, contentType: undefined, headers: {}, json: undefined })
    return status === 304
  }
  expect(await until(isSame, 10_000)).toBe(true)
}

/** Every operation, with a path that can be asked for. */
const asked = api.operations.map((operation) => {
  const [method = '', path = ''] = operation.split(' ')
  return { operation, method, path: path.replace('{name}', 'main') }
})

describe('docs/admin-api.yaml', () => {
  it('is a document by the rules of OpenAPI, of this version', () => {
    expect(api.problems()).toEqual([])
    expect(api.text).toContain(`\n  version: ${packageVersion()}\n`)
    expect(api.operations.length).toBeGreaterThan(8)
  })

  it('has the paths that the interface has, and no other', () => {
    const view = { config: configOf(goodConfig) } as unknown as GatewayView
    const { stack } = createAdminApp(view).router as unknown as {
      stack: readonly { route?: { path: string; methods: Readonly<Record<string, boolean>> } }[]
    }
    const routes = stack.flatMap(({ route }) =>
      route === undefined ? [] : Object.keys(route.methods).map((method) => `${method.toUpperCase()} ${route.path}`),
    )
    const named = routes.filter((route) => route !== 'GET /page/:name').map((route) => route.replaceAll(/:(\w+)/g, '{$1}'))
    expect(named.sort()).toEqual([...api.operations].sort())
  })

  it('says what is answered to who looks', async () => {
    const { gateway, endpoint } = await apiGateway({ credential: { token_requests: { limit: 90, window: '1h' } } })
    const admin = supertest(gateway.adminUrl)
    await holds('GET /status', admin.get('/status'))
    await (await fetch(`${gateway.url}/api/x`)).text()
    endpoint.revokeAll()
    await (await fetch(`${gateway.url}/api/x`)).text()
    await (await fetch(`${gateway.url}/nowhere`)).text()
    for (const probe of ['/livez', '/healthz', '/readyz']) await holds(`GET ${probe}`, admin.get(probe))
    await holds('GET /readyz', admin.get('/readyz?verbose'))
    await holds('GET /metrics', admin.get('/metrics'))
    await holds('GET /metrics', admin.get('/metrics').set('Accept', 'application/openmetrics-text;version=1.0.0'))
    await holds('GET /', admin.get('/'))
    for (const path of ['/api/orders?limit=5', '/elsewhere', '*']) {
      await holds('GET /explain', admin.get('/explain').query({ method: 'OPTIONS', path }))
    }
    await holds('GET /explain', admin.get('/explain?path=/api').set('Accept', 'text/html'))
    await holds('GET /explain', admin.get('/explain'))
    await holds('GET /explain', admin.get('/explain').set('Accept', 'text/html'))
    endpoint.answer = (response) => answerJson(response, {}, 500)
    await holds('POST /credentials/{name}/renew', admin.post('/credentials/main/renew'))
    await holds('GET /status', admin.get('/status'))
  })

  it('says what is answered to who changes something', async () => {
    const { gateway } = await apiGateway()
    const admin = supertest(gateway.adminUrl)
    const renew = 'POST /credentials/{name}/renew'
    await holds(renew, admin.post('/credentials/main/renew'))
    await holds(renew, admin.post('/credentials/main/renew').set('Accept', 'text/html'))
    await holds(renew, admin.post('/credentials/other/renew'))
    await holds(renew, admin.post('/credentials/%ZZ/renew'))
    for (const { operation, method, path } of asked) {
      if (method !== 'POST') continue
      await holds(operation, admin.post(path).set('Origin', 'https://evil.example'))
    }
    await holds('POST /reload', admin.post('/reload'))
  })

  it('says what is answered where there is a token for each identity', async () => {
    const { gateway } = await apiGateway({ credential: { token_request: { params: { user: '{request.header.X-User}' } } } })
    await (await fetch(`${gateway.url}/api/x`, { headers: { 'X-User': 'a' } })).text()
    await holds('POST /credentials/{name}/renew', supertest(gateway.adminUrl).post('/credentials/main/renew'))
    await holds('GET /status', supertest(gateway.adminUrl).get('/status'))
    await holds('GET /explain', supertest(gateway.adminUrl).get('/explain?path=/api/x'))
  })

  it('says what is answered to others', async () => {
    const { gateway } = await apiGateway()
    for (const { operation, method, path } of asked) {
      const ask = supertest(gateway.adminUrl)
      await holds(operation, (method === 'POST' ? ask.post(path) : ask.get(path)).set('Host', 'evil.example'))
    }
    const guarded = await apiGateway({ top: { admin: { listen: '127.0.0.1:0', callers: [{ name: 'ops', api_key: 'key' }] } } })
    for (const { operation, method, path } of asked) {
      const ask = supertest(guarded.gateway.adminUrl)
      await holds(operation, method === 'POST' ? ask.post(path) : ask.get(path))
    }
  })

  it('says what is answered when the gateway is not ready', async () => {
    const { gateway } = await apiGateway({
      top: { admin: { listen: '127.0.0.1:0', ready_when: 'tokens' } },
      credential: { token_endpoint: 'http://127.0.0.1:1/token' },
    })
    await holds('GET /readyz', supertest(gateway.adminUrl).get('/readyz?verbose'))
  })

  it('says what is answered to a reload', async () => {
    const route = { path: '/api', upstream: 'http://127.0.0.1:1' }
    const gateway = await reloadable({ routes: [route] })
    const admin = supertest(gateway.adminUrl)
    await holds('POST /reload', admin.post('/reload'))
    await holds('POST /reload', admin.post('/reload').set('Accept', 'text/html'))
    await gateway.reload({ routes: [{ ...route, methods: [] }] })
    await holds('POST /reload', admin.post('/reload'))
    await holds('GET /status', admin.get('/status'))
    await holdsUnchanged(gateway.adminUrl, '/status')
    await holdsUnchanged(gateway.adminUrl, '/')
  })

  it('was shown to be true of every answer', () => {
    expect(api.unseen()).toEqual([])
  })
})
