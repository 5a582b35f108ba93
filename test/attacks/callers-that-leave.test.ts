import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * A caller opens a connection, asks for something slow and is gone; a gateway that does not notice keeps two descriptors for it, and
 * ten thousand of these later it serves nobody (http-party/node-http-proxy#1559 and #1586, nodejs/node#19198). After a request for an
 * upgrade the platform leaves the connection to its user altogether: nobody closes our side when the caller has closed its own.
 */
test.each([
  ['before the answer to a GET', 'GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['within a body', 'POST /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhello'],
  [
    'before the answer to an upgrade',
    'GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
])('a caller that leaves %s leaves no connection behind, on either side', async (_, bytes) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => void socket.resume())
  const gateway = await startApiGateway(api.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(bytes)
  await eventually('the request is upstream', () => api.openConnections() === 1)
  caller.socket.end()
  await caller.ended(1_000)
  await eventually('the upstream connection is gone', () => api.openConnections() === 0, 1_000)
  await settledGateway(gateway)
  expect(caller.text).not.toContain('HTTP/1.1 200')
})
