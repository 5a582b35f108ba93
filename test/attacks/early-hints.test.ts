import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * An upstream puts a length on a 103. A gateway that relays it makes callers that believe it read the head of the real answer as a body,
 * and whatever the upstream has put into the real body as the answer: response splitting by 1xx (RFC 9110 8.6 forbids the field for
 * that reason; nginx had its like in proxy_early_hints). Nor may fields of one hop cross it.
 */
test.each([
  ['without framing and without fields of one hop', 'Early Hints', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
  ['not at all when its reason holds a control byte', 'Early\x01Hints', ''],
])('a 103 is relayed %s', async (_, reason, relayed) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) =>
    socket.once('data', () =>
      socket.write(
        `HTTP/1.1 103 ${reason}\r\nLink: </a>\r\nContent-Length: 4\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n` +
          'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood',
      ),
    ),
  )
  const gateway = await startApiGateway(api.url, tokens.url)
  const { text } = await sendRaw(gateway.port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(text.slice(0, text.indexOf('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n'))).toBe(relayed)
})
