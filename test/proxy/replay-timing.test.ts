import { createHash } from 'node:crypto'
import { array, assert, asyncProperty, boolean, constantFrom, integer, oneof } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { provider, refusalBody } from '../support/proxy-api.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { answerJson, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: localhost\r\n'
const early = `HTTP/1.1 401 Unauthorized\r\nContent-Length: ${refusalBody.length}\r\n\r\n${refusalBody}`

function digest(bytes: Buffer): string {
  return `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`
}

test('whatever the size and the pieces of a body, the provider receives every byte or none, and a replay is identical', async () => {
  const limit = 20_000
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { route: { replay: { max_body: limit } } })
  const sizes = oneof(constantFrom(0, 1, limit - 1, limit, limit + 1), integer({ min: 0, max: limit * 3 }))
  await assert(
    asyncProperty(
      sizes,
      array(integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 8 }),
      boolean(),
      boolean(),
      async (size, pieces, isChunked, isRevoked) => {
        const body = Buffer.from(Array.from({ length: size }, (_, n) => (n * 31 + size) % 256))
        await fetch(`${gateway.url}/api/warm-up`)
        const before = api.calls.length
        if (isRevoked) api.tokens.revokeAll()
        const caller = await rawCaller(gateway.port)
        caller.send(
          `PUT /api/a HTTP/1.1\r\n${host}Connection: close\r\n${isChunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`}\r\n\r\n`,
        )
        for (let at = 0, turn = 0; at < size; turn++) {
          const piece = body.subarray(at, at + (pieces[turn % pieces.length] as number))
          at += piece.length
          if (isChunked) caller.send(`${piece.length.toString(16)}\r\n`)
          caller.send(piece)
          if (isChunked) caller.send('\r\n')
          if (turn % 3 === 0) await new Promise((resolve) => setImmediate(resolve))
        }
        if (isChunked) caller.send('0\r\n\r\n')
        await caller.ended()
        const isReplayed = isRevoked && size <= limit
        expect(caller.text.slice(9, 12)).toBe(isRevoked && !isReplayed ? '401' : '200')
        expect(api.calls.slice(before).map((call) => digest(call.body))).toEqual(
          Array.from({ length: isReplayed ? 2 : 1 }, () => digest(body)),
        )
        caller.socket.destroy()
      },
    ),
    { numRuns: 60 },
  )
  expect(api.cut()).toBe(0)
  await settledGateway(gateway)
}, 30_000)

/** An upstream that answers the first request as soon as its head is there, and the others when they are complete. */
async function earlyUpstream(first: string, afterwards: 'open' | 'reset') {
  const heads: string[] = []
  const bodies: string[] = []
  const server = await tcpServer((socket) => {
    let text = ''
    socket.setEncoding('latin1')
    const isFirst = heads.length === 0
    socket.on('data', (chunk: string) => {
      text += chunk
      const [head = '', body] = text.split('\r\n\r\n')
      if (body === undefined) return
      if (heads.at(-1) !== head) {
        heads.push(head)
        if (isFirst) socket.write(first)
        if (isFirst && afterwards === 'reset') setTimeout(() => socket.resetAndDestroy(), 30)
      }
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (isFirst || body.length < length) return
      bodies.push(body)
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond')
    })
  })
  return { ...server, heads, bodies }
}

describe('a refusal that comes before the caller has finished sending', () => {
  test.each(['open', 'reset'] as const)(
    'is replayed with the whole of a small body (connection afterwards: %s)',
    async (afterwards) => {
      const tokens = await tokenEndpoint()
      const upstream = await earlyUpstream(early, afterwards)
      const gateway = await startApiGateway(upstream.url, tokens.url)
      const caller = await rawCaller(gateway.port)
      caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\n01234`)
      await eventually('the token is renewed', () => tokens.requests.length === 2)
      await new Promise((resolve) => setTimeout(resolve, 60))
      caller.send('56789')
      expect(await caller.until((text) => text.includes('second'))).toMatch(/^HTTP\/1\.1 200 /)
      expect(upstream.bodies).toEqual(['0123456789'])
      await settledGateway(gateway)
    },
  )

  test.each(['open', 'reset'] as const)(
    'is relayed at once when the body is too large (connection afterwards: %s)',
    async (afterwards) => {
      const tokens = await tokenEndpoint()
      const upstream = await earlyUpstream(early, afterwards)
      const gateway = await startApiGateway(upstream.url, tokens.url, { route: { replay: { max_body: 8 } } })
      const caller = await rawCaller(gateway.port)
      caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\n01234`)
      expect(await caller.until((text) => text.includes(refusalBody))).toMatch(/^HTTP\/1\.1 401 /)
      await eventually('the token is renewed', () => tokens.requests.length === 2)
      caller.socket.destroy()
      await settledGateway(gateway)
    },
  )

  test('ends in an answer when the caller then stops sending', async () => {
    const tokens = await tokenEndpoint()
    const upstream = await earlyUpstream(early, 'open')
    const gateway = await startApiGateway(upstream.url, tokens.url, { top: { limits: { body_idle: '200ms' } } })
    const caller = await rawCaller(gateway.port)
    caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\n01234`)
    expect(await caller.until((text) => text.includes('\r\n\r\n{'), 3_000)).toMatch(/^HTTP\/1\.1 40[18] /)
    caller.socket.destroy()
    await settledGateway(gateway)
    await eventually('the upstream is left alone', () => upstream.openConnections() === 0)
  })

  test('and is cut off while it is held leaves nobody waiting', async () => {
    const tokens = await tokenEndpoint()
    const renewal = gate()
    const upstream = await earlyUpstream('HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\ncut', 'reset')
    const gateway = await startApiGateway(upstream.url, tokens.url)
    await gateway.tokens.named('main')?.obtain()
    tokens.answer = async (response) => {
      await renewal.opened
      response.writeHead(500).end()
    }
    const caller = await rawCaller(gateway.port)
    caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\n0`)
    await eventually('the connection is reset', () => upstream.connections() === 1 && upstream.openConnections() === 0)
    setTimeout(renewal.open, 50)
    await eventually('the caller hears of it', () => caller.end !== 'open' || caller.text.startsWith('HTTP/1.1 5'), 3_000)
    await settledGateway(gateway)
  })
})

test('without room in replay_memory the request goes through, and only its replay is given up', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { top: { replay_memory: '2KiB' } })
  await fetch(`${gateway.url}/api/warm-up`)
  for (let round = 0; round < 3; round++) {
    api.tokens.revokeAll()
    expect((await fetch(`${gateway.url}/api/large`, { method: 'POST', body: 'a'.repeat(3_000) })).status).toBe(401)
    api.tokens.revokeAll()
    expect((await fetch(`${gateway.url}/api/small`, { method: 'POST', body: 'a'.repeat(1_500) })).status).toBe(200)
    expect((await fetch(`${gateway.url}/api/large`, { method: 'POST', body: 'a'.repeat(3_000) })).status).toBe(200)
  }
})

test('a first answer is held for the renewal no longer than its deadline', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  await fetch(`${gateway.url}/api/warm-up`)
  const [granted, late] = [api.tokens.answer, gate()]
  api.tokens.revokeAll()
  api.tokens.answer = async (response, next) => {
    await late.opened
    await granted(response, next)
  }
  // 5 s in earnest.
  hasten({ 5_000: 300 })
  const startedMs = performance.now()
  const answer = await fetch(`${gateway.url}/api/a`)
  expect([answer.status, await answer.text()]).toEqual([401, refusalBody])
  expect(performance.now() - startedMs).toBeLessThan(1_800)
  late.open()
})

test('the handshake of an upgrade is replayed', async () => {
  const tokens = await tokenEndpoint()
  tokens.answer = (response, next) => answerJson(response, { access_token: next, expires_in: 60 })
  const upstream = await tcpServer((socket) => {
    socket.setEncoding('latin1')
    socket.once('data', (chunk: string) => {
      if (chunk.includes('Bearer token-1')) socket.end(early)
      else socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello')
    })
  })
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/ws HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
  expect(await caller.until((text) => text.includes('hello'))).toMatch(/^HTTP\/1\.1 101 /)
  caller.socket.destroy()
  await settledGateway(gateway)
})
