import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { heldMiB } from '../support/held-memory.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const ok = 'HTTP/1.1 200 OK\r\n'

/**
 * An upstream never comes to the end of something that has no length: a slow loris, the other way round. What it sends counts for
 * nothing until its head is there, so that no drip may start `timeouts.response` anew; and what is not the body itself must not be
 * taken without bound, as chunk extensions once were (CVE-2024-22019) and fields of a head in every server at some time.
 */
test.each<[what: string, first: string, then: string, everyMs: number, status: number]>([
  ['103 after 103', '', 'HTTP/1.1 103 Early Hints\r\n\r\n', 20, 504],
  ['102 after 102', '', 'HTTP/1.1 102 Processing\r\n\r\n', 20, 504],
  ['empty lines', '', '\r\n', 20, 504],
  ['a head that drips', ok, 'X-A: b\r\n', 20, 504],
  ['a field that never ends, at full speed', `${ok}X-A: `, 'a'.repeat(16_384), 0, 502],
  ['fields that never end, at full speed', ok, 'X-A: b\r\n'.repeat(1_000), 0, 502],
  ['103s with ever more fields, at full speed', '', `HTTP/1.1 103 Early Hints\r\n${'X-A: b\r\n'.repeat(1_000)}\r\n`, 0, 504],
  ['a chunk extension that never ends', `${ok}Transfer-Encoding: chunked\r\n\r\n4;a=`, 'a'.repeat(16_384), 0, 502],
  ['trailers that never end', `${ok}Transfer-Encoding: chunked\r\n\r\n0\r\n`, 'X-A: b\r\n'.repeat(1_000), 0, 502],
])('an upstream with no end of %s is given up', async (_, first, then, everyMs, status) => {
  const tokens = await tokenEndpoint()
  const api = await tcpServer((socket) => socket.once('data', () => sendWithoutEnd(socket, first, then, everyMs)))
  const route = { max_connections: 1, timeouts: { response: '400ms', idle: '400ms' } }
  const gateway = await startApiGateway(api.url, tokens.url, { route })
  const before = process.memoryUsage().rss
  const { text } = await sendRaw(gateway.port, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  // Where its head had gone to the caller already, the answer is cut.
  const final = /HTTP\/1\.1 ([2-5]\d\d) [^]*/.exec(text)
  if (final?.[1] === '200') expect(text).not.toMatch(/\r\n0\r\n\r\n$/)
  else expect(Number(final?.[1])).toBe(status)
  expect((process.memoryUsage().rss - before) / 1024 ** 2).toBeLessThan(100)
  await settledGateway(gateway)
  await eventually('its connection is gone', () => api.openConnections() === 0)
})

function sendWithoutEnd(socket: Socket, first: string, then: string, everyMs: number): void {
  socket.write(first)
  const send = (): void => {
    if (socket.destroyed) return
    const hasRoom = socket.write(then)
    if (everyMs > 0) setTimeout(send, everyMs)
    else if (hasRoom) setImmediate(send)
    else socket.once('drain', send)
  }
  send()
}

test('an upstream with no end of 103s fills no memory with what its caller does not read', async () => {
  const tokens = await tokenEndpoint()
  const early = `HTTP/1.1 103 Early Hints\r\nLink: ${'a'.repeat(8_192)}\r\n\r\n`
  const api = await tcpServer((socket) => socket.once('data', () => sendWithoutEnd(socket, '', early, 0)))
  const gateway = await startApiGateway(api.url, tokens.url, { route: { timeouts: { response: '1s' } } })
  const caller = await rawCaller(gateway.port)
  caller.socket.pause()
  caller.send('GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const before = heldMiB()
  await eventually('the upstream is given up', () => api.connections() === 1 && api.openConnections() === 0, 10_000)
  expect(heldMiB() - before).toBeLessThan(60)
})
