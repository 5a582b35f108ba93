import { connect } from 'node:net'
import type { Socket } from 'node:net'
import type { IncomingHttpHeaders } from 'node:http'
import { describe, expect, it } from 'vitest'
import { askHead } from '../../src/network/ask-head.ts'
import { httpServer, tcpServer } from '../support/servers.ts'

const question = { authority: 'api.example.com', path: '/v1', userAgent: 'bearerd/test' }

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await new Promise((resolve) => socket.once('connect', resolve))
  return socket
}

describe('asking for a head', () => {
  it('sends HEAD and nothing that identifies anybody, and ends the connection', async () => {
    const seen: { line: string; headers: IncomingHttpHeaders }[] = []
    const server = await httpServer(({ method = '', url = '', headers }, response) => {
      seen.push({ line: `${method} ${url}`, headers })
      response.writeHead(404, { date: 'Sun, 22 Nov 2026 15:00:00 GMT' }).end()
    })
    expect(await askHead(await connected(server.port), question, 10_000)).toEqual({
      status: 404,
      date: 'Sun, 22 Nov 2026 15:00:00 GMT',
    })
    expect(seen).toEqual([
      {
        line: 'HEAD /v1',
        headers: { host: 'api.example.com', 'user-agent': 'bearerd/test', accept: '*/*', connection: 'close' },
      },
    ])
    await expect.poll(() => server.openConnections()).toBe(0)
  })

  it('does not take the date of an answer from a cache for that of now', async () => {
    const server = await httpServer((_request, response) => {
      response.writeHead(200, { date: 'Sun, 22 Nov 2026 15:00:00 GMT', age: '600' }).end()
    })
    expect(await askHead(await connected(server.port), question, 10_000)).toEqual({ status: 200, date: undefined })
  })

  it('takes an unasked change of protocol for an answer', async () => {
    const server = await tcpServer((socket) =>
      socket.on('data', () => socket.write('HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')),
    )
    expect(await askHead(await connected(server.port), question, 10_000)).toMatchObject({ status: 101 })
  })

  it.each([
    ['closes', (socket: Socket) => void socket.on('data', () => socket.end()), 'ECONNRESET'],
    ['speaks something else', (socket: Socket) => void socket.write('220 smtp ready\r\n'), /^HPE_/],
  ])('fails where the other side %s', async (_what, behave, code) => {
    const server = await tcpServer(behave)
    await expect(askHead(await connected(server.port), question, 10_000)).rejects.toMatchObject({
      code: expect.stringMatching(code) as string,
    })
  })

  it('does not wait for ever', async () => {
    const server = await tcpServer((socket) => socket.resume())
    await expect(askHead(await connected(server.port), question, 50)).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    await expect.poll(() => server.openConnections()).toBe(0)
  })
})
