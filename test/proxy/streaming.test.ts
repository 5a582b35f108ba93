import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { httpServer, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: localhost\r\n'
const piece = Buffer.alloc(256 * 1024, 'x')
const pieces = 400

function* largeBody(): Generator<Buffer> {
  for (let n = 0; n < pieces; n++) yield piece
}

test('100 MiB go up and down, every byte, in memory that does not grow with them', async () => {
  const tokens = await tokenEndpoint()
  let received = 0
  const api = await httpServer((incoming, response) => {
    if (incoming.method === 'GET') {
      Readable.from(largeBody()).pipe(response)
      return
    }
    incoming.on('data', (chunk: Buffer) => void (received += chunk.length))
    incoming.on('end', () => response.end('good'))
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const used = (): number => process.memoryUsage().rss / 1024 ** 2
  const before = used()
  let most = before
  const sampling = setInterval(() => void (most = Math.max(most, used())), 20)
  for (const headers of [{ 'content-length': piece.length * pieces }, {}]) {
    received = 0
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const upload = request(`${gateway.url}/api/up`, { method: 'PUT', headers }, resolve)
      upload.on('error', reject)
      Readable.from(largeBody()).pipe(upload)
    })
    answer.resume()
    expect([answer.statusCode, received]).toEqual([200, piece.length * pieces])
  }
  let down = 0
  for await (const chunk of (await fetch(`${gateway.url}/api/down`)).body ?? []) down += (chunk as Uint8Array).length
  clearInterval(sampling)
  expect(down).toBe(piece.length * pieces)
  expect(most - before).toBeLessThan(170)
}, 30_000)

test('an upload and a download wait for a side that does not read', async () => {
  const tokens = await tokenEndpoint()
  let produced = 0
  const api = await httpServer((incoming, response) => {
    if (incoming.method !== 'GET') return
    const body = Readable.from(
      (function* () {
        for (const chunk of largeBody()) {
          produced += chunk.length
          yield chunk
        }
      })(),
    )
    body.pipe(response)
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { timeouts: { idle: '2s' } } })
  const reader = await rawCaller(gateway.port)
  reader.send(`GET /api/a HTTP/1.1\r\n${host}\r\n`)
  await eventually('the answer begins', () => reader.text.length > 0)
  reader.socket.pause()
  const upload = request(`${gateway.url}/api/a`, { method: 'POST' })
  upload.on('error', () => {})
  let sent = 0
  const body = Readable.from(largeBody())
  body.on('data', (chunk: Buffer) => void (sent += chunk.length))
  body.pipe(upload)
  let last = -1
  await eventually(
    'nothing moves any more',
    async () => {
      const now = produced + sent
      const isStill = now === last
      last = now
      if (!isStill) await new Promise((resolve) => setTimeout(resolve, 200))
      return isStill
    },
    5_000,
  )
  expect(produced).toBeLessThan(50 * 1024 ** 2)
  expect(sent).toBeLessThan(50 * 1024 ** 2)
  // A caller from which nothing is read at the moment cannot be seen to leave; the upstream's idle time bounds that.
  const inFlight = (): Promise<number | undefined> => gateway.metric('bearerd_http_requests_in_flight{route="/api"}')
  reader.socket.destroy()
  await eventually('the download is given up', async () => (await inFlight()) === 1)
  upload.destroy()
  await eventually('the upload is given up', async () => (await inFlight()) === 0)
})

test("the first event arrives before the second is made, and a caller that leaves ends the upstream's answer", async () => {
  const tokens = await tokenEndpoint()
  const next = gate()
  const isLeft = gate()
  const api = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' }).flushHeaders()
    response.on('close', isLeft.open)
    response.write('data: 1\n\n')
    void next.opened.then(() => response.write('data: 2\n\n'))
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/events HTTP/1.1\r\n${host}\r\n`)
  await caller.until((text) => text.includes('data: 1'))
  next.open()
  await caller.until((text) => text.includes('data: 2'))
  caller.socket.destroy()
  await isLeft.opened
  await settledGateway(gateway)
})

test('the head of an answer arrives before its body', async () => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nX-Obs: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n', 'latin1')),
  )
  const gateway = await startApiGateway(api.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/a HTTP/1.1\r\n${host}\r\n`)
  expect(await caller.until((text) => text.includes('\r\n\r\n'))).toMatch(/^x-obs: \xe9$/im)
})

test.each([
  ['while the answer is awaited', `GET /api/a HTTP/1.1\r\n${host}\r\n`],
  ['in the middle of a body', `POST /api/a HTTP/1.1\r\n${host}Content-Length: 9\r\n\r\n1`],
  ['while an upgrade is awaited', `GET /api/a HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
])('a caller that leaves %s has the upstream request aborted within a second', async (_, bytes) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.resume())
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  const caller = await rawCaller(gateway.port)
  caller.send(bytes)
  await eventually('the request arrives', () => api.connections() === 1)
  await new Promise((resolve) => setTimeout(resolve, 30))
  caller.socket.destroy()
  await eventually('the upstream is left alone', () => api.openConnections() === 0, 1_000)
  await settledGateway(gateway)
})

test('a caller that leaves the queue for connections leaves it, and those behind get their turn', async () => {
  const tokens = await tokenEndpoint()
  const slow = gate()
  const targets: (string | undefined)[] = []
  const api = await httpServer((incoming, response) => {
    targets.push(incoming.url)
    void slow.opened.then(() => response.end('good'))
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  const [first, second, third] = [await rawCaller(gateway.port), await rawCaller(gateway.port), await rawCaller(gateway.port)]
  const inFlight = (): Promise<number | undefined> => gateway.metric('bearerd_http_requests_in_flight{route="/api"}')
  for (const [caller, n] of [
    [first, 1],
    [second, 2],
    [third, 3],
  ] as const) {
    caller.send(`POST /api/${n} HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\nx`)
    await eventually('it is in flight', async () => (await inFlight()) === n)
  }
  second.socket.destroy()
  await eventually('the second is forgotten', async () => (await inFlight()) === 2, 1_000)
  slow.open()
  await third.until((text) => text.includes('good'))
  expect(targets).toEqual(['/1', '/3'])
  await settledGateway(gateway)
})

test('a caller that leaves while it waits for a token does not take it from the others', async () => {
  const tokens = await tokenEndpoint()
  const slow = gate()
  const { answer } = tokens
  tokens.answer = async (response, next) => {
    await slow.opened
    await answer(response, next)
  }
  const targets: (string | undefined)[] = []
  const api = await httpServer((incoming, response) => {
    targets.push(incoming.url)
    response.end('good')
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const leaver = await rawCaller(gateway.port)
  leaver.send(`GET /api/leaver HTTP/1.1\r\n${host}\r\n`)
  await eventually('the token is asked for', () => tokens.requests.length === 1)
  const stayer = fetch(`${gateway.url}/api/stayer`)
  await new Promise((resolve) => setTimeout(resolve, 20))
  leaver.socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 50))
  slow.open()
  expect((await stayer).status).toBe(200)
  expect(targets).toEqual(['/stayer'])
  expect(tokens.requests).toHaveLength(1)
  await settledGateway(gateway)
})
