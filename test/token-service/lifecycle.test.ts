import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { expect, test } from 'vitest'
import { scratch } from '../support/cli-scratch.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { reloadable } from '../support/reloadable-gateway.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'
import { ask, startTokenService } from '../support/token-service.ts'

const key = (value: string) => ({ fields: { 'x-bearerd-key': value } })

async function reloadableService(service: Record<string, unknown> = {}) {
  const endpoint = await tokenEndpoint()
  const credential = { token_endpoint: endpoint.url, client_id: 'c', client_secret: 's' }
  const token_service = { listen: '127.0.0.1:0', callers: [{ name: 'a', api_key: 'key-a' }], ...service }
  const gateway = await reloadable({ credentials: { main: credential }, token_service })
  return { gateway, endpoint, credential, token_service, url: gateway.tokenServiceUrl ?? '' }
}

test('a reload brings other callers, names and credentials, and keeps the tokens', async () => {
  const { gateway, endpoint, credential, token_service, url } = await reloadableService()
  expect((await ask(url, '/authorize/main', key('key-a'))).headers.authorization).toBe('Bearer token-1')
  const result = await gateway.reload({
    token_service: {
      ...token_service,
      hosts: ['api.internal'],
      callers: [{ name: 'b', api_key: 'key-b', credentials: ['second'] }],
    },
    credentials: { main: credential, second: credential },
  })
  expect(result).toMatchObject({ isUsed: true })
  expect((await ask(url, '/authorize/main', key('key-a'))).status).toBe(401)
  expect((await ask(url, '/authorize/main', key('key-b'))).status).toBe(403)
  const second = await ask(url, '/authorize/second', { fields: { 'x-bearerd-key': 'key-b', host: 'api.internal' } })
  expect(second.headers.authorization).toBe('Bearer token-2')
  await gateway.reload({ token_service })
  expect((await ask(url, '/authorize/main', key('key-a'))).headers.authorization).toBe('Bearer token-1')
  expect(endpoint.requests).toHaveLength(2)
})

test('a request that waits for its token through a reload gets it', async () => {
  const { gateway, endpoint, credential, url } = await reloadableService()
  const { answer } = endpoint
  const granted = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  endpoint.answer = async (response, next) => {
    asked.resolve()
    await granted.promise
    await answer(response, next)
  }
  const waiting = ask(url, '/authorize/main', key('key-a'))
  await asked.promise
  expect(await gateway.reload({ credentials: { main: { ...credential, client_id: 'other' } } })).toMatchObject({ isUsed: true })
  granted.resolve()
  expect(await waiting).toMatchObject({ status: 200, headers: { authorization: 'Bearer token-1' } })
})

test.each([
  ['another address', { listen: '127.0.0.1:1' }, 'token_service.listen: cannot change'],
  ['no token service', undefined, 'token_service.listen: cannot change'],
])('a reload with %s is refused, and the old configuration stays', async (_, change, problem) => {
  const { gateway, token_service, url } = await reloadableService()
  const routes = [{ path: '/', upstream: 'http://127.0.0.1:1' }]
  const result = await gateway.reload({ token_service: change && { ...token_service, ...change }, routes })
  expect(result).toMatchObject({ isUsed: false, problems: [expect.stringContaining(problem)] })
  expect((await ask(url, '/authorize/main', key('key-a'))).status).toBe(200)
})

test('at the end an open request is finished, its answer asks for the end of the connection, and no new one is taken', async () => {
  const { servicePort, tokenServiceUrl, adminUrl, endpoint, stop } = await startTokenService({
    top: { shutdown: { grace: '10s' } },
  })
  const { answer } = endpoint
  const granted = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  endpoint.answer = async (response, next) => {
    asked.resolve()
    await granted.promise
    await answer(response, next)
  }
  expect((await fetch(`${adminUrl}/readyz`)).status).toBe(200)
  const proxy = await rawCaller(servicePort)
  proxy.send('GET /authorize/main HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await asked.promise
  const stopped = stop()
  expect((await fetch(`${adminUrl}/readyz`)).status).toBe(503)
  await expect.poll(() => ask(tokenServiceUrl, '/authorize/main').catch(() => 'refused')).toBe('refused')
  granted.resolve()
  await proxy.ended()
  expect(proxy.text).toMatch(/^HTTP\/1\.1 200 OK/)
  expect(proxy.text).toMatch(/authorization: Bearer token-1/i)
  expect(proxy.text).toMatch(/connection: close/i)
  await stopped
})

test('an address that is taken is said, and nothing keeps the process', async () => {
  const { port } = await httpServer((_, response) => response.end())
  const failing = startTokenService({ service: { listen: `127.0.0.1:${port}` } })
  await expect(failing).rejects.toThrow(
    `cannot listen on 127.0.0.1:${port}: another program uses this address; stop it, or choose another address under "token_service.listen"`,
  )
})

test('a unix socket is for whom its permissions let in', async () => {
  const path = scratch().path('tokens.sock')
  const endpoint = await tokenEndpoint()
  const gateway = await reloadable({
    credentials: { main: { token_endpoint: endpoint.url, client_id: 'c', client_secret: 's' } },
    token_service: { listen: `unix:${path}` },
  })
  expect(gateway.tokenServiceUrl).toBe(`unix:${path}`)
  const authorization = await new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: path, path: '/authorize/main', headers: { host: 'anything' }, agent: false },
      (response) => {
        response.resume()
        resolve(response.headers.authorization)
      },
    )
    sent.on('error', reject).end()
  })
  expect(authorization).toBe('Bearer token-1')
  await gateway.stop()
  expect(existsSync(path)).toBe(false)
})

test('routes are served beside it, with the same token', async () => {
  const endpoint = await tokenEndpoint()
  const api = await httpServer((received, response) => response.end(received.headers.authorization))
  const gateway = await reloadable({
    credentials: { main: { token_endpoint: endpoint.url, client_id: 'c', client_secret: 's' } },
    routes: [{ path: '/api', upstream: api.url, credential: 'main' }],
    token_service: { listen: '127.0.0.1:0' },
  })
  const { authorization } = (await ask(gateway.tokenServiceUrl ?? '', '/authorize/main')).headers
  expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe(authorization)
  // Neither is reached through the other.
  expect((await fetch(`${gateway.url}/authorize/main`)).status).toBe(404)
  expect((await fetch(`${gateway.tokenServiceUrl}/api/a`)).status).toBe(404)
  expect(endpoint.requests).toHaveLength(1)
  const metrics = await gateway.metrics()
  expect(metrics).toContain('bearerd_http_requests_total{route="/api",method="GET",code="200"} 1')
  expect(metrics).toContain('bearerd_token_service_requests_total{credential="none",operation="none",code="404"} 1')
})
