import { expect, test } from 'vitest'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import type { ConnectionPool } from '../../../src/proxy/upstream/http1/connection-pool.ts'
import { UpstreamTls } from '../../../src/proxy/upstream/http1/upstream-tls.ts'
import { UpstreamError } from '../../../src/proxy/upstream/upstream-error.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { tcpServer } from '../../support/servers.ts'
import { attempt, freeSlots, poolTo, textOf } from '../../support/upstream-client.ts'

const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'
const upload = { method: 'POST', contentLength: 20_000_000 }
const body = Buffer.alloc(upload.contentLength)

/* A replay has its whole body before it has a connection: the limit for connecting went on, and cut every one that took longer. */
test('a body that was there before the connection may take longer than connecting', async () => {
  const upstream = await tcpServer((socket) => {
    socket.pause()
    let received = 0
    setTimeout(() => socket.resume(), 500)
    socket.on('data', (piece) => {
      received += piece.length
      if (received > body.length) socket.write(good)
    })
  })
  const pool = poolTo(upstream.url)
  const asked = attempt(pool, upload, { timeouts: { connect: 200, response: 5_000, idle: 5_000 } })
  asked.write(body)
  asked.end()
  expect(await textOf(await asked.answer)).toBe('good')
})

test('an upstream that takes nothing of a body that was there before the connection is given up', async () => {
  const upstream = await tcpServer((socket) => void socket.pause())
  const pool = poolTo(upstream.url)
  const asked = attempt(pool, upload, { timeouts: { connect: 5_000, response: 5_000, idle: 200 } })
  asked.write(body)
  await expect(asked.answer).rejects.toMatchObject({
    gatewayError: { code: 'upstream_timeout', message: 'upstream:80 took nothing of the request for 200 ms' },
  })
  expect(freeSlots(pool)).toBe(10)
})

/** Where TCP is answered, and TLS is not. */
async function silentPlace(): Promise<string> {
  const tls = await tcpServer((socket) => void socket.pause())
  return tls.url.replace('http', 'https')
}

const limits = { response: 5_000, idle: 5_000 }

test.each([
  ['within TLS, in time', 200, 'upstream_timeout', stay],
  ['within TLS, by whoever asks', 5_000, 'given up', giveUp],
  ['within TLS, by the pool', 5_000, 'upstream_unreachable', closePool],
] as const)('a connection that is not made is given up %s, and gives its slot back once', async (_, connect, outcome, how) => {
  const pool = poolTo(await silentPlace(), {
    tls: new UpstreamTls({}, { onChange: stay, log: createLog({ write: stay }) }),
    max: 1,
  })
  const asked = attempt(pool, upload, { timeouts: { ...limits, connect } })
  asked.write(Buffer.alloc(10))
  setTimeout(() => how(asked, pool), 50)
  const startedMs = performance.now()
  await asked.answer.then(
    () => expect.unreachable(),
    (error: unknown) => expect(error instanceof UpstreamError ? error.gatewayError.code : (error as Error).message).toBe(outcome),
  )
  expect(performance.now() - startedMs).toBeLessThan(1_000)
  asked.abort(new Error('again'))
  expect(freeSlots(pool)).toBe(1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(freeSlots(pool)).toBe(1)
})

test('a request that must not be written opens no connection, and leaves its slot to whoever asked', async () => {
  const upstream = await tcpServer(stay)
  const pool = poolTo(upstream.url, { max: 1 })
  expect(() => attempt(pool, { fields: ['Host', 'a', 'X', 'split\r\nInjected: 1'] })).toThrow(TypeError)
  expect(freeSlots(pool)).toBe(0)
  pool.slots.give()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([freeSlots(pool), upstream.connections()]).toEqual([1, 0])
})

function stay(): void {}

function giveUp(asked: Attempt): void {
  asked.abort(new Error('given up'))
}

function closePool(_: Attempt, pool: ConnectionPool): void {
  pool.close()
}
