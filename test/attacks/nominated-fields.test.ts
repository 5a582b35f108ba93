import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * A proxy removes what `Connection` names, as it must, and with it the field that it has added itself: the upstream then sees no
 * credentials, no forwarded address, or takes the caller's own (CVE-2021-33197 in Go, CVE-2021-32813 and CVE-2024-45410 in Traefik,
 * CVE-2022-31813 in Apache httpd, CVE-2025-48865 in Fabio). The trick is in the spelling: an empty first line, two lines, odd white
 * space, capitals, `close` in front.
 */
test.each([
  ['an empty first line', 'Connection:\r\nConnection: Authorization'],
  ['two lines', 'Connection: keep-alive\r\nConnection: authorization, host, via'],
  ['capitals and tabs', 'CONNECTION:\tAUTHORIZATION\t,\tHOST'],
  ['empty elements', 'Connection: ,,authorization,,\r\ncOnnection: ,'],
  ['close in front', 'Connection: close, Authorization, Content-Length, Transfer-Encoding, Via, Host'],
  [
    "the caller's own beside it",
    'Connection: Authorization\r\nAuthorization: Bearer mine\r\nauthorization : x'.replace(' :', ':'),
  ],
  ['the proxy form', 'Proxy-Connection: Authorization\r\nConnection: Proxy-Connection, authorization'],
  ['an upgrade that is none', 'Connection: Upgrade, Authorization\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk'],
])('the token stays, whatever Connection names: %s', async (_, fields) => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const bytes = `POST /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n${fields}\r\n\r\nbody`
  await sendRaw(gateway.port, bytes, (text) => text.includes('good'))
  const [call] = api.calls
  expect(api.calls).toHaveLength(1)
  expect(call?.headers).toMatchObject({ authorization: 'Bearer token-1', host: new URL(api.url).host, via: '1.1 bearerd' })
  expect(call?.rawHeaders.filter((name) => name.toLowerCase() === 'authorization')).toHaveLength(1)
  expect(call?.body.toString()).toBe('body')
})

/** The same towards the caller: what an upstream names must go, and must not take the framing along (GHSA-79qm-7rj5-m7r9 in Hono). */
test('fields that an upstream names stay with it, and its answer keeps its framing', async () => {
  const tokens = await tokenEndpoint()
  const answer =
    'HTTP/1.1 200 OK\r\nConnection:\r\nConnection: X-Internal, Content-Length, Date\r\nX-Internal: secret\r\nContent-Length: 4\r\n\r\ngood'
  const api = await tcpServer((socket) => socket.once('data', () => socket.write(answer)))
  const gateway = await startApiGateway(api.url, tokens.url)
  const { text, body } = await sendRaw(gateway.port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(text).not.toMatch(/x-internal|secret/i)
  expect(body.replace(/^4\r\ngood\r\n0\r\n\r\n$/, 'good')).toBe('good')
})

/** Names that mean something to JavaScript: `__proto__` as a field has ended processes (CVE-2026-21710 in Node.js). */
test('fields named like parts of an object are fields', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'then']
  const fields = names.map((name) => `${name}: 1\r\n${name}: 2\r\n`).join('')
  const answer = await sendRaw(
    gateway.port,
    `GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close, ${names.join(', ')}\r\n${fields}\r\n`,
  )
  expect(answer.status).toBe(200)
  const more = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fields}\r\n`)
  expect(more.status).toBe(200)
  expect(api.calls.map(({ rawHeaders }) => rawHeaders.filter((name) => names.includes(name)).length)).toEqual([
    0,
    names.length * 2,
  ])
})
