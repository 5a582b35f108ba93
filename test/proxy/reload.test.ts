import { describe, expect, test } from 'vitest'
import { reloadable } from '../support/reloadable-gateway.ts'
import { answerJson, httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const client = { client_id: 'client', client_secret: 'canary-client-secret' }

describe('a reload', () => {
  test('under load loses no request, and changes nothing where the configuration says the same', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((_, response) => {
      setTimeout(() => response.end('ok'), 5)
    })
    const gateway = await reloadable({
      credentials: { main: { token_endpoint: endpoint.url, ...client } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    })
    const over = new AbortController()
    const statuses: number[] = []
    const callers = Array.from({ length: 16 }, async () => {
      while (!over.signal.aborted) {
        const answer = await fetch(`${gateway.url}/api`, { method: 'POST', body: 'x'.repeat(1000) })
        await answer.text()
        statuses.push(answer.status)
      }
    })
    for (let count = 0; count < 20; count++) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      expect(await gateway.reload()).toMatchObject({ isUsed: true })
    }
    const connections = upstream.connections()
    over.abort()
    await Promise.all(callers)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(endpoint.requests).toHaveLength(1)
    expect(connections).toBeLessThanOrEqual(16)
  })

  test('lets a request under way finish where it began, on its connection', async () => {
    const endpoint = await tokenEndpoint()
    const [arrived, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const old = await httpServer(async (_, response) => {
      response.write('half, ')
      arrived.resolve()
      await released.promise
      response.end('whole')
    })
    const later = await httpServer((_, response) => response.end('new'))
    const routesTo = (upstream: string) => [{ path: '/api', upstream, credential: 'main' }]
    const gateway = await reloadable({
      credentials: { main: { token_endpoint: endpoint.url, ...client } },
      routes: routesTo(old.url),
    })
    const open = fetch(`${gateway.url}/api`)
    await arrived.promise
    await gateway.reload({ routes: routesTo(later.url) })
    expect(await (await fetch(`${gateway.url}/api`)).text()).toBe('new')
    released.resolve()
    expect(await (await open).text()).toBe('half, whole')
    await expect.poll(() => old.openConnections()).toBe(0)
  })

  test('with another client secret asks for a token with it; with another renewal time it keeps the token', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((request, response) => answerJson(response, request.headers.authorization))
    const routes = [{ path: '/api', upstream: upstream.url, credential: 'main' }]
    const main = { token_endpoint: endpoint.url, ...client }
    const gateway = await reloadable({ credentials: { main }, routes })
    const sent = async () => await (await fetch(`${gateway.url}/api`)).json()
    expect(await sent()).toBe('Bearer token-1')
    await gateway.reload({ credentials: { main: { ...main, renew_before: '50%' } } })
    expect(await sent()).toBe('Bearer token-1')
    await gateway.reload({ credentials: { main: { ...main, client_secret: 'canary-other-secret' } } })
    expect(await sent()).toBe('Bearer token-2')
    expect(endpoint.requests).toHaveLength(2)
  })

  test('ends the pause after a refusal at once', async () => {
    const endpoint = await tokenEndpoint()
    const grant = endpoint.answer
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client' }, 401)
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await reloadable({
      credentials: { main: { token_endpoint: endpoint.url, ...client } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    })
    expect((await fetch(`${gateway.url}/api`)).status).toBe(502)
    endpoint.answer = grant
    expect((await fetch(`${gateway.url}/api`)).status).toBe(502)
    await gateway.reload()
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200)
  })

  test('with other limits has them for new connections, and other access rules at once', async () => {
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await reloadable({ routes: [{ path: '/api', upstream: upstream.url }] })
    const big = { headers: { 'x-big': 'x'.repeat(2_000), connection: 'close' } }
    expect((await fetch(`${gateway.url}/api`, big)).status).toBe(200)
    await gateway.reload({ limits: { headers: '1KiB' }, routes: [{ path: '/api', upstream: upstream.url, methods: ['POST'] }] })
    expect((await fetch(`${gateway.url}/api`, big)).status).toBe(431)
    expect((await fetch(`${gateway.url}/api`)).status).toBe(405)
  })

  test('with callers asks who calls from the next request on, and lets a key that was taken away in no longer', async () => {
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await reloadable({ routes: [{ path: '/api', upstream: upstream.url }] })
    const statusWith = async (key: string) => (await fetch(`${gateway.url}/api`, { headers: { 'x-bearerd-key': key } })).status
    expect(await statusWith('')).toBe(200)
    await gateway.reload({ callers: [{ name: 'erp', api_key: 'canary-key-1' }] })
    expect([await statusWith('canary-key-1'), await statusWith('')]).toEqual([200, 401])
    await gateway.reload({ callers: [{ name: 'erp', api_key: 'canary-key-2' }] })
    expect([await statusWith('canary-key-1'), await statusWith('canary-key-2')]).toEqual([401, 200])
  })

  test('without a credential takes its token out of the metrics, so that nobody is paged for it', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((_, response) => response.end())
    const route = { path: '/api', upstream: upstream.url }
    const main = { token_endpoint: endpoint.url, token_requests: { limit: 5, window: '1h' }, ...client }
    const gateway = await reloadable({ credentials: { main }, routes: [{ ...route, credential: 'main' }] })
    await fetch(`${gateway.url}/api`)
    const said = /bearerd_token_((expiry|renewal|last_success)_timestamp_seconds|budget_(remaining|limit))\{credential="main"\}/g
    expect((await gateway.metrics()).match(said)).toHaveLength(5)
    await gateway.reload({ credentials: {}, routes: [route] })
    expect((await gateway.metrics()).match(said)).toBeNull()
    expect(await gateway.metrics()).toContain('bearerd_token_requests_total{credential="main",outcome="success"} 1')
    expect((await fetch(`${gateway.url}/api`)).status).toBe(200)
  })

  test('to keep a credential warm gets its token without a caller', async () => {
    const endpoint = await tokenEndpoint()
    const main = { token_endpoint: endpoint.url, ...client }
    const routes = [{ path: '/api', upstream: 'http://127.0.0.1:1', credential: 'main' }]
    const gateway = await reloadable({ credentials: { main }, routes })
    await gateway.reload({ credentials: { main: { ...main, keep_warm: true } } })
    await expect.poll(() => gateway.tokens.named('main')?.status().state).toBe('fresh')
  })
})
