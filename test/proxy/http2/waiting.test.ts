import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Attempt } from '../../../src/proxy/upstream/attempt.ts'
import type { Http2Pool } from '../../../src/proxy/upstream/http2/http2-pool.ts'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { frameTypes, frameUpstream } from '../../support/http2-frames.ts'
import type { Frame, FrameConnection, FrameUpstream } from '../../support/http2-frames.ts'
import { http2Upstream } from '../../support/http2-upstream.ts'
import { eventually } from '../../support/proxy-wait.ts'
import { ask, attempt, freeSlots, http2PoolTo } from '../../support/upstream-client.ts'

/** An upstream of frames that lets each stream send much, but opens the window of the connection only where a test does so. */
async function scripted(
  onFrame: (frame: Frame, connection: FrameConnection) => void = () => {},
  options: Parameters<typeof http2PoolTo>[2] = {},
): Promise<{ upstream: FrameUpstream; pool: Http2Pool; connections: FrameConnection[] }> {
  const authority = certificateAuthority()
  const connections: FrameConnection[] = []
  const upstream = await frameUpstream(authority.issue('server'), (frame, connection) => {
    if (!connections.includes(connection)) {
      connections.push(connection)
      connection.send('settings', 0, 0, settingsOf([initialWindowSize, 1024 ** 2]))
    }
    onFrame(frame, connection)
  })
  return { upstream, pool: http2PoolTo(upstream.url, authority.cert, options), connections }
}

const maxConcurrentStreams = 3
const initialWindowSize = 4

function settingsOf(...settings: readonly (readonly [identifier: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length)
  for (const [index, [identifier, value]] of settings.entries()) {
    payload.writeUInt16BE(identifier, 6 * index)
    payload.writeUInt32BE(value, 6 * index + 2)
  }
  return payload
}

const heads = ({ frames }: FrameUpstream): string[] =>
  frames.filter(({ type }) => type === frameTypes.headers).map(({ connection, stream }) => `${connection}/${stream}`)

const bodies = ({ frames }: FrameUpstream): (Frame & { readonly connection: number })[] =>
  frames.filter(({ type }) => type === frameTypes.data)

const bytesOf = (upstream: FrameUpstream): number => bodies(upstream).reduce((sum, { payload }) => sum + payload.length, 0)

/** As large as the window of a connection is at first (RFC 9113 6.9.2). */
const window = 65_535
const frame = 16_384

/** Starts an upload that is not ended. */
function upload(pool: Http2Pool, bytes: number): Attempt {
  const asked = attempt(pool, { method: 'POST', contentLength: 1024 ** 2 })
  asked.write(Buffer.alloc(bytes))
  return asked
}

describe.skipIf(!hasOpenssl)('uploads that wait for the window of their connection', () => {
  test('get a frame each in turn, also where the upstream takes no more than one at a time', async () => {
    const { upstream, pool, connections } = await scripted()
    upload(pool, window + 4 * frame)
    await eventually('the window is used up', () => bytesOf(upstream) === window)
    upload(pool, 4 * frame)
    upload(pool, 10)
    await eventually('they are there', () => heads(upstream).length === 3)
    const served: string[] = []
    for (let nth = 1; nth <= 5; nth++) {
      const before = bodies(upstream).length
      connections[0]?.send('windowUpdate', 0, 0, connections[0].code(frame))
      await eventually('it is used', () => bytesOf(upstream) >= Math.min(window + nth * frame, window + 8 * frame))
      served.push(
        ...bodies(upstream)
          .slice(before)
          .map(({ stream }) => String(stream)),
      )
    }
    expect(served.slice(0, 3)).toEqual(['1', '3', '5'])
    expect(new Set(served.slice(3, 5))).toEqual(new Set(['1', '3']))
  })
})

describe.skipIf(!hasOpenssl)('an upload of which the upstream takes little at a time', () => {
  test('has not come to timeouts.idle before the upstream takes nothing', async () => {
    const { upstream, pool, connections } = await scripted()
    const asked = attempt(
      pool,
      { method: 'POST', contentLength: 1024 ** 2 },
      { timeouts: { connect: 5_000, response: 5_000, idle: 800 } },
    )
    let end: string | undefined
    asked.answer.catch((error: Error) => (end = error.message))
    asked.write(Buffer.alloc(window + frame))
    await eventually('the window is used up', () => bytesOf(upstream) === window)
    for (let nth = 1; nth <= 6; nth++) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      connections[0]?.send('windowUpdate', 0, 0, connections[0].code(100))
      await eventually('it is used', () => bytesOf(upstream) === window + nth * 100)
    }
    expect(end).toBeUndefined()
    await eventually('it is given up', () => end !== undefined, 5_000)
    expect(end).toContain('took nothing of the request for 800 ms')
  })
})

describe.skipIf(!hasOpenssl)('an upstream whose connection has no window left', () => {
  test('gets another for further requests, one for every four, and none sooner', async () => {
    const { upstream, pool } = await scripted()
    upload(pool, window + frame)
    await eventually('the window is used up', () => bytesOf(upstream) === window)
    for (let nth = 2; nth <= 4; nth++) upload(pool, frame)
    await eventually('they are there', () => heads(upstream).length === 4)
    expect(upstream.connections()).toBe(1)
    // Does not wait for the other connection.
    upload(pool, frame)
    await eventually(
      'it is made',
      () => upstream.connections() === 2 && upstream.frames.some(({ connection }) => connection === 2),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    upload(pool, 10)
    await eventually('it serves', () => heads(upstream).length === 6)
    expect(heads(upstream).slice(4)).toEqual(['1/9', '2/1'])
    expect(upstream.connections()).toBe(2)
  })
})

describe.skipIf(!hasOpenssl)('a request that waits for a stream', () => {
  test('gets a connection as soon as another one gives up its place, not only when that one is free', async () => {
    const { upstream, pool, connections } = await scripted(() => {}, { max: 1, waitMs: 60_000 })
    for (let nth = 1; nth <= 2; nth++) {
      attempt(pool).end()
      await eventually('it is there', () => heads(upstream).length === nth)
    }
    connections[0]?.send('settings', 0, 0, settingsOf([maxConcurrentStreams, 2]))
    await eventually('there are no further streams', () => freeSlots(pool) === 0)
    // It has had its slot before.
    attempt(pool, {}, { hasSlot: true }).end()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(heads(upstream)).toEqual(['1/1', '1/3'])
    connections[0]?.send('goaway', 0, 0, connections[0].code(3, 0))
    await eventually('it is there', () => heads(upstream).length === 3)
    expect(heads(upstream)[2]).toBe('2/1')
  })
  test('has not to wait longer because others, for whom a connection was being made, have left', async () => {
    const { upstream, pool, connections } = await scripted(() => {}, { max: 2 })
    attempt(pool).end()
    await eventually('it is there', () => heads(upstream).length === 1)
    connections[0]?.send('settings', 0, 0, settingsOf([maxConcurrentStreams, 1]))
    await eventually('it has been read', () => freeSlots(pool) === 1)
    const left = attempt(pool)
    // Before the other connection is made.
    await Promise.resolve()
    left.abort(new Error('left'))
    // No time goes by that anything could wait for.
    const stopped = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    onTestFinished(() => stopped.mockRestore())
    attempt(pool).end()
    for (let nth = 0; nth < 300 && heads(upstream).length < 2; nth++) await new Promise((resolve) => setTimeout(resolve, 10))
    expect(heads(upstream)).toHaveLength(2)
  })

  test('may have as many streams as before once the upstream has chosen HTTP/1.1 in between', async () => {
    const authority = certificateAuthority()
    let version = 'h2'
    const upstream = await http2Upstream(authority.issue('server'), (stream) => stream.respond({}, { endStream: true }), {
      http1: (_, response) => void response.writeHead(200, { connection: 'close' }).end('old'),
      ALPNCallback: () => version,
    })
    const pool = http2PoolTo(upstream.url(), authority.cert, { max: 2 })
    await ask(pool)
    const before = freeSlots(pool)
    for (const other of ['http/1.1', 'h2']) {
      version = other
      for (const session of upstream.sessions) session.destroy()
      await eventually('they are gone', () => upstream.openConnections() === 0)
      await ask(pool)
    }
    expect([before, freeSlots(pool)]).toEqual([256, 256])
  })
  test('has a connection of HTTP/1.1 that others have done with, once the upstream has chosen that', async () => {
    const authority = certificateAuthority()
    let version = 'h2'
    const upstream = await http2Upstream(authority.issue('server'), (stream) => stream.respond({}, { endStream: true }), {
      http1: (_, response) => void setTimeout(() => response.end('old'), 20),
      ALPNCallback: () => version,
    })
    const pool = http2PoolTo(upstream.url(), authority.cert, { max: 1 })
    await ask(pool)
    version = 'http/1.1'
    for (const session of upstream.sessions) session.destroy()
    await eventually('it is gone', () => upstream.openConnections() === 0)
    expect(await Promise.all([ask(pool), ask(pool), ask(pool)])).toEqual(['old', 'old', 'old'])
    expect(upstream.connections()).toBe(2)
  })
})
