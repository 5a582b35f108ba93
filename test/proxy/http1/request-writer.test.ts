import { Duplex } from 'node:stream'
import type { Socket } from 'node:net'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRequests } from '../../../chaos/strict-request.ts'
import { headOf, RequestWriter } from '../../../src/proxy/upstream/http1/request-writer.ts'

test('a head stands on the wire as its fields are, byte for byte', () => {
  const fields = ['Host', 'a', 'X-Empty', '', 'x-\x21', '\xe9\t \xff', 'X-Empty', '2']
  expect(headOf({ method: 'PURGE', target: '/%2F//;a?b=\x7e', fields })).toBe(
    'PURGE /%2F//;a?b=~ HTTP/1.1\r\nHost: a\r\nX-Empty: \r\nx-!: \xe9\t \xff\r\nX-Empty: 2\r\n\r\n',
  )
})

const controls = ['\r', '\n', '\0', '\v', '\x1f', '\x7f', '\u0100', '\u560a', '\u2028']

test.each(controls)('%j in a value, whatever token or configuration it comes from, is never written', (control) => {
  const fields = ['Host', 'a', 'Authorization', `Bearer ${control}Injected: 1`]
  expect(() => headOf({ method: 'GET', target: '/', fields })).toThrow(
    new TypeError('the field Authorization holds a control byte'),
  )
})

test.each([...controls, ' ', '\t', '\x80'])('%j in a target is never written', (control) => {
  expect(() => headOf({ method: 'GET', target: `/${control}HTTP/1.1`, fields: [] })).toThrow(TypeError)
})

/** What is written to a connection, and in how many goes. */
function wire(highWaterMark = 1_000_000) {
  const state = { text: '', writes: 0, isDestroyed: false }
  const stream = new Duplex({
    writableHighWaterMark: highWaterMark,
    read: () => {},
    write: (piece: Buffer, _, done) => {
      state.writes++
      state.text += piece.toString('latin1')
      done()
    },
    writev: (pieces, done) => {
      state.writes++
      for (const { chunk, encoding } of pieces) {
        const piece: unknown = chunk
        state.text +=
          typeof piece === 'string' ? Buffer.from(piece, encoding).toString('latin1') : (piece as Buffer).toString('latin1')
      }
      done()
    },
    destroy: (_, done) => {
      state.isDestroyed = true
      done(null)
    },
  })
  return { state, socket: stream as unknown as Socket }
}

const head = headOf({ method: 'POST', target: '/', fields: ['Host', 'a', 'X', '\xe9'] })

test.each<[what: string, contentLength: number | undefined, pieces: string[], expected: string, writes: number]>([
  ['without a body', 0, [], '', 1],
  ['of a length', 5, ['he', 'llo'], 'hello', 2],
  ['of a length, with an empty piece', 5, ['', 'hello', ''], 'hello', 1],
  ['in chunks', undefined, ['he', 'llo worldly'], '2\r\nhe\r\nb\r\nllo worldly\r\n0\r\n\r\n', 3],
  [
    'in chunks, with an empty piece, which would be the last',
    undefined,
    ['he', '', 'llo'],
    '2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n',
    3,
  ],
  ['in chunks, of nothing', undefined, [], '0\r\n\r\n', 1],
])('a request %s leaves in as few writes as can be', (_, contentLength, pieces, expected, writes) => {
  const { socket, state } = wire()
  const writer = new RequestWriter(socket, head, contentLength)
  expect([writer.isBegun, state.text]).toEqual([false, ''])
  for (const piece of pieces) expect(writer.write(Buffer.from(piece))).toBe(true)
  expect(writer.isEnded).toBe(false)
  writer.end()
  expect([state.text, state.writes, writer.isBegun, writer.isEnded]).toEqual([head + expected, writes, true, true])
})

test.each<[what: string, pieces: string[], isEnded: boolean, written: string]>([
  ['more', ['hello', '!'], false, `${head}hello`],
  ['more at once', ['hello!'], false, ''],
  ['fewer', ['hell'], true, `${head}hell`],
  ['none', [], true, ''],
])(
  '%s bytes than announced break the connection off, and none of them is taken for another request',
  (_, pieces, isEnded, written) => {
    const { socket, state } = wire()
    const writer = new RequestWriter(socket, head, 5)
    for (const piece of pieces) writer.write(Buffer.from(piece))
    if (isEnded) writer.end()
    expect([state.text, state.isDestroyed]).toEqual([written, true])
  },
)

test('a head that is sent for itself is sent once', () => {
  const { socket, state } = wire()
  const writer = new RequestWriter(socket, head, undefined)
  writer.flushHead()
  writer.flushHead()
  writer.write(Buffer.from('a'))
  writer.flushHead()
  writer.end()
  expect(state.text).toBe(`${head}1\r\na\r\n0\r\n\r\n`)
})

test('a strict reader finds the one request that was meant, whatever its body holds', () => {
  const body = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 })
  const holds = fc.property(body, fc.boolean(), (pieces, isChunked) => {
    const { socket, state } = wire()
    const length = pieces.reduce((sum, { length: bytes }) => sum + bytes, 0)
    const framing = isChunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(length)]
    const text = headOf({ method: 'POST', target: '/', fields: ['Host', 'a', ...framing] })
    const writer = new RequestWriter(socket, text, isChunked ? undefined : length)
    for (const piece of pieces) writer.write(Buffer.from(piece))
    writer.end()
    const { requests } = readRequests(state.text)
    expect(requests.map(({ body: read, isWhole }) => [read, isWhole])).toEqual([[Buffer.concat(pieces).toString('latin1'), true]])
  })
  fc.assert(holds, { numRuns: 300 })
})
