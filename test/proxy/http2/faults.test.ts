import { describe, expect, test } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { startApiGateway, startTestGateway } from '../../support/gateway.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { endHeaders, endStream, fieldBlock, frameTypes, frameUpstream } from '../../support/http2-frames.ts'
import type { Frame, FrameConnection, FrameUpstream } from '../../support/http2-frames.ts'
import { eventually, settledGateway } from '../../support/proxy-wait.ts'
import { rawCaller } from '../../support/raw-caller.ts'
import { sendRaw } from '../../support/servers.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'

/** An upstream of frames, which a test answers request by request, and a gateway before it. */
async function pair(
  onRequest: (frame: Frame, connection: FrameConnection, count: number) => void,
  {
    route = {},
    onOther = () => {},
  }: { route?: Record<string, unknown>; onOther?: (frame: Frame, connection: FrameConnection) => void } = {},
): Promise<{ upstream: FrameUpstream; gateway: TestGateway }> {
  const authority = certificateAuthority()
  let count = 0
  const upstream = await frameUpstream(authority.issue('server'), (frame, connection) => {
    if (frame.type === frameTypes.headers) onRequest(frame, connection, ++count)
    else onOther(frame, connection)
  })
  const gateway = await startTestGateway({
    routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert }, ...route }],
  })
  return { upstream, gateway }
}

const requests = ({ frames }: FrameUpstream): string[] =>
  frames.filter(({ type }) => type === frameTypes.headers).map(({ connection, stream }) => `${connection}/${stream}`)

const resets = ({ frames }: FrameUpstream): number[] =>
  frames.filter(({ type }) => type === frameTypes.reset).map(({ payload }) => payload.readUInt32BE(0))

const hasEnd = ({ frames }: FrameUpstream): boolean =>
  frames.some(({ type, flags }) => (type === frameTypes.data || type === frameTypes.headers) && (flags & endStream) !== 0)

const ok = fieldBlock([':status', '200'])
const cancelled = 8

async function failureOf(gateway: TestGateway, init: RequestInit = {}): Promise<{ status: number; code: string }> {
  const answer = await fetch(`${gateway.url}/api/a`, init)
  const { code } = (await answer.json()) as { code: string }
  return { status: answer.status, code }
}

describe.skipIf(!hasOpenssl)('a request that the upstream has not processed (RFC 9113 8.7)', () => {
  test.each<[string, (connection: FrameConnection, stream: number) => void]>([
    ['refused', ({ send, code }, stream) => send('reset', 0, stream, code(7))],
    ['above the last one of GOAWAY', ({ send, code }) => send('goaway', 0, 0, code(0, 0))],
    ['above the last one of a GOAWAY with an error', ({ send, code }) => send('goaway', 0, 0, code(0, 2))],
  ])('%s, is sent again, on another connection, whatever its method', async (_, refuse) => {
    for (const body of [undefined, 'content']) {
      const { gateway, upstream } = await pair((frame, connection, count) => {
        if (count === 1) refuse(connection, frame.stream)
        else connection.answer(frame.stream)
      })
      const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', ...(body !== undefined && { body: '' }) })
      expect([answer.status, await answer.text()]).toEqual([200, 'good'])
      expect(requests(upstream)).toEqual(['1/1', '2/1'])
    }
  })

  test('is sent again with its body, where there is a copy of it, and otherwise not', async () => {
    const authority = certificateAuthority()
    const tokens = await tokenEndpoint()
    for (const replay of [{ max_body: '1KiB' }, { max_body: '2B' }]) {
      let count = 0
      const upstream = await frameUpstream(authority.issue('server'), (frame, connection) => {
        const isEnd = frame.type === frameTypes.data && (frame.flags & endStream) !== 0
        if (!isEnd) return
        if (++count === 1) connection.send('reset', 0, frame.stream, connection.code(7))
        else connection.answer(frame.stream)
      })
      const route = { http2: true, replay, tls: { ca: authority.cert } }
      const gateway = await startApiGateway(upstream.url, tokens.url, { route })
      const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'content' })
      expect(answer.status).toBe(replay.max_body === '1KiB' ? 200 : 502)
      const bodies = upstream.frames.filter(({ type }) => type === frameTypes.data).map(({ payload }) => payload.toString())
      expect(bodies.join('')).toBe(replay.max_body === '1KiB' ? 'contentcontent' : 'content')
    }
  })

  test('is sent again three times at most', async () => {
    const { gateway, upstream } = await pair(({ stream }, { send, code }) => send('reset', 0, stream, code(7)))
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_reset' })
    expect(requests(upstream)).toEqual(['1/1', '2/1', '3/1', '4/1'])
    await settledGateway(gateway)
  })

  test('is sent again more than once only as long as one answer may take', async () => {
    const { gateway, upstream } = await pair(
      ({ stream }, { send, code }) => void setTimeout(() => send('reset', 0, stream, code(7)), 600),
      { route: { timeouts: { response: '1s' } } },
    )
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_reset' })
    expect(requests(upstream)).toEqual(['1/1', '2/1'])
    await settledGateway(gateway)
  })

  test.each([
    ['ENHANCE_YOUR_CALM', 11],
    ['INTERNAL_ERROR', 2],
    ['CANCEL', 8],
    ['NO_ERROR', 0],
  ])('is not one that was reset with %s', async (_, reset) => {
    const { gateway, upstream } = await pair(({ stream }, { send, code }) => send('reset', 0, stream, code(reset)))
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_reset' })
    expect(requests(upstream)).toEqual(['1/1'])
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_reset' })
    // One stream's end is not the end of the connection.
    expect(requests(upstream)).toEqual(['1/1', '1/3'])
    await settledGateway(gateway)
  })

  test('is not one of a session that ends with ENHANCE_YOUR_CALM', async () => {
    const { gateway, upstream } = await pair((_, { send, code }) => send('goaway', 0, 0, code(0, 11)))
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_reset' })
    expect(requests(upstream)).toHaveLength(1)
  })
})

describe.skipIf(!hasOpenssl)('an answer that HTTP/2 forbids', () => {
  test.each<[string, Buffer]>([
    ['a field of the connection', fieldBlock([':status', '200'], ['connection', 'close'])],
    ['a transfer coding', fieldBlock([':status', '200'], ['transfer-encoding', 'chunked'])],
    ['a name in upper case', fieldBlock([':status', '200'], ['X-A', 'b'])],
    ['no status', fieldBlock(['x-a', 'b'])],
    ['two statuses', fieldBlock([':status', '200'], [':status', '204'])],
    ['a pseudo-field of requests', fieldBlock([':status', '200'], [':path', '/'])],
    ['a pseudo-field behind the others', fieldBlock(['x-a', 'b'], [':status', '200'])],
    ['a switch of protocols', fieldBlock([':status', '101'])],
    ['a status of 700', fieldBlock([':status', '700'])],
    ['two lengths', fieldBlock([':status', '200'], ['content-length', '4'], ['content-length', '5'])],
  ])('with %s is upstream_invalid, and the connection goes on', async (_, block) => {
    const { gateway, upstream } = await pair(({ stream }, connection, count) => {
      if (count === 1) connection.send('headers', endHeaders, stream, block)
      else connection.answer(stream)
    })
    expect(await failureOf(gateway)).toEqual({ status: 502, code: 'upstream_invalid' })
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('before a head is upstream_invalid', async () => {
    const { gateway } = await pair(({ stream }, { send }) => send('data', 0, stream, 'body'))
    expect((await failureOf(gateway)).code).toBe('upstream_invalid')
    await settledGateway(gateway)
  })

  test('by way of garbage ends the session, and all of its streams', async () => {
    const { gateway, upstream } = await pair(({ stream }, connection, count) => {
      if (count === 2) connection.socket.write(Buffer.alloc(300, 0xff))
      if (count > 2) connection.answer(stream)
    })
    const failures = await Promise.all([failureOf(gateway), failureOf(gateway)])
    for (const { status } of failures) expect(status).toBe(502)
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(upstream.connections()).toBe(2)
    await settledGateway(gateway)
  })

  // CVE-2024-27983, CVE-2024-28182: endless CONTINUATION frames.
  test('a head without an end is cut off', async () => {
    const { gateway } = await pair(({ stream }, { send }) => {
      send('headers', 0, stream, ok)
      for (let index = 0; index < 100; index++) send('continuation', 0, stream, fieldBlock(['x-a', 'a'.repeat(1_000)]))
    })
    expect((await failureOf(gateway)).status).toBe(502)
    await settledGateway(gateway)
  })

  test('a head over 64 KiB is cut off, and one below it is not', async () => {
    const { gateway } = await pair(({ stream }, connection, count) => {
      const field = fieldBlock(['x-a', 'a'.repeat(8_000)])
      const pieces = Array.from({ length: count === 1 ? 7 : 9 }, () => field)
      connection.send('headers', 0, stream, Buffer.concat([ok, pieces[0] ?? ok]))
      for (const [index, piece] of pieces.slice(1).entries()) {
        connection.send('continuation', index === pieces.length - 2 ? endHeaders : 0, stream, piece)
      }
      connection.send('data', endStream, stream, 'good')
    })
    expect(await sendRaw(gateway.port, 'GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')).toMatchObject({
      status: 200,
    })
    expect((await failureOf(gateway)).status).toBe(502)
    await settledGateway(gateway)
  })

  test('500 fields are relayed', async () => {
    const { gateway } = await pair(({ stream }, { send }) => {
      const fields = Array.from({ length: 500 }, (_, index) => [`x-${index}`, 'a'] as const)
      send('headers', endHeaders | endStream, stream, fieldBlock([':status', '200'], ...fields))
    })
    const { status, text } = await sendRaw(gateway.port, 'GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect([status, text.match(/^x-/gm)?.length]).toEqual([200, 500])
  })
})

describe.skipIf(!hasOpenssl)('an answer that is cut', () => {
  const length = fieldBlock([':status', '200'], ['content-length', '100'])
  test.each<[string, Buffer, (connection: FrameConnection, stream: number) => void]>([
    ['by a reset without an error', ok, ({ send, code }, stream) => send('reset', 0, stream, code(0))],
    ['by a reset with CANCEL', ok, ({ send, code }, stream) => send('reset', 0, stream, code(8))],
    ['by a reset with an error', ok, ({ send, code }, stream) => send('reset', 0, stream, code(2))],
    ['by the end of the connection', ok, ({ socket }) => socket.destroy()],
    ['by a GOAWAY with an error', ok, ({ send, code }, stream) => send('goaway', 0, 0, code(stream, 2))],
    ['before its length', length, ({ send }, stream) => send('data', endStream, stream, 'end')],
    ['behind its length', length, ({ send }, stream) => send('data', endStream, stream, 'x'.repeat(200))],
    ['by silence', ok, () => {}],
  ])('%s, never looks complete to the caller', async (_, head, cut) => {
    const { gateway } = await pair(
      ({ stream }, connection) => {
        connection.send('headers', endHeaders, stream, head)
        connection.send('data', 0, stream, 'begin')
        setTimeout(() => cut(connection, stream), 50)
      },
      { route: { timeouts: { idle: '300ms' } } },
    )
    for (const version of ['1.1', '1.0']) {
      const caller = await rawCaller(gateway.port)
      caller.send(`GET /api/ HTTP/${version}\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
      await caller.until((text) => text.includes('begin'))
      expect(await caller.ended()).toBe('reset')
      expect(caller.text).not.toMatch(/\r\n0\r\n/)
    }
    await settledGateway(gateway)
  })

  test('after its end is not cut: a reset without an error only stops the upload', async () => {
    const { gateway, upstream } = await pair(({ stream }, connection) => {
      connection.answer(stream, 'too early')
      connection.send('reset', 0, stream, connection.code(0))
    })
    const caller = await rawCaller(gateway.port)
    caller.send('POST /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nbegin')
    await caller.until((text) => text.includes('too early'))
    expect(caller.text).toMatch(/\r\n0\r\n\r\n$/)
    expect(hasEnd(upstream)).toBe(false)
  })

  test('GOAWAY leaves the streams below its last one to end, and takes no new ones', async () => {
    let first: (() => void) | undefined
    const { gateway, upstream } = await pair(({ stream }, connection, count) => {
      if (count === 1) {
        connection.send('headers', endHeaders, stream, ok)
        connection.send('data', 0, stream, 'begin')
        connection.send('goaway', 0, 0, connection.code(stream, 0))
        first = () => connection.send('data', endStream, stream, ' end')
      } else connection.answer(stream)
    })
    const answer = await fetch(`${gateway.url}/api/a`)
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    first?.()
    expect(await answer.text()).toBe('begin end')
    expect(requests(upstream)).toEqual(['1/1', '2/1'])
  })
})

describe.skipIf(!hasOpenssl)('a caller that leaves', () => {
  test.each(['before the answer', 'within the answer', 'within its upload'])(
    '%s, has the stream reset within a second, and no clean end sent',
    async (when) => {
      const { gateway, upstream } = await pair(({ stream }, connection) => {
        if (!when.includes('within the answer')) return
        connection.send('headers', endHeaders, stream, ok)
        connection.send('data', 0, stream, 'begin')
      })
      const caller = await rawCaller(gateway.port)
      const isUpload = when.includes('upload')
      const framing = isUpload ? 'Transfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n' : '\r\n'
      caller.send(`${isUpload ? 'POST' : 'GET'} /api/ HTTP/1.1\r\nHost: localhost\r\n${framing}`)
      await eventually('the request is there', () => requests(upstream).length === 1)
      if (isUpload) await eventually('its body begins', () => upstream.frames.some(({ type }) => type === frameTypes.data))
      if (when.includes('within the answer')) await caller.until((text) => text.includes('begin'))
      caller.socket.resetAndDestroy()
      await eventually('it is reset', () => resets(upstream).length === 1, 1_000)
      expect(resets(upstream)).toEqual([cancelled])
      if (isUpload) expect(hasEnd(upstream)).toBe(false)
      await settledGateway(gateway)
    },
  )

  test('after so much of its upload that the upstream takes no more, leaves no clean end either', async () => {
    const { gateway, upstream } = await pair(() => {}, { route: { timeouts: { idle: '300ms' } } })
    const caller = await rawCaller(gateway.port)
    caller.send('POST /api/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    caller.send(`100000\r\n${'x'.repeat(0x100000)}\r\n`)
    const received = (): number =>
      upstream.frames.reduce((sum, { type, payload }) => sum + (type === frameTypes.data ? payload.length : 0), 0)
    await eventually('the window is used up', () => received() === 65_535)
    caller.socket.resetAndDestroy()
    await eventually('it is reset', () => resets(upstream).length === 1, 1_000)
    expect([resets(upstream), hasEnd(upstream), received()]).toEqual([[cancelled], false, 65_535])
    await settledGateway(gateway)
  })

  test('a malformed upload is cut the same way', async () => {
    const { gateway, upstream } = await pair(() => {})
    const caller = await rawCaller(gateway.port)
    caller.send('POST /api/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n')
    await eventually('its body begins', () => upstream.frames.some(({ type }) => type === frameTypes.data))
    caller.send('nonsense\r\n')
    await eventually('it is reset', () => resets(upstream).length === 1, 1_000)
    expect([resets(upstream), hasEnd(upstream)]).toEqual([[cancelled], false])
  })
})

describe.skipIf(!hasOpenssl)('an upstream that stops', () => {
  test('is given up after timeouts.response, whatever the method, and its connection with it', async () => {
    const { gateway, upstream } = await pair(() => {}, { route: { timeouts: { response: '150ms' }, max_connections: 1 } })
    for (const init of [{}, { method: 'POST', body: 'content' }]) {
      expect(await failureOf(gateway, init)).toEqual({ status: 504, code: 'upstream_timeout' })
    }
    expect(requests(upstream)).toEqual(['1/1', '2/1'])
    await eventually('both are reset', () => resets(upstream).length === 2)
    expect(resets(upstream)).toEqual([cancelled, cancelled])
    await settledGateway(gateway)
  })

  test('is given up after timeouts.idle when it takes no more of an upload', async () => {
    const { gateway, upstream } = await pair(() => {}, { route: { timeouts: { idle: '200ms', response: '200ms' } } })
    for (const size of [70_000, 1_000_000]) {
      const failure = await failureOf(gateway, { method: 'POST', body: 'x'.repeat(size) })
      expect(failure).toEqual({ status: 504, code: 'upstream_timeout' })
    }
    expect(hasEnd(upstream)).toBe(false)
    await settledGateway(gateway)
  })

  test('is given up after timeouts.connect when it agrees on HTTP/2 and does not speak it', async () => {
    const authority = certificateAuthority()
    const upstream = await frameUpstream(authority.issue('server'), () => {}, { isMute: true })
    const gateway = await startTestGateway({
      routes: [
        { path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert }, timeouts: { connect: '200ms' } },
      ],
    })
    const failures = await Promise.all([failureOf(gateway), failureOf(gateway)])
    for (const failure of failures) expect(failure).toEqual({ status: 504, code: 'upstream_timeout' })
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('closes each session at the first request, is not flooded with connections', async () => {
    const { gateway, upstream } = await pair((_, { socket }) => socket.destroy())
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(gateway)))
    for (const { status } of failures) expect(status).toBe(502)
    expect(upstream.connections()).toBeLessThanOrEqual(20)
    await settledGateway(gateway)
  })

  test('closes each session before the first request, is asked once for those that wait', async () => {
    const authority = certificateAuthority()
    const upstream = await frameUpstream(authority.issue('server'), (_, { socket }) => socket.destroy())
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert } }],
    })
    const failures = await Promise.all(Array.from({ length: 20 }, () => failureOf(gateway)))
    for (const { status } of failures) expect(status).toBe(502)
    expect(upstream.connections()).toBeLessThanOrEqual(20)
    await settledGateway(gateway)
  })
})
