import type { Random } from './random.ts'

/** What a caller's own credentials hold; must never be seen upstream. */
export const callerMark = 'callers-own-credentials'

/** Legal requests, and requests that have split, smuggled or stolen something somewhere. @param path of this case */
export function seedRequests(path: string): string[] {
  const host = 'Host: localhost\r\n'
  const own = `Authorization: Bearer ${callerMark}\r\n`
  const get = (target = path, fields = ''): string => `GET ${target} HTTP/1.1\r\n${host}${fields}\r\n`
  const post = (fields: string, body: string, method = 'POST'): string =>
    `${method} ${path} HTTP/1.1\r\n${host}${fields}\r\n${body}`
  const hidden = get(`${path}/hidden`, own)
  const chunks = '5\r\nhello\r\n0\r\n\r\n'
  return [
    // Legal ones.
    get(),
    get(`${path}?a=b&c=%2F..%2F`),
    get(path, `${own}X-A: 1\r\nx-a: 2\r\nX-B: \xe9\xff\r\n`),
    get(path, 'Connection: close\r\n'),
    get(path, 'Connection: keep-alive, X-Gone\r\nX-Gone: 1\r\nKeep-Alive: timeout=5\r\n'),
    get(path, 'TE: trailers\r\nConnection: TE\r\n'),
    get(path, 'Max-Forwards: 3\r\nVia: 1.0 other\r\n'),
    `HEAD ${path} HTTP/1.1\r\n${host}\r\n`,
    `OPTIONS ${path} HTTP/1.1\r\n${host}Max-Forwards: 1\r\n\r\n`,
    `GET http://localhost${path} HTTP/1.1\r\n${host}\r\n`,
    `GET ${path} HTTP/1.0\r\n\r\n`,
    `POST ${path} HTTP/1.0\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello${get()}`,
    post('Content-Length: 5\r\n', 'hello'),
    post('Content-Length: 0\r\n', '', 'PUT'),
    post('Transfer-Encoding: chunked\r\n', chunks),
    post(
      'Transfer-Encoding: chunked\r\n',
      `5;a=b;c="d"\r\nhello\r\n00000\r\nX-Trailer: 1\r\nAuthorization: Bearer ${callerMark}\r\n\r\n`,
    ),
    post('Content-Length: 5\r\nExpect: 100-continue\r\n', 'hello'),
    post('Content-Length: 5\r\n', 'hello') +
      get() +
      post('Transfer-Encoding: chunked\r\n', chunks) +
      get(path, 'Connection: close\r\n'),
    post('Content-Length: 5\r\n', 'hello', 'DELETE'),
    post('Transfer-Encoding: chunked\r\n', chunks, 'OPTIONS'),
    get(
      path,
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n',
    ),
    // CL.TE, TE.CL, TE.TE, CL.CL, CL.0 and their hundred disguises.
    post(`Content-Length: ${chunks.length}\r\nTransfer-Encoding: chunked\r\n`, `0\r\n\r\n${hidden}`),
    post('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n', `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked, identity\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding : chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding\t: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post(' Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\xa0\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: xchunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Transfer_Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('X: x\rTransfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('X: x\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n', `0\r\n\r\n${hidden}`),
    post('Content-Length: 5\r\nContent-Length: 0\r\n', `hello${hidden}`),
    post('Content-Length: 5, 5\r\n', `hello${hidden}`),
    post('Content-Length: +5\r\n', `hello${hidden}`),
    post('Content-Length: 5 \x00\r\n', `hello${hidden}`),
    post('Content-Length: 0x5\r\n', `hello${hidden}`),
    post('Content-Length: 18446744073709551621\r\n', `hello${hidden}`),
    post('Content-Length: 5\r\nConnection: Content-Length\r\n', `hello${hidden}`),
    post('Content-Length: 5\r\n', hidden, 'GET'),
    post('Transfer-Encoding: chunked\r\nConnection: Transfer-Encoding\r\n', `0\r\n\r\n${hidden}`),
    // Chunks.
    post('Transfer-Encoding: chunked\r\n', `5\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `5;\nx\r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `5\rX\r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `0x5\r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `-1\r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `5 \r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `fffffffffffffffff\r\nhello\r\n0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `5\r\nhelloXX0\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `0\r\nX: y\n\r\n\r\n${hidden}`),
    post('Transfer-Encoding: chunked\r\n', `5\r\nhel`),
    post('Content-Length: 50\r\n', 'hello'),
    // Where to.
    get(`/${path}`),
    get(`//evil.example.com${path}`),
    get(`${path}/../../admin`),
    get(`${path}/%2e%2e/admin`),
    get(`${path}/..%2fadmin`),
    get(`${path}/..;/admin`),
    get(`${path}\\..\\admin`),
    get(`${path}#fragment`),
    get(`http://evil.example.com${path}`),
    get(`http://localhost@evil.example.com${path}`),
    get(`${path} HTTP/1.1\r\nX: y`),
    `GET ${path}\tHTTP/1.1\r\n${host}\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\nHost: evil.example.com\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: evil.example.com\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\nHost: localhost/a?b\r\n\r\n`,
    `GET ${path} HTTP/1.1\r\n\r\n`,
    'GET * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'CONNECT evil.example.com:443 HTTP/1.1\r\nHost: evil.example.com:443\r\n\r\n',
    `TRACE ${path} HTTP/1.1\r\n${host}\r\n`,
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`,
    `GET ${path}\r\n`,
    `GET ${path} HTTP/1.2\r\n${host}\r\n`,
    `GET ${path} HTTP/0.9\r\n${host}\r\n`,
    // Whose fields.
    get(path, `Connection: Authorization, Via, Host, Content-Length\r\n${own}`),
    get(path, `Connection:\r\nConnection: authorization\r\n${own}`),
    get(path, `AUTHORIZATION: Bearer ${callerMark}\r\nauthorization: Basic ${callerMark}\r\n`),
    get(path, `Proxy-Authorization: Basic ${callerMark}\r\n`),
    get(path, `__proto__: 1\r\nconstructor: 2\r\ntoString: 3\r\n`),
    get(path, 'X-A: b\0c\r\n'),
    get(path, ': empty name\r\n'),
    get(path, 'Via: 1.1 bearerd\r\n'),
    get(path, 'Expect: 200-maybe\r\n'),
    get(path, 'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n'),
    get(path, `Origin: https://evil.example.com\r\n`),
  ]
}

/** Pieces that mean something to somebody. */
const pieces = [
  '\r\n', '\n', '\r', '\r\n\r\n', '\0', ' ', '\t', ':', ',', ';', '\x0b', '\x0c', '\x7f', '\x80', '\xa0', '\xff', '%00', '%0d%0a', '%2e', '/', '\\', '#', '?',
  'Transfer-Encoding: chunked\r\n', 'Content-Length: 3\r\n', 'Content-Length: 0\r\n', 'transfer-encoding:chunked\r\n', 'Connection: close\r\n',
  'Connection: keep-alive\r\n', 'Host: localhost\r\n', 'Expect: 100-continue\r\n', 'Upgrade: websocket\r\nConnection: upgrade\r\n',
  '0\r\n\r\n', '5\r\nhello\r\n', 'ffffffff\r\n', '1;', 'chunked', 'HTTP/1.0', 'HTTP/1.1', 'GET ', 'POST ', '{access_token}',
] as const // prettier-ignore

/** Breaks something, a few times. @param others what may be spliced in */
export function mutate(text: string, random: Random, others: readonly string[]): string {
  let result = text
  const times = random.of([0, 1, 1, 1, 2, 2, 3, 6])
  for (let nth = 0; nth < times; nth++) result = mutateOnce(result, random, others)
  return result
}

function mutateOnce(text: string, random: Random, others: readonly string[]): string {
  const at = random.below(text.length + 1)
  const end = Math.min(at + 1 + random.below(random.chance(0.5) ? 4 : 40), text.length)
  const lines = text.split('\r\n')
  const line = random.below(lines.length)
  switch (random.below(10)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at)
    case 2:
      return text.slice(0, at) + text.slice(end)
    case 3:
      return text.slice(0, end) + text.slice(at)
    case 4:
      return text.slice(0, at) + random.of(pieces) + text.slice(at)
    case 5:
      return lines.toSpliced(line, 0, lines[random.below(lines.length)] ?? '').join('\r\n')
    case 6:
      return lines.toSpliced(line, 1).join('\r\n')
    case 7:
      return lines
        .with(
          line,
          (lines[line] ?? '').replace(/[A-Za-z]/g, (letter) =>
            random.chance(0.5) ? letter.toUpperCase() : letter.toLowerCase(),
          ),
        )
        .join('\r\n')
    case 8:
      return random.chance(0.3) ? text.slice(0, at) : text + random.of(others)
    default:
      return text.replace(/\r\n/g, (breakOfLine) =>
        random.chance(0.1) ? random.of(['\n', '\r', '\r\n\r\n', '\r\n ', '\0\r\n']) : breakOfLine,
      )
  }
}
