import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: localhost\r\n'

test.each([
  ['of a length, by leaving', `Content-Length: 100\r\n\r\n12345`, 'leave'],
  ['of a length, by a clean end', `Content-Length: 100\r\n\r\n12345`, 'end'],
  ['in chunks, by leaving', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', 'leave'],
  ['in chunks, by a clean end', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', 'end'],
  ['in chunks, by nonsense', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', 'nonsense'],
])('an upload cut off %s never looks complete to the upstream', async (_, rest, how) => {
  const tokens = await tokenEndpoint()
  let received = ''
  const api = await tcpServer((socket) => socket.on('data', (chunk) => void (received += chunk.toString('latin1'))))
  const gateway = await startApiGateway(api.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`POST /api/a HTTP/1.1\r\n${host}${rest}`)
  await eventually('the body begins', () => received.includes('12345'))
  if (how === 'leave') caller.socket.destroy()
  else if (how === 'end') caller.socket.end()
  else caller.send('xyz\r\n')
  await eventually('the upstream is left alone', () => api.openConnections() === 0, 1_000)
  expect(received).not.toMatch(/\r\n0\r\n/)
  if (how === 'nonsense') expect(await caller.until((text) => text.includes('request_id'))).toMatch(/^HTTP\/1\.1 400 /)
  caller.socket.destroy()
  await settledGateway(gateway)
})

test.each([
  ['of a length', 'Content-Length: 100\r\n\r\n12345', '1.1', 'closed'],
  ['in chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', '1.1', 'closed'],
  ['in chunks, to HTTP/1.0', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', '1.0', 'closed'],
  ['of a length, to HTTP/1.0', 'Content-Length: 100\r\n\r\n12345', '1.0', 'closed'],
  ['up to the end of the connection, by a reset', '\r\n12345', '1.1', 'reset'],
  ['up to the end of the connection, by a reset, to HTTP/1.0', '\r\n12345', '1.0', 'reset'],
  ['in bad chunks', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', '1.1', 'zz\r\n'],
  ['in bad chunks, to HTTP/1.0', 'Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n', '1.0', 'zz\r\n'],
])('an answer cut off %s never looks complete to the caller', async (_, rest, version, how) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${rest}`)
      setTimeout(() => {
        if (how === 'reset') socket.resetAndDestroy()
        else if (how === 'closed') socket.end()
        else socket.write(how)
      }, 50)
    })
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/a HTTP/${version}\r\n${host}\r\n`)
  const end = await caller.ended()
  expect(caller.text).not.toMatch(/\r\n0\r\n/)
  // A length tells that something is missing; without one only a reset does.
  if (!/^content-length: 100/im.test(caller.text) && !/^transfer-encoding: chunked/im.test(caller.text)) expect(end).toBe('reset')
  await settledGateway(gateway)
  await eventually('the upstream is left alone', () => api.openConnections() === 0)
})

test('an answer that turns out bad before anything of it was relayed is a 502', async () => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n'))
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const { status, body } = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
  expect([status, JSON.parse(body)]).toMatchObject([502, { code: 'upstream_invalid' }])
  await eventually('the upstream is left alone', () => api.openConnections() === 0)
})

test('an answer that ends with its connection is whole, to callers of either version', async () => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.once('data', () => socket.end('HTTP/1.0 200 OK\r\n\r\n12345')))
  const gateway = await startApiGateway(api.url, tokens.url)
  const now = await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\n${host}Connection: close\r\n\r\n`)
  expect(now.body).toBe('5\r\n12345\r\n0\r\n\r\n')
  expect(await sendRaw(gateway.port, `GET /api/a HTTP/1.0\r\n${host}\r\n`)).toMatchObject({ body: '12345', end: 'closed' })
})

test('an upstream that stalls within its answer is given up after timeouts.idle', async () => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) =>
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n12345')),
  )
  const gateway = await startApiGateway(api.url, tokens.url, { route: { timeouts: { idle: '150ms' } } })
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/a HTTP/1.1\r\n${host}\r\n`)
  await caller.ended(2_000)
  await settledGateway(gateway)
  await eventually('the upstream is left alone', () => api.openConnections() === 0)
})

test('a caller that stalls within its body gets 408, and the upstream sees an abort', async () => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.resume())
  const gateway = await startApiGateway(api.url, tokens.url, { top: { limits: { body_idle: '150ms' } } })
  const caller = await rawCaller(gateway.port)
  caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 9\r\n\r\n1`)
  expect(await caller.until((text) => text.includes('request_timeout'), 2_000)).toMatch(/^HTTP\/1\.1 408 /)
  await eventually('the upstream is left alone', () => api.openConnections() === 0)
})

test('a caller that stalls within its head gets 408', async () => {
  const tokens = await tokenEndpoint()
  const gateway = await startApiGateway('http://127.0.0.1:9', tokens.url, { top: { limits: { header_time: '100ms' } } })
  const caller = await rawCaller(gateway.port)
  caller.send('GET /api/a HT')
  expect(await caller.until((text) => text.includes('request_timeout'), 3_000)).toMatch(/^HTTP\/1\.1 408 /)
  await caller.ended(2_000)
})
