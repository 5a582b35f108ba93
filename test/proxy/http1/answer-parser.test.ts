import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { malformedAnswer } from '../../../chaos/answer-corpus.ts'
import { createRandom } from '../../../chaos/random.ts'
import { readAnswer } from '../../../chaos/strict-answer.ts'
import { AnswerParser } from '../../../src/proxy/upstream/http1/answer-parser.ts'
import { largestPiece } from '../../../src/proxy/upstream/http1/llhttp.ts'
import { parseAnswer, watchParsers } from '../../support/parsed-answer.ts'
import type { ParsedAnswer } from '../../support/parsed-answer.ts'

const ok = 'HTTP/1.1 200 OK\r\n'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

const answers: readonly [what: string, text: string, expected: object, method?: string][] = [
  ['a length', `${ok}Content-Length: 4\r\n\r\ngood`, { body: 'good', keepsAlive: true }],
  ['a length with zeros in front', `${ok}Content-Length: 0004\r\n\r\ngood`, { body: 'good', keepsAlive: true }],
  ['a length of 0', `${ok}Content-Length: 0\r\n\r\n`, { body: '', keepsAlive: true }],
  ['chunks', `${chunked}2\r\ngo\r\n2\r\nod\r\n0\r\n\r\n`, { body: 'good', keepsAlive: true }],
  ['extensions of chunks', `${chunked}4;a=b;c="d e";f\r\ngood\r\n0;g\r\n\r\n`, { body: 'good' }],
  ['trailers', `${chunked}4\r\ngood\r\n0\r\nA: b \r\nC:\r\n\r\n`, { body: 'good', trailers: ['A', 'b', 'C', ''] }],
  ['bytes over 0x7f', `${ok}A\x21: \xe9\xff\r\nContent-Length: 1\r\n\r\n\xfe`, { body: '\xfe', fields: ['A!', '\xe9\xff', 'Content-Length', '1'] }], // prettier-ignore
  ['values of nothing', `${ok}A:\r\nB: \t \r\nC:c\r\nContent-Length: 0\r\n\r\n`, { fields: ['A', '', 'B', '', 'C', 'c', 'Content-Length', '0'] }], // prettier-ignore
  ['no reason', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', { reason: '' }],
  ['no reason and no space', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', { reason: '' }],
  ['a reason over 0x7f', 'HTTP/1.1 200 \xe9 t\xe9\r\nContent-Length: 0\r\n\r\n', { reason: '\xe9 t\xe9' }],
  ['a last answer', `${ok}Connection: foo, Close\r\nContent-Length: 4\r\n\r\ngood`, { body: 'good', keepsAlive: false }],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ngood', { body: 'good', keepsAlive: false }],
  ['HTTP/1.0 that stays', 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\ngood', { body: 'good', keepsAlive: true }], // prettier-ignore
  ['HEAD with a length', `${ok}Content-Length: 100\r\n\r\n`, { body: '', keepsAlive: true }, 'HEAD'],
  ['HEAD with chunks', chunked, { body: '', keepsAlive: true }, 'HEAD'],
  ['HEAD without either', `${ok}\r\n`, { body: '', keepsAlive: true }, 'HEAD'],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { keepsAlive: true }],
  ['204 with a length', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', { keepsAlive: true }],
  ['204 with chunks', 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n', { keepsAlive: true }],
  ['304 with a length', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', { keepsAlive: true }],
  ['100, 102, 103 and 104 in front', `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\nHTTP/1.1 104 U\r\n\r\n${ok}Content-Length: 1\r\n\r\na`, { interim: [100, 102, 103, 104], body: 'a', fields: ['Content-Length', '1'], reason: 'OK' }], // prettier-ignore
  ['interim answers with lengths and codings', `HTTP/1.1 103 E\r\nContent-Length: 5\r\n\r\nHTTP/1.1 199 X\r\nTransfer-Encoding: chunked\r\n\r\n${ok}Content-Length: 1\r\n\r\na`, { interim: [103, 199], body: 'a' }], // prettier-ignore
  ['interim answers that name the end of the connection', `HTTP/1.1 103 E\r\nConnection: close\r\n\r\nHTTP/1.0 100 Continue\r\n\r\n${ok}Content-Length: 1\r\n\r\na`, { interim: [103, 100], body: 'a', keepsAlive: true }], // prettier-ignore
  ['1,000 interim answers', `${'HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n'.repeat(1_000)}${ok}Content-Length: 1\r\n\r\na`, { interim: Array.from({ length: 1_000 }, () => 103), body: 'a' }], // prettier-ignore
  ['empty lines in front', `\r\n\r\n${ok}Content-Length: 1\r\n\r\na`, { body: 'a' }],
]

test.each(answers)('an answer with %s is understood, however its bytes are cut', (_, text, expected, method = 'GET') => {
  const parsed = parseAnswer(text, { method })
  const { head } = parsed
  expect({ ...parsed, fields: head?.fields, reason: head?.reason }).toMatchObject({ outcome: 'whole', rest: '', ...expected })
  const positions = Array.from({ length: Math.min(text.length, 250) }, (__, at) => at)
  for (const at of positions) expect(parseAnswer(text, { method, cuts: [at] })).toEqual(parsed)
  expect(parseAnswer(text, { method, cuts: positions })).toEqual(parsed)
})

test.each(answers)('what stands behind an answer with %s belongs to nobody', (_, text, __, method = 'GET') => {
  const surplus = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'
  const { rest, body, outcome } = parseAnswer(text + surplus, { method })
  expect([outcome, rest, body]).toEqual(['whole', surplus, parseAnswer(text, { method }).body])
})

test('a body without a length ends with its connection, and only there', () => {
  const text = `${ok}\r\nuntil ${'the '.repeat(40_000)}end`
  expect(parseAnswer(text).outcome).toBe('more')
  const { outcome, body, keepsAlive } = parseAnswer(text, { isClosed: true, cuts: [100, 70_000] })
  expect([outcome, body.length, keepsAlive]).toEqual(['whole', text.length - ok.length - 2, false])
})

test.each([
  ['a head', ok],
  ['an interim answer', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
  ['a body of a length', `${ok}Content-Length: 5\r\n\r\ngood`],
  ['a body of a length, all of it', `${ok}Content-Length: 5\r\n\r\n`],
  ['a chunk', `${chunked}5\r\ngood`],
  ['a line break behind a chunk', `${chunked}4\r\ngood\r`],
  ['a last chunk', `${chunked}4\r\ngood\r\n`],
  ['a line behind the last chunk', `${chunked}4\r\ngood\r\n0\r\n`],
  ['a trailer', `${chunked}4\r\ngood\r\n0\r\nA: b\r\n`],
])('%s that is cut by the end of the connection is not whole', (_, text) => {
  expect(parseAnswer(text, { isClosed: true }).outcome).toBe('more')
})

test('a body comes through in one piece or in many, larger than what is parsed at once', () => {
  const body = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251)).toString('latin1')
  for (const text of [
    `${ok}Content-Length: 300000\r\n\r\n${body}`,
    `${chunked}${(300_000).toString(16)}\r\n${body}\r\n0\r\n\r\n`,
  ]) {
    for (const cuts of [[], [30, 40], [40, 65_576, 131_112], [largestPiece, 2 * largestPiece]]) {
      const parsed = parseAnswer(`${text}X`, { cuts })
      expect([parsed.outcome, parsed.rest, parsed.body === body]).toEqual(['whole', 'X', true])
    }
  }
})

/** A head in which names, values and what is between them take up so many bytes, as the limit counts them. */
const headOf = (bytes: number): string => `${ok}A: ${'a'.repeat(bytes - 2 - 5 - 19)}\r\nContent-Length: 0\r\n\r\n`

test('a head of 64 KiB is read, and one byte more is too much', () => {
  const [largest, tooLarge] = [headOf(64 * 1024), headOf(64 * 1024 + 1)]
  for (const cuts of [[], [10, 20_000, 40_000, 65_536]]) {
    expect(parseAnswer(largest, { cuts }).outcome).toBe('whole')
    expect(parseAnswer(tooLarge, { cuts }).outcome).toBe('HPE_HEADER_OVERFLOW')
  }
  expect(parseAnswer(ok + 'A: b\r\n'.repeat(20_000)).outcome).toBe('HPE_HEADER_OVERFLOW')
  expect(parseAnswer(`HTTP/1.1 200 ${'a'.repeat(70_000)}`).outcome).toBe('HPE_HEADER_OVERFLOW')
})

test('the trailers have a limit of their own, and so has each interim answer', () => {
  const field = `A: ${'a'.repeat(40_000)}\r\n`
  const interim = `HTTP/1.1 103 Early Hints\r\n${field}\r\n`
  const whole = `${ok}${field}Transfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n`
  expect(parseAnswer(`${interim}${interim}${whole}${field}\r\n`).outcome).toBe('whole')
  expect(parseAnswer(`${whole}${field}${field}\r\n`)).toMatchObject({ outcome: 'HPE_HEADER_OVERFLOW', body: 'good' })
})

test('a parser that is freed in the middle of a piece is freed once, and not used after', () => {
  const { live, misuses } = watchParsers()
  const texts = [`${ok}Content-Length: 8\r\n\r\n12345678`, `${chunked}2\r\n12\r\n2\r\n34\r\n0\r\nA: b\r\n\r\n`, `${ok}\r\n1234`]
  for (const text of texts) {
    for (const event of ['onHead', 'onBody', 'onEnd']) {
      for (let cut = 0; cut < text.length; cut++) {
        const told = (name: string): void => {
          if (name === event) parser.free()
        }
        const parser = new AnswerParser({
          onHead: () => (told('onHead'), 'body'),
          onBody: () => told('onBody'),
          onEnd: () => told('onEnd'),
        })
        const bytes = Buffer.from(text)
        const stop = parser.read(bytes.subarray(0, cut))
        if (stop === undefined) parser.read(bytes.subarray(cut))
        parser.free()
      }
    }
  }
  expect([misuses, live.size]).toEqual([[], 0])
})

test('a parser reads one answer after another', () => {
  const bodies: string[] = []
  const parser = new AnswerParser({
    onHead: () => 'body',
    onBody: (piece) => void bodies.push(piece.toString()),
    onEnd: () => {},
  })
  for (const [, text] of answers.filter(([, , , method]) => method === undefined)) {
    expect(parser.read(Buffer.from(text, 'latin1'))).toEqual({ rest: Buffer.alloc(0) })
  }
  parser.free()
  expect(bodies.length).toBeGreaterThan(10)
})

/** Whoever reads an answer differently than a strict reader can be made to see two where there is one. */
test('of any answer, good or bad and however it is cut, the client believes no more than a strict reader', () => {
  const answer = fc.tuple(fc.nat({ max: 1_000 }), fc.nat()).map(([nth, seed]) => malformedAnswer(nth, createRandom(seed)).bytes)
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 6 })
  const method = fc.constantFrom('GET', 'HEAD')
  let whole = 0
  const holds = fc.property(answer, cuts, method, (text, where, how) => {
    const parsed = parseAnswer(text, { method: how, isClosed: true })
    const inPieces = parseAnswer(text, { method: how, isClosed: true, cuts: where })
    expect({ ...inPieces, outcome: kindOf(inPieces) }).toEqual({ ...parsed, outcome: kindOf(parsed) })
    if (parsed.outcome !== 'whole') return
    whole++
    const strict = readAnswer(text, how, true)
    const fields = strict?.fields.flat()
    const { body, head, rest } = parsed
    expect({ isWhole: strict?.isWhole, status: strict?.status, reason: strict?.reason, fields, body: strict?.body }).toEqual({
      isWhole: true,
      status: head?.status,
      reason: head?.reason,
      fields: head?.fields,
      body,
    })
    expect(text.length - rest.length).toBe(strict?.endAt)
  })
  fc.assert(holds, { numRuns: 3_000 })
  expect(whole).toBeGreaterThan(300)
})

/** Of an answer that is wrong in two ways, either may be told. */
function kindOf({ outcome }: ParsedAnswer): string {
  return outcome === 'whole' || outcome === 'more' ? outcome : 'refused'
}
