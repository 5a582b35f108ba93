import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { httpServer, sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const fields = 'Host: localhost\r\nConnection: close\r\n\r\n'
const good = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood'

test.each([
  [
    'an unsolicited 101',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n',
    502,
    'upstream_invalid',
  ],
  ['a bare 101', 'HTTP/1.1 101 Switching Protocols\r\n\r\n', 502, 'upstream_invalid'],
  ['status 099', 'HTTP/1.1 099 X\r\nContent-Length: 0\r\n\r\n', 502, 'upstream_invalid'],
  ['status 600', 'HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n', 502, 'upstream_invalid'],
  ['status 20', 'HTTP/1.1 20 X\r\nContent-Length: 0\r\n\r\n', 502, 'upstream_invalid'],
  ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: foo\r\n\r\nx', 502, 'upstream_invalid'],
  [
    'chunked twice',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    502,
    'upstream_invalid',
  ],
  ['gzip, chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 502, 'upstream_invalid'],
  ['Transfer-Encoding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 502, 'upstream_invalid'],
  [
    'length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    502,
    'upstream_invalid',
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd', 502, 'upstream_invalid'],
  ['a NUL in a field', 'HTTP/1.1 200 OK\r\nX-A: \0\r\nContent-Length: 0\r\n\r\n', 502, 'upstream_invalid'],
  ['text without a head', '<html>hello</html>\r\n\r\n', 502, 'upstream_invalid'],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n', 502, 'upstream_invalid'],
  ['a head over 64 KiB', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(70_000)}\r\n\r\n`, 502, 'upstream_invalid'],
])('%s is no answer: %#', async (_, bytes, status, code) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.once('data', () => socket.write(bytes, 'latin1')))
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  for (let round = 0; round < 2; round++) {
    const answer = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${fields}`)
    expect(answer.status).toBe(status)
    expect(JSON.parse(answer.body)).toMatchObject({ code, route: '/api' })
  }
  await settledGateway(gateway)
  await eventually('no connection stays', () => api.openConnections() === 0)
})

test.each([
  ['by a reset', 'reset', ''],
  ['by a clean end', 'end', ''],
  ['within the head', 'end', 'HTTP/1.1 200 OK\r\nContent-'],
  ['behind 103', 'end', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
])(
  'a connection that ends before the answer, %s, is upstream_reset, and the request is not sent again',
  async (_, how, bytes) => {
    const tokens = await tokenEndpoint()
    const api = await tcpServer((socket) => {
      socket.once('data', () => {
        socket.write(bytes)
        if (how === 'reset') socket.resetAndDestroy()
        else socket.end()
      })
    })
    const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
    const answer = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${fields}`)
    expect(answer.text).toMatch(/HTTP\/1\.1 502 /)
    expect(answer.text).toMatch(/"code":"upstream_(reset|invalid)"/)
    expect(api.connections()).toBe(1)
    await settledGateway(gateway)
  },
)

test('an upstream that nobody listens for is unreachable', async () => {
  const tokens = await tokenEndpoint()
  const gateway = await startApiGateway('http://127.0.0.1:1', tokens.url, { route: { max_connections: 1 } })
  for (let round = 0; round < 3; round++) {
    const answer = await sendRaw(gateway.port, `POST /api/a HTTP/1.1\r\nContent-Length: 1\r\n${fields}x`)
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_unreachable' })
    expect(answer.head).toMatch(/^proxy-status: bearerd; error=connection_refused/im)
  }
  await settledGateway(gateway)
})

test.each([
  ['GET', `GET /api/a HTTP/1.1\r\n${fields}`],
  ['POST', `POST /api/a HTTP/1.1\r\nContent-Length: 4\r\n${fields}body`],
])('an upstream that takes a %s and says nothing is given up after timeouts.response', async (_, bytes) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.resume())
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1, timeouts: { response: '150ms' } } })
  for (let round = 0; round < 2; round++) {
    const answer = await sendRaw(gateway.port, bytes)
    expect(answer.status).toBe(504)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_timeout' })
  }
  await settledGateway(gateway)
  await eventually('no connection stays', () => api.openConnections() === 0)
})

/** An upstream whose connections serve one request each and close without a word when a second one comes. */
async function staleUpstream() {
  const served: string[] = []
  const swallowed: string[] = []
  const server = await tcpServer((socket) => {
    let isUsed = false
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      if (isUsed) {
        swallowed.push(chunk)
        socket.resetAndDestroy()
        return
      }
      if (!chunk.includes('\r\n\r\n')) return
      isUsed = true
      served.push(chunk)
      socket.write(good)
    })
  })
  return { ...server, served, swallowed }
}

test.each(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])(
  'a %s on a connection that turns out to be closed is sent again on a new one',
  async (method) => {
    const tokens = await tokenEndpoint()
    const api = await staleUpstream()
    const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 2 } })
    expect((await fetch(`${gateway.url}/api/first`)).status).toBe(200)
    expect((await sendRaw(gateway.port, `${method} /api/second HTTP/1.1\r\n${fields}`)).status).toBe(200)
    expect([api.swallowed.length, api.served.length]).toEqual([1, 2])
    await settledGateway(gateway)
  },
)

test.each(['POST', 'PATCH'])('a %s that may have been taken is never doubled', async (method) => {
  const tokens = await tokenEndpoint()
  const api = await staleUpstream()
  const gateway = await startApiGateway(api.url, tokens.url)
  expect((await fetch(`${gateway.url}/api/first`)).status).toBe(200)
  const answer = await sendRaw(gateway.port, `${method} /api/second HTTP/1.1\r\nContent-Length: 4\r\n${fields}body`)
  expect(answer.status).toBe(502)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'upstream_reset' })
  expect([api.swallowed.length, api.served.length]).toEqual([1, 1])
})

test.each([
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
  'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngoodxxxx',
])('bytes behind an answer never become the next answer: %#', async (bytes) => {
  const tokens = await tokenEndpoint()
  let count = 0
  const api = await tcpServer((socket) => socket.on('data', () => socket.write(++count === 1 ? bytes : good)))
  const gateway = await startApiGateway(api.url, tokens.url)
  expect((await fetch(`${gateway.url}/api/first`)).ok).toBe(true)
  for (let round = 0; round < 3; round++) expect(await (await fetch(`${gateway.url}/api/next`)).text()).toBe('good')
})

test('connections are used again, and max_connections is kept', async () => {
  const tokens = await tokenEndpoint()
  let most = 0
  const api = await httpServer((_, response) => {
    most = Math.max(most, api.openConnections())
    setTimeout(() => response.end('good'), 1)
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 3 } })
  const texts = await Promise.all(Array.from({ length: 60 }, async () => (await fetch(`${gateway.url}/api/a`)).text()))
  expect(new Set(texts)).toEqual(new Set(['good']))
  expect(most).toBeLessThanOrEqual(3)
  expect(api.connections()).toBeLessThanOrEqual(6)
})
