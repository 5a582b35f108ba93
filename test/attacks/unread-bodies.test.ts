import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { httpServer, sendRaw } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * Somebody on the way decides that a request has no body, because it is a GET, because it was refused, because it was answered already;
 * the body is then read as the next request (CVE-2026-34441 in cpp-httplib, CVE-2024-28869 in Traefik, CVE-2026-56866 and
 * CVE-2026-94439 in Go for a refused CONNECT, http-party/node-http-proxy#1721 for DELETE and OPTIONS).
 */
const hidden = 'GET /api/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n'
const asChunk = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`
const host = 'Host: localhost\r\n'

test.each([
  ['GET', 'with a length', `GET /api/a HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['DELETE', 'in chunks', `DELETE /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${asChunk}`],
  ['OPTIONS', 'in chunks', `OPTIONS /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${asChunk}`],
  ['HEAD', 'with a length', `HEAD /api/a HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['OPTIONS *', 'with a length', `OPTIONS * HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['refused', 'without a route', `POST /nothing HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['refused', 'for its path', `POST /api/../a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\n${asChunk}`],
  ['TRACE', 'with a length', `TRACE /api/a HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}`],
  ['CONNECT', 'and what follows', `CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n${hidden}`],
  [
    '417',
    'with a length',
    `POST /api/a HTTP/1.1\r\n${host}Expect: something\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
  ],
])('the body of a request is no request: %s, %s', async (_, __, bytes) => {
  const tokens = await tokenEndpoint()
  const targets: (string | undefined)[] = []
  // Answers before it has read anything.
  const api = await httpServer((request, response) => {
    targets.push(request.url)
    response.end(`for ${request.url}`)
    request.resume()
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const last = `GET /api/last HTTP/1.1\r\n${host}Connection: close\r\n\r\n`
  const { text } = await sendRaw(gateway.port, bytes + last)
  expect(targets).not.toContain('/hidden')
  expect(text).not.toContain('for /hidden')
})
