import type { Random } from './random.ts'

/** What an upstream does when a request has come. */
export interface MalformedAnswer {
  readonly bytes: string
  /** What it does with the connection behind these bytes. */
  readonly end: 'keep' | 'close' | 'reset'
  /** Sent a little later on the connection, when it may be idle. */
  readonly later: string
  /** Sends byte by byte at the beginning. */
  readonly isSlow: boolean
}

const ok = 'HTTP/1.1 200 OK\r\n'
const good = `${ok}Content-Length: 4\r\n\r\ngood`
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`
const poison = `${ok}Content-Length: 6\r\n\r\npoison`

/** What a lane answers until it is told otherwise. */
export const goodAnswer: MalformedAnswer = { bytes: good, end: 'keep', later: '', isSlow: false }

/** Good answers, and what hostile or broken upstreams have sent to somebody. */
const seeds: readonly string[] = [
  good,
  `${ok}Content-Length: 4\r\nConnection: close\r\n\r\ngood`,
  `${ok}Content-Type: text/plain\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-A: \xe9\r\nContent-Length: 4\r\n\r\ngood`,
  `${chunked}4\r\ngood\r\n0\r\n\r\n`,
  `${chunked}2;a=b\r\ngo\r\n2\r\nod\r\n0\r\nX-Trailer: 1\r\n\r\n`,
  `${ok}\r\nuntil the end`,
  'HTTP/1.0 200 OK\r\n\r\nuntil the end',
  'HTTP/1.1 204 No Content\r\n\r\n',
  'HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n',
  `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${good}`,
  `HTTP/1.1 100 Continue\r\n\r\n${good}`,
  `HTTP/1.1 102 Processing\r\n\r\n`.repeat(3) + good,
  'HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone',
  'HTTP/1.1 302 Found\r\nLocation: https://evil.example.com/\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno',
  // Conflicting and repeated lengths.
  `${ok}Content-Length: 4\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}Content-Length: 4\r\nContent-Length: 9\r\n\r\ngood${poison}`,
  `${ok}Content-Length: 4, 4\r\n\r\ngood`,
  `${ok}Content-Length: +4\r\n\r\ngood`,
  `${ok}Content-Length: -1\r\n\r\ngood`,
  `${ok}Content-Length: 4x\r\n\r\ngood`,
  `${ok}Content-Length: 99999999999999999999999\r\n\r\ngood`,
  `${ok}Content-Length:\r\n\r\ngood`,
  `${ok}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n`,
  `${ok}Content_Length: 9\r\nContent-Length: 4\r\n\r\ngood`,
  // Unknown codings.
  `${ok}Transfer-Encoding: foo\r\n\r\ngood`,
  `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\xa0\r\n\r\n4\r\ngood\r\n0\r\n\r\n`,
  'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ngood\r\n0\r\n\r\n',
  // Cut bodies, and chunks that are none.
  `${ok}Content-Length: 40\r\n\r\ngood`,
  `${chunked}4\r\ngood\r\n`,
  `${chunked}4\r\ngo`,
  `${chunked}4\r\ngood\r\n0\r\n`,
  `${chunked}zz\r\ngood\r\n0\r\n\r\n`,
  `${chunked}4\ngood\n0\n\n`,
  `${chunked}4\r\ngoodbye\r\n0\r\n\r\n`,
  `${chunked}fffffffffffffffff\r\ngood`,
  `${chunked}4\r\ngood\r\n0\r\nX: y\n\r\n\r\n`,
  // More than was asked for.
  good + poison,
  `HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison`,
  `HTTP/1.1 304 Not Modified\r\n\r\n${poison}`,
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nbytes',
  'HTTP/1.1 101 Switching Protocols\r\n\r\n',
  `HTTP/1.1 103 Early Hints\r\n\r\n`.repeat(300) + good,
  'HTTP/1.1 103 Early Hints\r\nContent-Length: 4\r\n\r\ngood',
  // No answers at all.
  '',
  '\r\n',
  '<html>hello</html>\r\n',
  'good',
  'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1\r\n\r\n',
  'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
  'HTTP/1.1 200\r\nContent-Length: 4\r\n\r\ngood',
  'ICY 200 OK\r\n\r\n',
  '\x16\x03\x01\x02\x00\x01\x00',
  '\x00\x00\x12\x04\x00\x00\x00\x00\x00',
  // Heads.
  `${ok}X-A: b\r\n c\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}X-A : b\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}: b\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}X-A: b\0\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}X-A: b\rSet-Cookie: a=b\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}X-A: b\nContent-Length: 4\n\ngood`,
  `${ok}X-A: ${'a'.repeat(80_000)}\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}${'X-A: b\r\n'.repeat(5_000)}Content-Length: 4\r\n\r\ngood`,
  `${ok}${'X-A: b\r\n'.repeat(50)}`,
  `${ok}Connection: Content-Length, X-A\r\nX-A: 1\r\nContent-Length: 4\r\n\r\ngood`,
  `${ok}__proto__: 1\r\nconstructor: 2\r\nContent-Length: 4\r\n\r\ngood`,
]

const pieces = ['\r\n', '\n', '\r', '\r\n\r\n', '\0', ' ', ':', '\x80', '\xff', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', '0\r\n\r\n', 'HTTP/1.1 200 OK\r\n', good, poison, 'Connection: close\r\n'] as const // prettier-ignore

/** One answer: first every seed in turn with every end, then mutations. */
export function malformedAnswer(nth: number, random: Random): MalformedAnswer {
  const ends = ['keep', 'close', 'reset'] as const
  const seed = seeds[Math.floor(nth / ends.length)]
  const bytes = seed ?? mutate(random.of(seeds), random)
  const later = random.chance(0.2) ? random.of([poison, '\r\n', 'x', poison + poison]) : ''
  return {
    bytes,
    end: seed === undefined ? random.of(ends) : (ends[nth % ends.length] ?? 'keep'),
    later,
    isSlow: random.chance(0.1),
  }
}

function mutate(text: string, random: Random): string {
  let result = text
  for (let times = random.of([1, 1, 1, 2, 3, 5]); times > 0; times--) {
    const at = random.below(result.length + 1)
    const end = Math.min(at + 1 + random.below(8), result.length)
    const byte = String.fromCharCode(random.below(256))
    const piece = random.of([byte, byte, random.of(pieces), random.of(pieces), result.slice(at, end), ''])
    result = result.slice(0, at) + piece + result.slice(random.chance(0.5) ? at : end)
  }
  return result
}
