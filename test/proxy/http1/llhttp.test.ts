import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { readAnswer } from '../../../chaos/strict-answer.ts'
import { parseAnswer } from '../../support/parsed-answer.ts'

const require = createRequire(import.meta.url)

/*
 * The parser comes with undici, which may change it in any release. Whoever moves undici on runs the table below with the new one, and
 * then writes down what it is.
 */
test.each([
  ['llhttp_simd-wasm.js', '18403ee56fab07f89a845028bad358bb3ebcda213f8e2ec0989a991e9c33da69'],
  ['llhttp-wasm.js', 'ab4573a06c43574936dc98c3943b10a4ee32798e9797329e9f327e5f64115f54'],
])('the parser is the one that was looked at: %s', (file, hash) => {
  const wasm = require(`undici/lib/llhttp/${file}`) as Uint8Array
  expect(createHash('sha256').update(wasm).digest('hex')).toBe(hash)
})

test('undici is pinned to one release', () => {
  const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as { devDependencies: Record<string, string> }
  expect(devDependencies['undici']).toMatch(/^\d+\.\d+\.\d+$/)
})

const ok = 'HTTP/1.1 200 OK\r\n'
const end = 'Content-Length: 4\r\n\r\ngood'
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`
const coded = (coding: string): string => `${ok}Transfer-Encoding: ${coding}\r\n\r\n4\r\ngood\r\n0\r\n\r\n`

/** Each would be understood by somebody, and differently by somebody else. */
const malformed: readonly [what: string, text: string, outcome: string][] = [
  // RFC 9112 6.3: lengths.
  ['two lengths', `${ok}Content-Length: 4\r\n${end}`, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['two lengths that differ', `${ok}Content-Length: 9\r\n${end}`, 'HPE_UNEXPECTED_CONTENT_LENGTH'],
  ['a list of lengths', `${ok}Content-Length: 4, 4\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length with a sign', `${ok}Content-Length: +4\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a negative length', `${ok}Content-Length: -4\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length in hex', `${ok}Content-Length: 0x4\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length with a fraction', `${ok}Content-Length: 4.0\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length with a space in it', `${ok}Content-Length: 4 4\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length of nothing', `${ok}Content-Length:\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['a length that is 4 modulo 2^64', `${ok}Content-Length: 18446744073709551620\r\n\r\ngood`, 'HPE_INVALID_CONTENT_LENGTH'],
  // RFC 9112 6.1: codings.
  [
    'a length and a coding',
    `${ok}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'HPE_INVALID_TRANSFER_ENCODING',
  ],
  [
    'a coding and a length',
    `${ok}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n`,
    'HPE_INVALID_CONTENT_LENGTH',
  ],
  ['an unknown coding', coded('foo'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding behind another', coded('gzip, chunked'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding in front of another', coded('chunked, gzip'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding behind a comma', coded(', chunked'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding twice', coded('chunked\r\nTransfer-Encoding: chunked'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding with a parameter', coded('chunked;a=b'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding in quotes', coded('"chunked"'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding with a space of another kind', coded('chunked\xa0'), 'its Transfer-Encoding is not a single chunked'],
  ['a coding with a vertical tab', coded('\vchunked'), 'HPE_INVALID_HEADER_TOKEN'],
  ['a coding in HTTP/1.0', coded('chunked').replace('1.1', '1.0'), 'it has a Transfer-Encoding in HTTP/1.0'],
  // RFC 9112 7.1: chunks.
  ['a chunk size in hex', `${chunked}0x4\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size with a sign', `${chunked}+4\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size of nothing', `${chunked}\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size with a space behind', `${chunked}4 \r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size with a space in front', `${chunked} 4\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size with an underscore', `${chunked}0_4\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk size over 2^64', `${chunked}10000000000000004\r\ngood\r\n0\r\n\r\n`, 'HPE_INVALID_CHUNK_SIZE'],
  ['a chunk longer than its size', `${chunked}4\r\ngoodbye\r\n0\r\n\r\n`, 'HPE_STRICT'],
  ['a chunk without a line break', `${chunked}4\r\ngood0\r\n\r\n`, 'HPE_STRICT'],
  ['a chunk with half a line break', `${chunked}4\r\ngood\n0\r\n\r\n`, 'HPE_CR_EXPECTED'],
  ['a chunk size with half a line break', `${chunked}4\ngood\r\n0\r\n\r\n`, 'HPE_CR_EXPECTED'],
  ['a chunk size with the other half', `${chunked}4\rgood\r\n0\r\n\r\n`, 'HPE_STRICT'],
  ['an extension with a control byte', `${chunked}4;a=\0\r\ngood\r\n0\r\n\r\n`, 'HPE_STRICT'],
  ['an extension with half a line break', `${chunked}4;a\ngood\r\n0\r\n\r\n`, 'HPE_CR_EXPECTED'],
  ['a trailer without a colon', `${chunked}4\r\ngood\r\n0\r\nabc\r\n\r\n`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a length as a trailer', `${chunked}4\r\ngood\r\n0\r\nContent-Length: 5\r\n\r\n`, 'HPE_INVALID_CONTENT_LENGTH'],
  ['trailers with half a line break', `${chunked}4\r\ngood\r\n0\r\nA: b\n\r\n`, 'HPE_CR_EXPECTED'],
  // RFC 9112 2.2, 5: lines and fields.
  ['lines with half a line break', `HTTP/1.1 200 OK\nContent-Length: 4\n\ngood`, 'HPE_CR_EXPECTED'],
  ['a field with half a line break', `${ok}A: b\n${end}`, 'HPE_CR_EXPECTED'],
  ['a field with the other half', `${ok}A: b\r${end}`, 'HPE_LF_EXPECTED'],
  ['a field with a return in its value', `${ok}A: b\rc\r\n${end}`, 'HPE_LF_EXPECTED'],
  ['a head that ends with half a line break', `${ok}Content-Length: 4\r\n\ngood`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a folded field', `${ok}A: b\r\n c\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a folded first field', `${ok} A: b\r\n${end}`, 'HPE_UNEXPECTED_SPACE'],
  ['a space in front of a colon', `${ok}Content-Length : 4\r\n\r\ngood`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a tab in front of a colon', `${ok}Content-Length\t: 4\r\n\r\ngood`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a field without a name', `${ok}: b\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a field without a colon', `${ok}abc\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a name with a space', `${ok}A B: c\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a name over 0x7f', `${ok}\xe9: c\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a zero byte in a value', `${ok}A: b\0c\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a control byte in a value', `${ok}A: b\x01\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  ['a delete in a value', `${ok}A: b\x7f\r\n${end}`, 'HPE_INVALID_HEADER_TOKEN'],
  // RFC 9112 4: status lines.
  ['no status line', 'good', 'HPE_INVALID_CONSTANT'],
  ['the answer of another protocol', 'ICY 200 OK\r\n\r\n', 'HPE_INVALID_CONSTANT'],
  ['RTSP', `RTSP/1.0 200 OK\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['ICE', `ICE/1.0 200 OK\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['RTSP behind a line break', `\r\nRTSP/1.0 200 OK\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['RTSP behind an interim answer', `HTTP/1.1 103 Early Hints\r\n\r\nRTSP/1.0 200 OK\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['a status line that ends with two returns', `HTTP/1.1 200 OK\r\rA: b\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['a status line without a reason that ends with two returns', `HTTP/1.1 200\r\rA: b\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['a version in lower case', `http/1.1 200 OK\r\n${end}`, 'HPE_INVALID_CONSTANT'],
  ['HTTP/0.9', `HTTP/0.9 200 OK\r\n${end}`, 'it says it is HTTP/0.9'],
  ['HTTP/1.2', `HTTP/1.2 200 OK\r\n${end}`, 'HPE_INVALID_VERSION'],
  ['HTTP/2.0', `HTTP/2.0 200 OK\r\n${end}`, 'it says it is HTTP/2.0'],
  ['HTTP/1.10', `HTTP/1.10 200 OK\r\n${end}`, 'HPE_INVALID_VERSION'],
  ['two spaces in front of the status', `HTTP/1.1  200 OK\r\n${end}`, 'HPE_INVALID_STATUS'],
  ['a tab in front of the status', `HTTP/1.1\t200 OK\r\n${end}`, 'HPE_INVALID_VERSION'],
  ['a status of two digits', `HTTP/1.1 20 OK\r\n${end}`, 'HPE_INVALID_STATUS'],
  ['a status of four digits', `HTTP/1.1 2000 OK\r\n${end}`, 'HPE_INVALID_STATUS'],
  ['a status under 100', `HTTP/1.1 099 OK\r\n${end}`, 'its status is 99'],
  ['a status over 599', `HTTP/1.1 600 OK\r\n${end}`, 'its status is 600'],
  ['a status with a sign', `HTTP/1.1 +20 OK\r\n${end}`, 'HPE_INVALID_STATUS'],
  ['a control byte in the reason', `HTTP/1.1 200 O\x01K\r\n${end}`, 'its reason phrase holds a control byte'],
  ['half a line break in the reason', `HTTP/1.1 200 O\nK\r\n${end}`, 'HPE_CR_EXPECTED'],
  ['a 101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 'it is an upgrade that nobody asked for'],
]

test.each(malformed)('an answer with %s is refused, however its bytes are cut', (_, text, outcome) => {
  const parsed = parseAnswer(text)
  expect(parsed.outcome).toBe(outcome)
  for (let cut = 1; cut < text.length; cut++) expect(parseAnswer(text, { cuts: [cut], isClosed: true }).outcome).toBe(outcome)
})

test('a strict reader refuses them as well, or takes them for unfinished', () => {
  const understood = malformed.filter(([, text]) => {
    try {
      return readAnswer(text, 'GET', false)?.isWhole === true
    } catch {
      return false
    }
  })
  // A trailer that is never taken for a field does no harm.
  expect(understood.map(([what]) => what)).toEqual(['a length as a trailer'])
})
