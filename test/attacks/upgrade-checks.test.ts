import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * The way of an upgrade is a second door: where it has checks of its own, one is always missing (GHSA-c4j6-fc7j-m34r: requests to any
 * host through the upgrade handler of Next.js). Here a handshake takes the way of any request, and carries a token only if that does.
 */
test.each([
  ['another Host', '/api/ws', 'Host: evil.example.com', 421],
  ['two Hosts', '/api/ws', 'Host: localhost\r\nHost: localhost', 400],
  ['an absolute target', 'http://evil.example.com/api/ws', 'Host: localhost', 421],
  ['a dot segment', '/api/../../ws', 'Host: localhost', 400],
  ['an escaped dot segment', '/api/%2e%2e/ws', 'Host: localhost', 400],
  ['a fragment', '/api/ws#a', 'Host: localhost', 400],
  ['a web page behind it', '/api/ws', 'Host: localhost\r\nOrigin: https://evil.example.com', 403],
  ['a web page that hides', '/api/ws', 'Host: localhost\r\nOrigin: null', 403],
  ['a web page of another site', '/api/ws', 'Host: localhost\r\nSec-Fetch-Site: cross-site', 403],
  ['no route', '/ws', 'Host: localhost', 404],
  ['a path that the route does not allow', '/api/other', 'Host: localhost', 403],
  ['our name in Via', '/api/ws', 'Host: localhost\r\nVia: 1.1 bearerd', 508],
])('a handshake with %s goes nowhere', async (_, target, fields, status) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => void socket.resume())
  const gateway = await startApiGateway(api.url, tokens.url, { route: { allow_paths: ['/ws'] } })
  const handshake = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
  const answer = await sendRaw(gateway.port, `GET ${target} HTTP/1.1\r\n${fields}\r\n${handshake}\r\n`)
  expect(answer.status).toBe(status)
  expect(api.connections()).toBe(0)
  expect(tokens.requests).toEqual([])
})
