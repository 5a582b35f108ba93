import { describe, expect, test } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { endHeaders, endStream, fieldBlock, frameBytes, frameTypes, frameUpstream } from '../support/http2-frames.ts'
import type { Frame, FrameConnection, FrameUpstream } from '../support/http2-frames.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'

/*
 * An upstream, or who has taken over its host, that attacks the gateway by way of HTTP/2: frames that do not belong where they are,
 * floods of frames that cost it nothing (CVE-2019-9511 to 9518, CVE-2023-44487, CVE-2024-27316, CVE-2025-8671 from the client's
 * side), windows and lists of fields that overflow, connections that stand still. Whatever it does, the request ends with an error
 * that names the upstream, the connection with a GOAWAY that says why, and the next request is answered on another connection.
 */
async function pair(
  attack: (connection: FrameConnection, stream: number) => void,
  { route = {} }: { route?: Record<string, unknown> } = {},
): Promise<{ upstream: FrameUpstream; gateway: TestGateway }> {
  const authority = certificateAuthority()
  const upstream = await frameUpstream(authority.issue('server'), ({ type, stream }: Frame, connection) => {
    if (type !== frameTypes.headers) return
    if (connection.number === 1) attack(connection, stream)
    else connection.answer(stream)
  })
  const gateway = await startTestGateway({
    routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert }, ...route }],
  })
  return { upstream, gateway }
}

const ok = fieldBlock([':status', '200'])
const codeNames = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
].concat(['FRAME_SIZE_ERROR', 'REFUSED_STREAM', 'CANCEL', 'COMPRESSION_ERROR', 'CONNECT_ERROR', 'ENHANCE_YOUR_CALM'])

/** How the gateway said goodbye to the first connection. */
function goodbye({ frames }: FrameUpstream): string | undefined {
  const frame = frames.find(({ type, connection }) => type === frameTypes.goaway && connection === 1)
  return frame && codeNames[frame.payload.readUInt32BE(4)]
}

/** Sends so many frames of a kind, as fast as the connection takes them. */
function flood({ socket }: FrameConnection, count: number, frame: Buffer): void {
  const many = Buffer.concat(Array.from({ length: 100 }, () => frame))
  for (let sent = 0; sent < count; sent += 100) socket.write(many)
}

type Attack = (connection: FrameConnection, stream: number) => void

const code = (...numbers: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * numbers.length)
  for (const [index, value] of numbers.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}
const setting = (identifier: number, value: number): Buffer => Buffer.concat([Buffer.from([0, identifier]), code(value)])
const interim = fieldBlock([':status', '103'])

describe.skipIf(!hasOpenssl)('an upstream that attacks by way of HTTP/2', () => {
  test.each<[string, string, Attack]>([
    ['an answer on a stream that never was', 'PROTOCOL_ERROR', ({ send }) => send('headers', endHeaders, 99, ok)],
    ['an answer on a stream of its own', 'PROTOCOL_ERROR', ({ send }) => send('headers', endHeaders, 2, ok)],
    ['a body on a stream that never was', 'PROTOCOL_ERROR', ({ send }) => send('data', 0, 99, 'body')],
    ['a reset of a stream that never was', 'PROTOCOL_ERROR', ({ send }) => send('reset', 0, 99, code(8))],
    ['a reset of no stream', 'PROTOCOL_ERROR', ({ send }) => send('reset', 0, 0, code(8))],
    ['a short reset', 'FRAME_SIZE_ERROR', ({ send }, stream) => send('reset', 0, stream, 'abc')],
    ['a push', 'PROTOCOL_ERROR', ({ send }, stream) => send('pushPromise', endHeaders, stream, Buffer.concat([code(2), ok]))],
    ['a frame over 16 KiB', 'FRAME_SIZE_ERROR', ({ send }, stream) => send('data', 0, stream, 'x'.repeat(16_385))],
    ['a frame of 16 MiB', 'FRAME_SIZE_ERROR', ({ socket }) => socket.write(Buffer.from('ffffff000000000001', 'hex'))],
    ['padding longer than its frame', 'PROTOCOL_ERROR', ({ send }, stream) => send('data', 8, stream, '\x08body')],
    ['HTTP/1.1', 'FRAME_SIZE_ERROR', ({ socket }) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood')],
    ['settings of a stream', 'PROTOCOL_ERROR', ({ send }, stream) => send('settings', 0, stream, '')],
    ['half a setting', 'FRAME_SIZE_ERROR', ({ send }) => send('settings', 0, 0, '12345')],
    ['an acknowledgement with settings', 'FRAME_SIZE_ERROR', ({ send }) => send('settings', 1, 0, setting(3, 1))],
    ['a first window of 2 GiB', 'FLOW_CONTROL_ERROR', ({ send }) => send('settings', 0, 0, setting(4, 2 ** 31))],
    ['a ping of 9 bytes', 'FRAME_SIZE_ERROR', ({ send }) => send('ping', 0, 0, '123456789')],
    ['a ping of a stream', 'PROTOCOL_ERROR', ({ send }, stream) => send('ping', 0, stream, '12345678')],
    ['a short goodbye', 'FRAME_SIZE_ERROR', ({ send }) => send('goaway', 0, 0, code(0))],
    ['a window opened by nothing', 'PROTOCOL_ERROR', ({ send }, stream) => send('windowUpdate', 0, stream, code(0))],
    [
      'a window of a stream that overflows',
      'FLOW_CONTROL_ERROR',
      ({ send }, stream) => send('windowUpdate', 0, stream, code(2 ** 31 - 1)),
    ],
    ['the window of all that overflows', 'FLOW_CONTROL_ERROR', ({ send }) => send('windowUpdate', 0, 0, code(2 ** 31 - 1))],
    [
      'fields that cannot be decoded',
      'COMPRESSION_ERROR',
      ({ send }, stream) => send('headers', endHeaders, stream, '\xff\xff\xff\xff\xff\xff'),
    ],
    ['fields that refer to nothing', 'COMPRESSION_ERROR', ({ send }, stream) => send('headers', endHeaders, stream, '\xbe')],
    [
      'another frame within its fields',
      'PROTOCOL_ERROR',
      ({ send }, stream) => {
        send('headers', 0, stream, ok)
        send('ping', 0, 0, '12345678')
      },
    ],
    [
      'fields without an end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => {
        connection.send('headers', 0, stream, ok)
        flood(connection, 200_000, frameBytes('continuation', 0, stream, Buffer.alloc(0)))
      },
    ],
    [
      'pings without end',
      'ENHANCE_YOUR_CALM',
      (connection) => flood(connection, 100_000, frameBytes('ping', 0, 0, Buffer.from('12345678'))),
    ],
    [
      'settings without end',
      'ENHANCE_YOUR_CALM',
      (connection) => flood(connection, 100_000, frameBytes('settings', 0, 0, setting(3, 9))),
    ],
    [
      'acknowledgements without end',
      'ENHANCE_YOUR_CALM',
      (connection) => flood(connection, 100_000, frameBytes('settings', 1, 0, Buffer.alloc(0))),
    ],
    [
      'windows without end',
      'ENHANCE_YOUR_CALM',
      (connection) => flood(connection, 100_000, frameBytes('windowUpdate', 0, 0, code(1))),
    ],
    [
      'priorities without end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => flood(connection, 100_000, frameBytes('priority', 0, stream, Buffer.alloc(5))),
    ],
    [
      'unknown frames without end',
      'ENHANCE_YOUR_CALM',
      (connection) => flood(connection, 100_000, frameBytes(0x42, 0, 0, Buffer.from('hello'))),
    ],
    [
      'interim answers without end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => flood(connection, 100_000, frameBytes('headers', endHeaders, stream, interim)),
    ],
    [
      'resets of a stream that is over, without end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => {
        connection.send('reset', 0, stream, code(8))
        flood(connection, 100_000, frameBytes('reset', 0, stream, code(8)))
      },
    ],
    [
      'a body of a stream that is over, without end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => {
        connection.send('reset', 0, stream, code(8))
        flood(connection, 100_000, frameBytes('data', 0, stream, Buffer.from('x')))
      },
    ],
    [
      'an answer to a stream that is over, without end',
      'ENHANCE_YOUR_CALM',
      (connection, stream) => {
        connection.send('reset', 0, stream, code(8))
        flood(connection, 100_000, frameBytes('headers', endHeaders, stream, ok))
      },
    ],
  ])('with %s gets an error, and %s', async (_, name, attack) => {
    const { gateway, upstream } = await pair(attack)
    const answer = await fetch(`${gateway.url}/api/a`)
    expect(answer.status).toBe(502)
    expect(((await answer.json()) as { code: string }).code).toMatch(/^upstream_(invalid|reset)$/)
    await eventually('the connection is ended', () => goodbye(upstream) !== undefined, 5_000)
    expect(goodbye(upstream)).toBe(name)
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(upstream.connections()).toBe(2)
    await settledGateway(gateway)
  })

  test.each<[string, Attack]>([
    ['of an empty body', (connection, stream) => flood(connection, 100_000, frameBytes('data', 0, stream, Buffer.alloc(0)))],
    ['of padding', (connection, stream) => flood(connection, 100_000, frameBytes('data', 8, stream, Buffer.from([0])))],
  ])('with an answer that is a flood %s is stopped', async (_, attack) => {
    const { gateway, upstream } = await pair((connection, stream) => {
      connection.send('headers', endHeaders, stream, ok)
      attack(connection, stream)
    })
    const caller = await rawCaller(gateway.port)
    caller.send('GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await caller.ended()).toBe('reset')
    await eventually('the connection is ended', () => goodbye(upstream) === 'ENHANCE_YOUR_CALM')
    await settledGateway(gateway)
  })

  test('takes no more from a caller that does not read than the window, though it sends single bytes', async () => {
    const { gateway, upstream } = await pair((connection, stream) => {
      connection.send('headers', endHeaders, stream, ok)
      flood(connection, 1_000_000, frameBytes('data', 0, stream, Buffer.from('x')))
    })
    const caller = await rawCaller(gateway.port)
    caller.socket.pause()
    caller.send('GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const isStopped = ({ type, payload }: Frame): boolean =>
      type === frameTypes.windowUpdate || (type === frameTypes.reset && payload.readUInt32BE(0) === 3)
    await eventually('the window is looked after', () => upstream.frames.some(isStopped), 5_000)
    caller.socket.destroy()
    await settledGateway(gateway)
  })

  test('with a small block that means a large list gets an error, and others on the connection do not', async () => {
    let count = 0
    const { gateway, upstream } = await pair((connection, stream) => {
      if (++count > 1) {
        connection.answer(stream)
        return
      }
      const entry = Buffer.concat([Buffer.from('\x40\x01a\x7f\x81\x1e', 'latin1'), Buffer.alloc(3_968, 'x')])
      connection.send('headers', 0, stream, Buffer.concat([Buffer.from([0x88]), entry, Buffer.alloc(12_000, 0xbe)]))
      connection.send('continuation', endHeaders, stream, Buffer.alloc(16_000, 0xbe))
    })
    const answer = await fetch(`${gateway.url}/api/a`)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([502, 'upstream_invalid'])
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('with a body behind HEAD, or behind its own end, gets an error', async () => {
    const { gateway } = await pair((connection, stream) => {
      connection.send('headers', endHeaders, stream, ok)
      connection.send('data', endStream, stream, 'body')
    })
    const caller = await rawCaller(gateway.port)
    caller.send('HEAD /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await caller.ended()).toBe('reset')
    expect(caller.text).not.toContain('body')
    await settledGateway(gateway)
  })

  test.each<[string, Attack]>([
    ['that reads nothing', ({ socket }) => socket.pause()],
    [
      'that reads nothing behind the head of its answer',
      (connection, stream) => {
        connection.send('headers', endHeaders, stream, ok)
        connection.socket.pause()
      },
    ],
  ])('%s is found out by a ping, and its requests end before their own limits', async (_, attack) => {
    hasten({ 10_000: 200 })
    const { gateway } = await pair(attack, { route: { timeouts: { connect: '300ms', response: '30s', idle: '30s' } } })
    const caller = await rawCaller(gateway.port)
    caller.send('POST /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    await caller.ended(5_000)
    if (!caller.text.startsWith('HTTP/1.1 200')) expect(caller.text).toMatch(/^HTTP\/1\.1 502[^]*PING/)
    await settledGateway(gateway)
  })

  test('that goes away in the middle of an upload leaves it cut, without a clean end, where there is no copy of it', async () => {
    const { gateway, upstream } = await pair(({ send }) => send('goaway', 0, 0, code(0, 0)), { route: { replay: 'off' } })
    const caller = await rawCaller(gateway.port)
    caller.send('POST /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello')
    await caller.until((text) => text.startsWith('HTTP/1.1 502'))
    caller.socket.destroy()
    expect(upstream.frames.some(({ type, flags }) => type <= frameTypes.headers && (flags & endStream) !== 0)).toBe(false)
    await settledGateway(gateway)
  })

  test('that says something else before what it allows gets an error', async () => {
    const authority = certificateAuthority()
    const upstream = await frameUpstream(
      authority.issue('server'),
      ({ type }, { send }) => {
        if (type === frameTypes.settings) send('ping', 0, 0, '12345678')
      },
      { isMute: true },
    )
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert } }],
    })
    const answer = await fetch(`${gateway.url}/api/a`)
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([502, 'upstream_invalid'])
    await eventually('it is told why', () => goodbye(upstream) === 'PROTOCOL_ERROR')
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })
})
