import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { httpServer, sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const get = 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: TE\r\n\r\n'
const jsonHead = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n'

/** A gateway that looks into every answer of text. */
async function lookingGateway(upstream: string): Promise<TestGateway> {
  const tokens = await tokenEndpoint()
  return startApiGateway(upstream, tokens.url, {
    credential: { rejected_when: [{ body: 'the token has expired' }] },
    route: { max_connections: 1 },
  })
}

test.each([
  ['of a length', 'Content-Length: 100\r\n\r\n12345', 'end', 'upstream_reset'],
  ['of a length, by a reset', 'Content-Length: 100\r\n\r\n12345', 'reset', 'upstream_reset'],
  ['up to the end of the connection, by a reset', '\r\n12345', 'reset', 'upstream_reset'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', 'end', 'upstream_reset'],
  ['in bad chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n', 'open', 'upstream_invalid'],
])(
  'an answer that is cut off while it is held is a 502 of the gateway, never a complete-looking one: %s',
  async (_, rest, how, code) => {
    const api = await tcpServer((socket) => {
      socket.once('data', () => {
        socket.write(`${jsonHead}${rest}`)
        if (how !== 'open') setTimeout(() => (how === 'reset' ? socket.resetAndDestroy() : socket.end()), 50)
      })
    })
    const gateway = await lookingGateway(api.url)
    const caller = await rawCaller(gateway.port)
    caller.send(get)
    expect(await caller.until((text) => text.includes('request_id'))).toMatch(/^HTTP\/1\.1 502 /)
    expect(caller.text).toContain(`"code":"${code}"`)
    expect(caller.text).not.toContain('12345')
    await settledGateway(gateway)
    await eventually('the upstream is left alone', () => api.openConnections() === 0)
  },
)

test('an answer that is cut off after what is held stays cut', async () => {
  const api = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(`${jsonHead}Transfer-Encoding: chunked\r\n\r\n20000\r\n${'x'.repeat(0x20000)}\r\n`)
      setTimeout(() => socket.end(), 50)
    })
  })
  const gateway = await lookingGateway(api.url)
  const caller = await rawCaller(gateway.port)
  caller.send(get)
  await caller.ended()
  expect(caller.text).toMatch(/^HTTP\/1\.1 200 /)
  expect(caller.text).not.toMatch(/\r\n0\r\n/)
  await settledGateway(gateway)
})

test.each([
  ['here at once', 0],
  ['that come later', 50],
])('framing and trailers survive: chunks %s', async (_, delayMs) => {
  const api = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(`${jsonHead}Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n`)
      setTimeout(() => socket.write('3\r\n678\r\n0\r\nX-Sum: 36\r\n\r\n'), delayMs)
    })
  })
  const gateway = await lookingGateway(api.url)
  const caller = await rawCaller(gateway.port)
  caller.send(get)
  const text = await caller.until((received) => received.includes('X-Sum: 36\r\n\r\n'))
  expect(text).toMatch(/Transfer-Encoding: chunked\r\n/i)
  expect(text).toContain('\r\n\r\n8\r\n12345678\r\n0\r\nX-Sum: 36\r\n\r\n')
  await settledGateway(gateway)
})

test.each(['text/event-stream', 'text/event-stream; charset=utf-8', 'application/x-ndjson', 'application/octet-stream'])(
  'a stream is not held up: %s',
  async (type) => {
    const api = await httpServer((_, response) => void response.writeHead(200, { 'content-type': type }).write('data: 1\n\n'))
    const gateway = await lookingGateway(api.url)
    const startedMs = performance.now()
    const caller = await rawCaller(gateway.port)
    caller.send(get)
    await caller.until((text) => text.includes('data: 1'), 1_000)
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  },
)

test('a stream of JSON is held for 2 s at most, then it goes on as it comes', async () => {
  hasten({ 2_000: 200 })
  let more = (): void => {}
  const api = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"event":1}\n')
    more = () => void response.end('the token has expired')
  })
  const gateway = await lookingGateway(api.url)
  const caller = await rawCaller(gateway.port)
  caller.send(get)
  await caller.until((text) => text.includes('{"event":1}'), 1_800)
  more()
  await caller.until((text) => text.includes('the token has expired') && text.endsWith('0\r\n\r\n'))
  await settledGateway(gateway)
})

test('a slow caller slows the upstream down, and gets every byte', async () => {
  const size = 32 * 1024 ** 2
  let sent = 0
  const api = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const send = (): void => {
      while (sent < size) {
        sent += 65_536
        if (!response.write(Buffer.alloc(65_536, 'x'))) {
          response.once('drain', send)
          return
        }
      }
      response.end()
    }
    send()
  })
  const gateway = await lookingGateway(api.url)
  const caller = await rawCaller(gateway.port)
  caller.socket.pause()
  caller.send(get.replace('Connection: TE', 'Connection: close'))
  let before = -1
  await eventually(
    'the upstream waits',
    async () => {
      before = sent
      await new Promise((resolve) => setTimeout(resolve, 200))
      return sent > 0 && sent === before
    },
    5_000,
  )
  expect(sent).toBeLessThan(size)
  caller.socket.resume()
  await caller.ended(10_000)
  expect(caller.text.split('x').length - 1).toBe(size)
})

test('a caller that leaves while its answer is held frees the upstream', async () => {
  const api = await tcpServer((socket) => socket.once('data', () => socket.write(`${jsonHead}Content-Length: 100\r\n\r\n12345`)))
  const gateway = await lookingGateway(api.url)
  const caller = await rawCaller(gateway.port)
  caller.send(get)
  await eventually('the request is there', () => api.openConnections() === 1)
  await new Promise((resolve) => setTimeout(resolve, 50))
  caller.socket.destroy()
  await eventually('the upstream is left alone', () => api.openConnections() === 0, 1_000)
  await settledGateway(gateway)
})

test("an HTTP/1.0 caller gets an answer whose end is its connection's", async () => {
  const api = await tcpServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n12345')),
  )
  const gateway = await lookingGateway(api.url)
  expect(await sendRaw(gateway.port, 'GET /api/a HTTP/1.0\r\nHost: localhost\r\n\r\n')).toMatchObject({
    body: '12345',
    end: 'closed',
  })
})
