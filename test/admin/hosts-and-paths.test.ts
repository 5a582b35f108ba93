import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway } from '../support/cli-admin-gateway.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer, readBody } from '../support/servers.ts'

/** A request whose Host and other fields are what the test says. */
function fetchWith(url: string, method: string, headers: Record<string, string>): Promise<IncomingMessage & { text: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers }, (response) => {
      void readBody(response).then((body) => resolve(Object.assign(response, { text: body.toString() })))
    })
    request.on('error', reject)
    request.end()
  })
}

describe('the host guard', () => {
  it.each(['evil.example', 'evil.example:9090', '127.0.0.1.evil.example', 'localhost.evil.example', '169.254.169.254'])(
    'refuses the host %s',
    async (host) => {
      const { gateway } = await apiGateway()
      for (const path of ['/status', '/', '/metrics', '/livez']) {
        const { statusCode, text } = await fetchWith(`${gateway.adminUrl}${path}`, 'GET', { host })
        expect(statusCode, path).toBe(421)
        expect(text).not.toContain('main')
      }
    },
  )

  it.each(['localhost', 'localhost:9090', '127.0.0.1:1', '[::1]:9090', 'LOCALHOST', 'localhost.'])(
    'lets the host %s in',
    async (host) => {
      const { gateway } = await apiGateway()
      expect((await fetchWith(`${gateway.adminUrl}/status`, 'GET', { host })).statusCode).toBe(200)
    },
  )
})

describe('other paths', () => {
  it.each(['/nothing', '/credentials', '/credentials/main', '/api/x', '/..%2f..%2fetc/passwd', '/status/x', '/.git/config'])(
    'GET %s is 404 and says what there is',
    async (path) => {
      const { gateway } = await apiGateway()
      const { text } = await supertest(gateway.adminUrl).get(path).expect(404)
      expect(text).toContain('/status')
      expect(text).not.toMatch(/ at .*\.ts/)
    },
  )

  it.each(['POST', 'PUT', 'DELETE', 'PATCH'])('%s /status changes nothing', async (method) => {
    const { gateway } = await apiGateway()
    expect([404, 405]).toContain((await fetch(`${gateway.adminUrl}/status`, { method })).status)
  })

  it('a malformed escape in the path is 400 or 404, not an error inside', async () => {
    const { gateway } = await apiGateway()
    for (const path of ['/%', '/%ZZ', '/status?%', '/readyz?verbose=%'])
      expect((await fetch(`${gateway.adminUrl}${path}`)).status, path).toBeLessThan(500)
  })

  it('are not reached through the gateway, nor the gateway through them', async () => {
    const { gateway } = await apiGateway()
    expect((await fetch(`${gateway.url}/status`)).status).toBe(404)
    expect((await fetch(`${gateway.url}/metrics`)).status).toBe(404)
  })

  it('work without any credential', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await startTestGateway({
      routes: [{ path: '/', upstream: upstream.url }],
      admin: { listen: '127.0.0.1:0', ready_when: 'tokens' },
    })
    await supertest(gateway.adminUrl).get('/readyz').expect(200)
    await supertest(gateway.adminUrl).get('/').expect(200)
    const { body } = (await supertest(gateway.adminUrl).get('/status')) as unknown as { body: Record<string, unknown> }
    expect(body).toMatchObject({ credentials: [], routes: [{ path: '/', credential: null }] })
  })
})
