import { expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { httpServer, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const host = 'Host: localhost\r\n'

test.each([
  ['an upgrade', `GET /api/ws HTTP/1.1\r\n${host}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`],
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${host}\r\n`],
])('%s behind a request that is still being served does no harm', async (_, bytes) => {
  const slow = gate()
  const api = await provider(async (_call, response) => {
    await slow.opened
    response.end('good answer')
  })
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/slow HTTP/1.1\r\n${host}\r\n${bytes}`)
  await eventually('the first arrives', () => api.begun() > 0)
  slow.open()
  const text = await caller.until((received) => received.includes('good answer'))
  expect(text).toMatch(/^HTTP\/1\.1 200 /)
  caller.socket.destroy()
  expect((await fetch(`${gateway.url}/api/next`)).status).toBe(200)
  await settledGateway(gateway)
})

test('a caller that leaves takes its waiting pipelined requests along', async () => {
  const tokens = await tokenEndpoint()
  const upstream = await httpServer(() => {})
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`GET /api/1 HTTP/1.1\r\n${host}\r\nGET /api/2 HTTP/1.1\r\n${host}\r\nGET /api/3 HTTP/1.1\r\n${host}\r\n`)
  await eventually('the first arrives', () => upstream.connections() > 0)
  caller.socket.destroy()
  await settledGateway(gateway)
  await eventually('the upstream is left alone', () => upstream.openConnections() === 0)
})

test('pipelined requests are run one after the other, and none behind a malformed one', async () => {
  const slow = gate()
  const api = await provider(async ({ target }, response) => {
    if (target === '/1') await slow.opened
    response.end(`answer ${target}`)
  })
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const caller = await rawCaller(gateway.port)
  const request = (target: string): string => `POST ${target} HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`
  caller.send(`${request('/api/1')}${request('/api/2')}${request('/api/#3')}${request('/api/4')}${request('/api/5')}`)
  await eventually('the first arrives', () => api.begun() > 0)
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(api.calls.map(({ target }) => target)).toEqual(['/1'])
  slow.open()
  await caller.ended()
  await settledGateway(gateway)
  expect(api.calls.map(({ target }) => target)).toEqual(['/1', '/2'])
  expect(caller.text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 400'])
})

test('a request right behind the rest of a body that was answered early is served', async () => {
  const tokens = await tokenEndpoint()
  const upstream = await tcpServer((socket) => {
    let text = ''
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      text += chunk
      if (text.includes('GET /2 ')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecond')
      else if (text.startsWith('POST /1 ') && chunk.includes('\r\n\r\n'))
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly')
    })
  })
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`POST /api/1 HTTP/1.1\r\n${host}Content-Length: 10\r\n\r\n12345`)
  await caller.until((received) => received.includes('early'))
  // The gateway has answered, and still expects the rest of the body.
  await new Promise((resolve) => setTimeout(resolve, 50))
  caller.send(`67890GET /api/2 HTTP/1.1\r\n${host}\r\n`)
  await caller.until((received) => received.includes('second'), 3_000)
  await settledGateway(gateway)
})

test('an ordinary early refusal by the gateway leaves the connection usable when the body has come', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const caller = await rawCaller(gateway.port)
  caller.send(`POST /nowhere HTTP/1.1\r\n${host}Content-Length: 4\r\n\r\nbodyGET /api/next HTTP/1.1\r\n${host}\r\n`)
  const text = await caller.until((received) => received.includes('good'))
  expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 404', 'HTTP/1.1 200'])
})
