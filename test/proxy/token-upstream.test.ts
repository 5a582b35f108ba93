import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { instance, tokenEndpointWith } from '../support/instances.ts'
import type { Instance } from '../support/instances.ts'
import { watchConnections } from '../support/outgoing-connections.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'
import type { TestServer } from '../support/servers.ts'
import type { TokenEndpoint } from '../support/token-endpoint.ts'

const hostOf = ({ port }: { readonly port: number }): string => `127.0.0.1:${port}`

interface Parties {
  readonly gateway: TestGateway
  readonly tokens: TokenEndpoint
  /** Fields of the next token responses besides the usual ones: `instance_url` of the first instance, its `host`. */
  readonly fields: Record<string, unknown>
}

/** A gateway whose upstream is one of several instances, all of them allowed. */
async function inFrontOf(
  instances: readonly [TestServer, ...TestServer[]],
  upstream = '{token.instance_url}',
  route: Record<string, unknown> = {},
): Promise<Parties> {
  const [first] = instances
  const fields: Record<string, unknown> = { instance_url: first.url, host: hostOf(first), port: first.port }
  const tokens = await tokenEndpointWith(fields)
  const gateway = await startApiGateway(upstream, tokens.url, { route: { allowed_hosts: instances.map(hostOf), ...route } })
  return { gateway, tokens, fields }
}

/** Two instances that say their names. */
async function moving(upstream?: string, route?: Record<string, unknown>): Promise<Parties & Record<'one' | 'two', Instance>> {
  const [one, two] = [await instance('one'), await instance('two')]
  return { ...(await inFrontOf([one, two], upstream, route)), one, two }
}

const renew = (gateway: TestGateway): Promise<Response> => fetch(`${gateway.adminUrl}/credentials/main/renew`, { method: 'POST' })

describe('an upstream from the token', () => {
  test('is the one that the token response names, path and all', async () => {
    const { gateway, one, two, fields } = await moving('{token.instance_url}/services/data')
    fields['instance_url'] = `${two.url}/base/`
    expect(await (await fetch(`${gateway.url}/api/v60.0//a%2Fb;c?q=%41`)).text()).toBe('two')
    expect(one.connections()).toBe(0)
    expect(two.calls[0]).toMatchObject({
      target: '/base//services/data/v60.0//a%2Fb;c?q=%41',
      headers: { host: hostOf(two), authorization: 'Bearer token-1', via: '1.1 bearerd' },
    })
  })

  test('may be made of a host, and of a port', async () => {
    const { gateway, one } = await moving('http://{token.host}/api')
    expect(await (await fetch(`${gateway.url}/api`)).text()).toBe('one')
    expect(one.calls[0]?.target).toBe('/api')
    const local = await inFrontOf([one], 'http://localhost:{token.port}', { allowed_hosts: [`localhost:${one.port}`] })
    expect(await (await fetch(`${local.gateway.url}/api/x`)).text()).toBe('one')
    expect(one.calls[1]).toMatchObject({ target: '/x', headers: { host: `localhost:${one.port}` } })
  })

  test('may be any subdomain of an allowed host', async () => {
    const connections = watchConnections()
    const { gateway, tokens, fields, one } = await moving('{token.instance_url}', {
      allowed_hosts: [`*.my.example.com:1`],
      insecure_http: true,
    })
    fields['instance_url'] = 'http://a--b.sandbox.my.example.com:1'
    expect((await fetch(`${gateway.url}/api`)).status).toBe(502)
    expect(connections.except(gateway.url, gateway.adminUrl, tokens.url)).toEqual(['a--b.sandbox.my.example.com:1'])
    expect(one.connections()).toBe(0)
  })

  test('moves with the token: a refused request is replayed at the new instance, path and bytes as they were', async () => {
    const { gateway, tokens, fields, one, two } = await moving('{token.instance_url}/data')
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('one')
    fields['instance_url'] = `${two.url}/moved`
    one.refused.add('token-1')
    const body = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256))
    const answer = await fetch(`${gateway.url}/api/b%2Fc?d=e`, { method: 'POST', body, headers: { 'x-a': 'b' } })
    expect(await answer.text()).toBe('two')
    expect(tokens.requests).toHaveLength(2)
    const [, refused] = one.calls
    const [replayed] = two.calls
    expect([refused?.target, replayed?.target]).toEqual(['/data/b%2Fc?d=e', '/moved/data/b%2Fc?d=e'])
    expect(replayed?.headers).toMatchObject({ host: hostOf(two), authorization: 'Bearer token-2', 'x-a': 'b' })
    expect(replayed?.body.equals(body) && refused?.body.equals(body)).toBe(true)
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('two')
    expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="accepted"}')).toBe(1)
    expect([one.calls.length, two.calls.length]).toEqual([2, 2])
  })

  test('gets no token but its own, however many requests are under way when it moves', async () => {
    const { gateway, fields, one, two } = await moving()
    const callOften = async (): Promise<void> => {
      for (let count = 0; count < 20; count++) await (await fetch(`${gateway.url}/api`)).text()
    }
    await (await fetch(`${gateway.url}/api`)).text()
    fields['instance_url'] = two.url
    const calls = Array.from({ length: 10 }, callOften)
    await renew(gateway)
    await Promise.all(calls)
    const tokensAt = ({ calls: received }: Instance): Set<unknown> =>
      new Set(received.map(({ headers }) => headers.authorization))
    expect([tokensAt(one), tokensAt(two)]).toEqual([new Set(['Bearer token-1']), new Set(['Bearer token-2'])])
    expect(one.calls.length + two.calls.length).toBe(201)
  })

  test('is looked up again when its token was renewed while a request stood in line for a connection', async () => {
    const { opened, open } = gate()
    const { opened: begun, open: begin } = gate()
    const slow = await instance('slow', (_, response) => {
      begin()
      void opened.then(() => response.end('slow'))
    })
    const two = await instance('two')
    const { gateway, fields } = await inFrontOf([slow, two], '{token.instance_url}', { max_connections: 1 })
    const held = fetch(`${gateway.url}/api/held`)
    await begun
    const waiting = fetch(`${gateway.url}/api/waiting`)
    await eventually(
      'both are in flight',
      async () => (await gateway.metric('bearerd_http_requests_in_flight{route="/api"}')) === 2,
    )
    fields['instance_url'] = two.url
    await renew(gateway)
    open()
    expect(await (await held).text()).toBe('slow')
    expect(await (await waiting).text()).toBe('two')
    expect(slow.calls.map(({ target }) => target)).toEqual(['/held'])
    expect(two.calls[0]).toMatchObject({ target: '/waiting', headers: { authorization: 'Bearer token-2' } })
    // The connection that it had waited for is free for others.
    fields['instance_url'] = slow.url
    await renew(gateway)
    expect(await (await fetch(`${gateway.url}/api`)).text()).toBe('slow')
    await settledGateway(gateway)
  })

  test('serves connections again, each origin its own', async () => {
    const { gateway, fields, one, two } = await moving()
    for (const { url } of [one, two, one, two, one]) {
      fields['instance_url'] = `${url}/${Math.random()}`
      await renew(gateway)
      for (let count = 0; count < 3; count++) await (await fetch(`${gateway.url}/api`)).text()
    }
    expect([one.calls.length, two.calls.length]).toEqual([9, 6])
    expect([one.connections(), two.connections()]).toEqual([1, 1])
  })

  test('is what Location and cookies are measured by', async () => {
    const redirecting = await instance('redirecting', ({ headers }, response) => {
      response
        .writeHead(302, {
          location: `http://${headers.host}/base/next`,
          'set-cookie': ['a=b; Path=/base/x; Domain=127.0.0.1', 'c=d; Path=/elsewhere'],
        })
        .end()
    })
    const { gateway } = await inFrontOf([redirecting], '{token.instance_url}/base')
    const answer = await fetch(`${gateway.url}/api`, { redirect: 'manual' })
    expect(answer.headers.get('location')).toBe(`${gateway.url}/api/next`)
    expect(answer.headers.getSetCookie()).toEqual(['a=b; Path=/api/x', 'c=d; Path=/elsewhere'])
  })

  test('takes an upgrade, and its replay', async () => {
    const one = await instance('one')
    one.refused.add('token-1')
    const echo = await httpServer((_, response) => void response.end())
    echo.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.pipe(socket)
    })
    const { gateway, fields } = await inFrontOf([one, echo])
    await renew(gateway)
    fields['instance_url'] = echo.url
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write('GET /api HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    let text = ''
    for await (const chunk of socket.setEncoding('latin1')) {
      text += String(chunk)
      if (text.endsWith('\r\n\r\n')) socket.write('ping')
      if (text.endsWith('ping')) break
    }
    expect(text).toMatch(/^HTTP\/1\.1 101 .*ping$/s)
    expect(one.calls).toHaveLength(1)
    await settledGateway(gateway)
  })

  test('is shown as it is configured, and in the access log as it is', async () => {
    const { gateway, one } = await moving('{token.instance_url}/services/data')
    await fetch(`${gateway.url}/api/a?secret=1`)
    const status = (await (await fetch(`${gateway.adminUrl}/status`)).json()) as { routes: unknown[] }
    expect(status.routes).toMatchObject([{ path: '/api', upstream: '{token.instance_url}/services/data', credential: 'main' }])
    expect(await (await fetch(`${gateway.adminUrl}/`)).text()).toContain('{token.instance_url}/services/data')
    expect(gateway.log.find(({ message }) => message === 'request')).toMatchObject({ upstream: hostOf(one), path: '/api/a' })
  })
})

describe('the token endpoint, on the host that the token names,', () => {
  test.each(['/api/oauth/token', '/api/oauth/%74oken', '/api//oauth//token;x', '/api/OAUTH%2ftoken'])(
    'cannot be called as %s',
    async (target) => {
      let calls = 0
      const host = await httpServer((request, response) => {
        if (request.url === '/oauth/token') calls++
        answerJson(response, { access_token: 'a', expires_in: 60, instance_url: host.url.replace('127.0.0.1', 'localhost') })
      })
      const gateway = await startApiGateway('{token.instance_url}', `${host.url}/oauth/token`, {
        route: { allowed_hosts: [`localhost:${host.port}`] },
      })
      expect((await fetch(`${gateway.url}/api/good`)).status).toBe(200)
      const answer = await sendRaw(
        gateway.port,
        `POST ${target} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      )
      expect([answer.status, JSON.parse(answer.body)]).toMatchObject([403, { code: 'token_endpoint_blocked' }])
      expect(calls).toBe(1)
      await settledGateway(gateway)
    },
  )
})
