import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { provider, refuse } from '../support/proxy-api.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: 127.0.0.1\r\n'

test.each([1, 20])(
  'with every one of %i connections refused at once, each request finds a connection for its replay',
  async (count) => {
    const tokens = await tokenEndpoint()
    const arrived = gate()
    let waiting = 0
    const upstream = await httpServer(async (request, response) => {
      if (tokens.isLive(request.headers.authorization)) {
        response.end('good')
        return
      }
      // All are refused, and none before the last is there: no token is renewed while others still come with the old one.
      if (++waiting === count) arrived.open()
      await arrived.opened
      refuse(response)
    })
    const gateway = await startApiGateway(upstream.url, tokens.url, { route: { max_connections: count } })
    expect((await fetch(`${gateway.url}/api/first`)).status).toBe(200)
    tokens.revokeAll()
    const answers = await Promise.all(Array.from({ length: count }, () => fetch(`${gateway.url}/api/a`)))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: count }, () => 200))
    expect(tokens.requests).toHaveLength(2)
  },
)

test('300 revocations one after the other leave no connection behind', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  for (let round = 0; round < 300; round++) {
    api.tokens.revokeAll()
    const answer = await fetch(`${gateway.url}/api/a`)
    expect(answer.status).toBe(200)
    await answer.text()
  }
  expect(api.openConnections()).toBeLessThanOrEqual(3)
  await settledGateway(gateway)
})

/**
 * At an upgrade or CONNECT the platform takes its listeners off the connection. Behind an unfinished request they were missed
 * twice: a reset ended the process, and the answer in front stalled for want of `drain`.
 */
test.each(['GET /api/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n', 'CONNECT example.com:443 HTTP/1.1\r\n'])(
  'behind an unfinished answer, "%s" neither stalls that answer nor ends the process when the caller is gone',
  async (request) => {
    const size = 20 * 1024 ** 2
    const tokens = await tokenEndpoint()
    const slow = gate()
    const upstream = await httpServer(async (received, response) => {
      if (received.url === '/slow') await slow.opened
      response.end(Buffer.alloc(received.url === '/large' ? size : 4, 'x'))
    })
    const gateway = await startApiGateway(upstream.url, tokens.url)
    const reader = await rawCaller(gateway.port)
    reader.send(`GET /api/large HTTP/1.1\r\n${host}\r\n${request}${host}\r\n`)
    await reader.until((text) => text.length > size, 5_000)

    const leaver = await rawCaller(gateway.port)
    leaver.send(`GET /api/slow HTTP/1.1\r\n${host}\r\n${request}${host}\r\n`)
    await eventually(
      'the slow request is under way',
      async () => (await gateway.metric('bearerd_http_requests_in_flight{route="/api"}')) !== 0,
    )
    leaver.socket.resetAndDestroy()
    slow.open()
    await settledGateway(gateway)
    expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  },
)

test('a caller that sends requests ahead without end loses its connection, and nobody else theirs', async () => {
  const tokens = await tokenEndpoint()
  const slow = gate()
  const upstream = await httpServer(async (request, response) => {
    if (request.url === '/slow') await slow.opened
    response.end('good')
  })
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/slow HTTP/1.1\r\n${host}\r\n`)
  caller.send(`GET /api/a HTTP/1.1\r\n${host}\r\n`.repeat(10_000))
  await caller.ended()
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  slow.open()
  await settledGateway(gateway)
})

test('a HEAD that the gateway refuses while its body is unfinished is over when its caller leaves', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { route: { methods: ['GET'] } })
  const caller = await rawCaller(gateway.port)
  caller.send(`HEAD /api/a HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nhalf`)
  await caller.until((text) => text.startsWith('HTTP/1.1 405'), 1_000)
  caller.socket.destroy()
  await settledGateway(gateway)
})

test('a renewal that takes too long for its request is no reason to pass the next refusal on', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  const [granted, late] = [api.tokens.answer, gate()]
  api.tokens.answer = async (response, next) => {
    await late.opened
    await granted(response, next)
  }
  // 5 s in earnest.
  hasten({ 5_000: 300 })
  api.tokens.revokeAll()
  const answer = await fetch(`${gateway.url}/api/a`)
  expect(answer.status).toBe(401)
  expect(answer.headers.get('proxy-status')).toContain('deadline')
  late.open()
  await eventually('the token is there all the same', async () => (await fetch(`${gateway.url}/api/a`)).status === 200)
  api.tokens.answer = granted
  api.tokens.revokeAll()
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
})

test('what is open at the end of the grace is answered once, and logged as no error', async () => {
  const tokens = await tokenEndpoint()
  const upstream = await httpServer(() => {})
  const gateway = await startApiGateway(upstream.url, tokens.url, { top: { shutdown: { grace: '200ms' } } })
  const caller = await rawCaller(gateway.port)
  caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\nhalf`)
  await eventually('the request is under way', () => upstream.connections() > 0)
  const startedMs = performance.now()
  await gateway.stop()
  expect(performance.now() - startedMs).toBeLessThan(3_000)
  await caller.ended()
  expect(caller.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 503'])
  expect(caller.text).toContain('"code":"shutting_down"')
  expect(gateway.log.filter(({ level }) => level === 'error')).toEqual([])
})
