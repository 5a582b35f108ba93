import { afterAll, describe, expect, test } from 'vitest'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { httpServer, readBody, tcpServer } from '../support/servers.ts'

const transport = createTokenTransport('bearerd/test')
afterAll(() => transport.close())

const secret = 'canary-secret'
const canary = 'CANARY-BODY'

function requestTo(url: string, more: Partial<TokenRequest> = {}): TokenRequest {
  return {
    method: 'POST',
    url,
    headers: { authorization: secret },
    body: Buffer.from(`client_secret=${secret}`),
    timeoutMs: 5_000,
    ...more,
  }
}

/** The failure, which holds neither the secret nor anything of the answer, whatever one prints of it. */
async function failureOf(request: TokenRequest): Promise<TokenRequestError> {
  const error: unknown = await transport.send(request).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TokenRequestError)) throw new Error('no failure, or one of another kind', { cause: error })
  const shown = `${error.message} ${error.code} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`
  for (const hidden of [secret, canary]) expect(shown).not.toContain(hidden)
  expect(error.kind).toBe('unavailable')
  return error
}

describe('a whole answer', () => {
  test('comes back with its status, fields and body, and the request arrives as built', async () => {
    const received: unknown[] = []
    const { url } = await httpServer((request, response) => {
      void readBody(request).then((body) => {
        received.push(
          request.method,
          request.url,
          request.headers['user-agent'],
          request.headers['content-length'],
          body.toString(),
        )
        response.writeHead(418, { 'X-Thing': 'a' }).end('päyload')
      })
    })
    expect(await transport.send(requestTo(`${url}/token?x=1`))).toMatchObject({
      status: 418,
      headers: { 'x-thing': 'a' },
      body: 'päyload',
    })
    expect(received).toEqual(['POST', '/token?x=1', 'bearerd/test', '27', `client_secret=${secret}`])
  })

  test('may come to a GET without a body', async () => {
    const { url } = await httpServer((request, response) =>
      response.end(`${request.method} ${request.headers['content-length'] ?? 'none'}`),
    )
    expect((await transport.send(requestTo(url, { method: 'GET', body: undefined }))).body).toBe('GET none')
  })

  test('may be 256 KiB and no byte more, with a length or without', async () => {
    const { url } = await httpServer((request, response) => {
      const [, size, framing] = (request.url ?? '').split('/')
      if (framing === 'length') response.setHeader('content-length', Number(size))
      else response.flushHeaders()
      response.end(canary.padEnd(Number(size), '.'))
    })
    for (const framing of ['length', 'chunked']) {
      expect((await transport.send(requestTo(`${url}/262144/${framing}`))).body).toHaveLength(262_144)
      expect(await failureOf(requestTo(`${url}/262145/${framing}`))).toMatchObject({ code: 'too_large' })
    }
  })

  test('that never stops growing is left at the limit, and its connection with it', async () => {
    const server = await httpServer((_, response) => {
      const chunk = Buffer.alloc(64 * 1024, canary)
      const pump = (): void => {
        while (!response.destroyed && response.write(chunk)) {
          /* until it is full */
        }
      }
      response.on('drain', pump)
      pump()
    })
    expect(await failureOf(requestTo(server.url))).toMatchObject({ code: 'too_large' })
    await expect.poll(() => server.openConnections()).toBe(0)
  })
})

describe('the deadline', () => {
  test('covers everything, whatever drips', async () => {
    const server = await httpServer((_, response) => {
      response.writeHead(200)
      const timer = setInterval(() => response.write('C'), 10)
      response.on('close', () => clearInterval(timer))
    })
    const started = performance.now()
    expect(await failureOf(requestTo(server.url, { timeoutMs: 200 }))).toMatchObject({ code: 'timeout' })
    expect(performance.now() - started).toBeLessThan(3_000)
    await expect.poll(() => server.openConnections()).toBe(0)
  })

  test('covers a head that drips', async () => {
    const server = await tcpServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket.write(`X-${canary}: 1\r\n`), 10)
      socket.on('close', () => clearInterval(timer))
    })
    expect(await failureOf(requestTo(server.url, { timeoutMs: 200 }))).toMatchObject({ code: 'timeout' })
  })

  test('covers a server that says nothing, and one that only says 100', async () => {
    const silent = await tcpServer((socket) => void socket.resume())
    expect(await failureOf(requestTo(silent.url, { timeoutMs: 100 }))).toMatchObject({ code: 'timeout' })
    await expect.poll(() => silent.openConnections()).toBe(0)
    const early = await tcpServer((socket) => void socket.write('HTTP/1.1 102 Processing\r\n\r\n'))
    expect(await failureOf(requestTo(early.url, { timeoutMs: 100 }))).toMatchObject({ code: 'timeout' })
  })

  test('longer than a timer can be is not an instant one', async () => {
    const { url } = await httpServer((_, response) => void setTimeout(() => response.end('late'), 50))
    expect((await transport.send(requestTo(url, { timeoutMs: 2 ** 31 }))).body).toBe('late')
  })
})

describe('no answer', () => {
  test('a redirect is handed back, not followed', async () => {
    const elsewhere = await httpServer((_, response) => response.end(canary))
    const { url } = await httpServer((request, response) =>
      response.writeHead(Number(request.url?.slice(1)), { location: elsewhere.url }).end(),
    )
    for (const status of [301, 302, 303, 307, 308])
      expect((await transport.send(requestTo(`${url}/${status}`))).status).toBe(status)
    expect(elsewhere.connections()).toBe(0)
  })

  test('a refused connection', async () => {
    const { url } = await tcpServer(() => {})
    const closed = url.replace(/\d+$/, '1')
    expect(await failureOf(requestTo(closed))).toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('an address that does not exist', async () => {
    expect((await failureOf(requestTo('http://nowhere.invalid/token'))).code).toMatch(/^[A-Z_]+$/)
  })

  test('a connection dropped before, within and after the head', async () => {
    for (const bytes of [
      '',
      'HTTP/1.1 200',
      `HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n${canary}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n${canary}\r\n`,
    ]) {
      const { url } = await tcpServer((socket) => socket.once('data', () => socket.end(bytes)))
      expect((await failureOf(requestTo(url))).code).toMatch(/^[A-Z_]+$/)
    }
  })

  test('a connection that is reset', async () => {
    const { url } = await tcpServer((socket) => socket.once('data', () => socket.resetAndDestroy()))
    await failureOf(requestTo(url))
  })

  test('something that is not HTTP, whose bytes are not shown', async () => {
    for (const bytes of [
      `${canary}\r\n\r\n`,
      `SSH-2.0-${canary}\r\n`,
      `HTTP/1.1 200 OK\r\n${canary} bad\r\n\r\n`,
      `HTTP/1.1 200 OK\r\nContent-Length: ${canary}\r\n\r\n`,
    ]) {
      const { url } = await tcpServer((socket) => socket.once('data', () => socket.write(bytes)))
      await failureOf(requestTo(url, { timeoutMs: 2_000 }))
    }
  })

  test('a TLS handshake with something that speaks none', async () => {
    const { url } = await tcpServer((socket) => socket.once('data', () => socket.end(`HTTP/1.1 400 ${canary}\r\n\r\n`)))
    await failureOf(requestTo(url.replace('http:', 'https:')))
  })
})

test('many failures leave the next request unharmed', async () => {
  const { url } = await httpServer((request, response) =>
    request.url === '/bad' ? request.socket.destroy() : response.end('good'),
  )
  await Promise.all(Array.from({ length: 20 }, () => failureOf(requestTo(`${url}/bad`))))
  expect((await transport.send(requestTo(`${url}/good`))).body).toBe('good')
})
