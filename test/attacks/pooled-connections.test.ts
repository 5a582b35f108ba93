import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually } from '../support/proxy-wait.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const get = 'GET /api/next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
const poison = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison'

/** An upstream that answers the first request of all in a way of its own, and every other one properly. */
async function upstreamWhoseFirstAnswerIs(answer: (socket: Socket) => void) {
  let requests = 0
  return await tcpServer((socket) => {
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        text = text.slice(end + 4)
        if (requests++ === 0) answer(socket)
        else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood')
      }
    })
  })
}

/**
 * An upstream, or whoever got hold of its end, sends a second answer on a connection that waits in the pool; the next request, of
 * another caller, is handed that connection and takes the bytes for its answer (response queue poisoning, CVE-2026-6733 in undici,
 * CVE-2024-23326 and CVE-2026-73548 in Envoy).
 */
test.each([
  ['a second answer at once', `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst${poison}`, ''],
  ['a second answer later', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst', poison],
  ['half an answer later', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ['a body behind 204', `HTTP/1.1 204 No Content\r\n\r\n${poison}`, ''],
  ['a body behind 304', `HTTP/1.1 304 Not Modified\r\nContent-Length: ${poison.length}\r\n\r\n${poison}`, ''],
  ['an answer behind the last chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${poison}`, ''],
])('%s is the answer to nothing', async (_, first, later) => {
  const tokens = await tokenEndpoint()
  const api = await upstreamWhoseFirstAnswerIs((socket) => {
    socket.write(first)
    if (later !== '') setTimeout(() => socket.write(later), 20)
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  await sendRaw(gateway.port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  await eventually('the connection that said too much is gone', () => api.openConnections() === 0)
  expect((await sendRaw(gateway.port, get)).body).toBe('good')
})

/**
 * A request waits for 100 and gets its final answer instead; its body is never sent, and whoever puts the connection back into the pool
 * sends the next request where the upstream still waits for that body (CVE-2024-24791 in Go).
 */
test('a connection whose upstream never asked for the body is not used again', async () => {
  const tokens = await tokenEndpoint()
  const api = await upstreamWhoseFirstAnswerIs((socket) => socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno'))
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1, replay: 'off' } })
  const head = 'POST /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n'
  expect((await sendRaw(gateway.port, head)).status).toBe(403)
  expect((await sendRaw(gateway.port, get)).body).toBe('good')
  expect(api.connections()).toBe(2)
})

/** A cut answer leaves the rest of itself to come on the connection; a caller who leaves in its middle does as well. */
test('a connection whose answer nobody has read to its end is not used again', async () => {
  const tokens = await tokenEndpoint()
  const api = await upstreamWhoseFirstAnswerIs((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nfirst')
    setTimeout(() => socket.write(poison.padEnd(95) + poison), 50)
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  await sendRaw(gateway.port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n', (text) => text.endsWith('first'))
  await sleep(10)
  expect((await sendRaw(gateway.port, get)).body).toBe('good')
})
