import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../../src/proxy/upstream/http2/frame-reader.ts'
import { headersFrames, largestFrame } from '../../../src/proxy/upstream/http2/frames.ts'
import { Http2Error } from '../../../src/proxy/upstream/http2/http2-error.ts'
import { frameBytes } from '../../support/http2-frames.ts'
import type { frameTypes } from '../../support/http2-frames.ts'

/** What a reader tells of some pieces, in words; bodies joined. */
function told(pieces: readonly Buffer[], stopAt = Number.POSITIVE_INFINITY): string[] {
  const words: string[] = []
  let body = ''
  const tell = (word: string): void => {
    words.push(word)
    if (words.length === stopAt) reader.stop()
  }
  const reader = new FrameReader({
    onData: (stream, length) => {
      body = ''
      tell(`data ${stream} of ${length}`)
    },
    onDataPiece: (_, piece) => (body += piece.toString('latin1')),
    onDataEnd: (stream, isEnd) => tell(`${body} ends ${stream}${isEnd ? ' at last' : ''}`),
    onHeaders: (stream, block, isEnd) => tell(`headers ${stream} ${block.toString('latin1')}${isEnd ? ' at last' : ''}`),
    onFrame: (type, flags, stream, payload) => tell(`frame ${type} ${flags} ${stream} ${payload.toString('latin1')}`),
  })
  try {
    for (const piece of pieces) {
      // As the platform does with the memory that all connections share.
      const landing = Buffer.from(piece)
      reader.read(landing)
      landing.fill(0)
    }
  } catch (error) {
    if (!(error instanceof Http2Error)) throw error
    words.push(error.code)
  }
  return words
}

const flags = { end: 1, endHeaders: 4, padded: 8, priority: 32 }
const one = (type: keyof typeof frameTypes, flag: number, stream: number, payload: string): Buffer =>
  frameBytes(type, flag, stream, Buffer.from(payload, 'latin1'))

const good: readonly (readonly [Buffer, readonly string[]])[] = [
  [one('settings', 0, 0, ''), ['frame 4 0 0 ']],
  [one('ping', 1, 0, '12345678'), ['frame 6 1 0 12345678']],
  [one('data', 0, 1, 'body'), ['data 1 of 4', 'body ends 1']],
  [one('data', flags.end, 3, ''), ['data 3 of 0', ' ends 3 at last']],
  [one('data', flags.padded, 3, '\x03body\0\0\0'), ['data 3 of 8', 'body ends 3']],
  [one('data', flags.padded | flags.end, 3, '\0'), ['data 3 of 1', ' ends 3 at last']],
  [one('data', flags.padded, 3, `\xff${'\0'.repeat(255)}`), ['data 3 of 256', ' ends 3']],
  [one('headers', flags.endHeaders, 1, 'block'), ['headers 1 block']],
  [one('headers', flags.endHeaders | flags.padded | flags.priority, 1, '\x020000\0block\0\0'), ['headers 1 block']],
  [
    Buffer.concat([one('headers', flags.end, 5, 'a'), one('continuation', 0, 5, 'b'), one('continuation', 4, 5, 'c')]),
    ['headers 5 abc at last'],
  ],
  [one('data', 0, 7, 'x'.repeat(largestFrame)), [`data 7 of ${largestFrame}`, `${'x'.repeat(largestFrame)} ends 7`]],
  [one('windowUpdate', 0, 0x80000001 | 0, '0000'), ['frame 8 0 1 0000']],
  [frameBytes(0x42, 0xff, 9, Buffer.from('unknown')), ['frame 66 255 9 unknown']],
]

describe('a reader of frames', () => {
  test.each(good)('tells of frame %#', (bytes, words) => {
    expect(told([bytes])).toEqual(words)
    expect(told([...bytes].map((byte) => Buffer.from([byte])))).toEqual(words)
  })

  test('tells the same wherever the pieces end', () => {
    const frames = fc.array(fc.constantFrom(...good), { maxLength: 12 })
    fc.assert(
      fc.property(frames, fc.array(fc.nat(40_000), { maxLength: 8 }), (chosen, cuts) => {
        const bytes = Buffer.concat(chosen.map(([frame]) => frame))
        const ends = [...new Set(cuts.map((cut) => cut % (bytes.length + 1))), bytes.length].sort((a, b) => a - b)
        const pieces = ends.map((end, nth) => bytes.subarray(ends[nth - 1] ?? 0, end))
        expect(told(pieces)).toEqual(chosen.flatMap(([, words]) => words))
      }),
    )
  })

  test('reads what the writer writes of a block of any size', () => {
    for (const size of [0, 1, largestFrame - 1, largestFrame, largestFrame + 1, 3 * largestFrame, 3 * largestFrame + 5]) {
      const block = 'x'.repeat(size)
      expect(told([Buffer.from(headersFrames(9, block, true), 'latin1')])).toEqual([`headers 9 ${block} at last`])
    }
  })

  test('stops when it is told to, in the middle of what it reads', () => {
    const bytes = Buffer.concat(good.map(([frame]) => frame))
    for (let at = 1; at < 10; at++) expect(told([bytes, bytes], at)).toHaveLength(at)
  })

  test.each<[string, Buffer, string]>([
    ['a frame over 16 KiB', one('ping', 0, 0, 'x'.repeat(largestFrame + 1)), 'FRAME_SIZE_ERROR'],
    ['an answer of HTTP/1.1', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'FRAME_SIZE_ERROR'],
    ['DATA on no stream', one('data', 0, 0, 'body'), 'PROTOCOL_ERROR'],
    ['DATA without its padding', one('data', flags.padded, 1, ''), 'FRAME_SIZE_ERROR'],
    ['DATA with too much padding', one('data', flags.padded, 1, '\x04abc'), 'PROTOCOL_ERROR'],
    ['HEADERS on no stream', one('headers', 4, 0, 'block'), 'PROTOCOL_ERROR'],
    ['HEADERS without its padding', one('headers', 4 | flags.padded, 1, ''), 'FRAME_SIZE_ERROR'],
    ['HEADERS without its priority', one('headers', 4 | flags.priority, 1, '1234'), 'FRAME_SIZE_ERROR'],
    ['HEADERS with too much padding', one('headers', 4 | flags.padded, 1, '\x04abc'), 'PROTOCOL_ERROR'],
    ['CONTINUATION of nothing', one('continuation', 4, 1, 'block'), 'PROTOCOL_ERROR'],
    ['CONTINUATION after the end', Buffer.concat([one('headers', 4, 1, 'a'), one('continuation', 4, 1, 'b')]), 'PROTOCOL_ERROR'],
    [
      'CONTINUATION of another stream',
      Buffer.concat([one('headers', 0, 1, 'a'), one('continuation', 4, 3, 'b')]),
      'PROTOCOL_ERROR',
    ],
    ['a frame within a block', Buffer.concat([one('headers', 0, 1, 'a'), one('ping', 0, 0, '12345678')]), 'PROTOCOL_ERROR'],
    ['another block within a block', Buffer.concat([one('headers', 0, 1, 'a'), one('headers', 4, 3, 'b')]), 'PROTOCOL_ERROR'],
  ])('refuses %s', (_, bytes, code) => {
    expect(told([bytes]).at(-1)).toBe(code)
    expect(told([...bytes].map((byte) => Buffer.from([byte]))).at(-1)).toBe(code)
  })

  /* CVE-2024-27316, CVE-2024-28182, CVE-2024-30255 and others: a block of fields without an end, in full frames or in empty ones. */
  test.each([
    ['large', 16_000, 5],
    ['small', 1, 70],
    ['empty', 0, 70],
  ])('refuses a block that goes on and on in %s frames', (_, size, most) => {
    const next = one('continuation', 0, 1, 'x'.repeat(size))
    const frames = [one('headers', 0, 1, 'a'), ...Array.from({ length: most }, () => next)]
    expect(told(frames)).toEqual(['ENHANCE_YOUR_CALM'])
  })

  test('throws nothing but its own error, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 }), (pieces) => {
        told(pieces.map((piece) => Buffer.from(piece)))
      }),
      { numRuns: 2_000 },
    )
  })
})
