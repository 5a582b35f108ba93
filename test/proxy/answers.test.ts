import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import { settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const fields = 'Host: localhost\r\nConnection: close\r\n\r\n'

/** Has the upstream answer with these bytes and returns what a caller of `/api/a` gets. */
async function relayed(bytes: string, request = `GET /api/a HTTP/1.1\r\n${fields}`, route: Record<string, unknown> = {}) {
  const tokens = await tokenEndpoint()
  const upstream = await tcpServer((socket) =>
    socket.once('data', () => socket.end(Buffer.from(bytes.replaceAll('UPSTREAM', upstream.url), 'latin1'))),
  )
  const gateway = await startApiGateway(`${upstream.url}/base`, tokens.url, { route })
  const answer = await sendRaw(gateway.port, request)
  await settledGateway(gateway)
  return { ...answer, fields: answer.head.split('\r\n').slice(1), gateway }
}

test('status, reason, field order, spelling, repetition and every byte of an answer go through', async () => {
  const sent = [
    'x-b: 2',
    'X-A: 1',
    'x-B: 3',
    'Set-Cookie: a=1',
    'SET-COOKIE: b=2',
    'X-Obs: \xe9\x80\xff',
    'Content-Encoding: gzip',
    'Date: Thu, 01 Jan 1970 00:00:00 GMT',
    'X-Empty: ',
  ]
  const answer = await relayed(`HTTP/1.1 299 Quite G\xf6od\r\n${sent.join('\r\n')}\r\nContent-Length: 3\r\n\r\n\x1f\x8b\x00`)
  expect(answer.head).toMatch(/^HTTP\/1\.1 299 Quite G\xf6od\r\n/)
  expect(answer.fields.filter((field) => sent.includes(field))).toEqual(sent)
  expect(answer.fields.filter((field) => /^date:/i.test(field))).toHaveLength(1)
  expect(answer.body).toBe('\x1f\x8b\x00')
})

test('fields of one hop stay behind, with all that Connection names, its own framing included', async () => {
  const answer = await relayed(
    'HTTP/1.1 200 OK\r\nConnection: close, X-One, Content-Length\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: timeout=77\r\nProxy-Authenticate: Basic\r\nUpgrade: foo\r\nContent-Length: 4\r\n\r\nbody',
  )
  expect(answer.head).not.toMatch(/x-one|timeout=77|proxy-authenticate|upgrade/i)
  expect(answer.fields).toContain('X-Two: 2')
  expect(answer.text).toContain('body')
})

describe('an answer without a body', () => {
  test.each([
    ['HEAD with a length', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n', 200, /^content-length: 1234$/im],
    ['HEAD with chunked', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200, /^/],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n', 204, /^x-a: 1$/im],
    ['304 with a length', 'GET', 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 99\r\n\r\n', 304, /^etag: "a"$/im],
  ])('ends with its head: %s', async (_, method, bytes, status, field) => {
    const answer = await relayed(bytes, `${method} /api/a HTTP/1.1\r\n${fields}`)
    expect(answer.status).toBe(status)
    expect(answer.head).toMatch(field)
    expect(answer.body).toBe('')
  })

  test.each(['HEAD', 'GET'])('may announce trailers (%s)', async (method) => {
    const status = method === 'HEAD' ? '200 OK' : '304 Not Modified'
    const answer = await relayed(
      `HTTP/1.1 ${status}\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n`,
      `${method} /api/a HTTP/1.1\r\nTE: trailers\r\nHost: localhost\r\nConnection: close, TE\r\n\r\n`,
    )
    expect(answer.status).toBe(method === 'HEAD' ? 200 : 304)
    expect(answer.gateway.log.filter(({ level }) => level === 50 || level === 'error')).toEqual([])
  })
})

describe('redirects and cookies', () => {
  test.each([
    ['UPSTREAM/base/b?x#y', 'http://localhost/api/b?x#y'],
    ['UPSTREAM/base', 'http://localhost/api'],
    ['/base/b', '/api/b'],
    ['/base', '/api'],
    ['b', 'b'],
    ['?x', '?x'],
    ['/other/b', '/other/b'],
    ['/basement', '/basement'],
    ['https://elsewhere.example/base/b', 'https://elsewhere.example/base/b'],
    ['//elsewhere.example/base', '//elsewhere.example/base'],
    ['UPSTREAM.evil.example/base/b', 'UPSTREAM.evil.example/base/b'],
    ['UPSTREAM@evil.example/base/b', 'UPSTREAM@evil.example/base/b'],
  ])('Location %s is relayed as %s, never followed', async (location, expected) => {
    const answer = await relayed(`HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`)
    expect(answer.status).toBe(302)
    const got = answer.fields.find((field) => field.startsWith('Location: '))?.slice(10)
    expect(got?.replace(/http:\/\/127\.0\.0\.1:\d+/, 'UPSTREAM')).toBe(expected)
  })

  test.each([
    ['a=1; Path=/base/x; HttpOnly', 'a=1; Path=/api/x; HttpOnly'],
    ['a=1; Path=/base; SameSite=Lax', 'a=1; Path=/api; SameSite=Lax'],
    ['a=1; Domain=127.0.0.1; Secure', 'a=1; Secure'],
    ['a=1; Path=/; domain=elsewhere.example', 'a=1; Path=/; domain=elsewhere.example'],
    ['a="b; c"; Max-Age=1', 'a="b; c"; Max-Age=1'],
    ['__Host-a=1; Secure; Path=/', '__Host-a=1; Secure; Path=/'],
  ])('Set-Cookie %s is relayed as %s', async (cookie, expected) => {
    const answer = await relayed(`HTTP/1.1 200 OK\r\nSet-Cookie: ${cookie}\r\nContent-Length: 0\r\n\r\n`)
    expect(answer.fields).toContain(`Set-Cookie: ${expected}`)
  })

  test('stay as they are where rewriting is off', async () => {
    const answer = await relayed(
      'HTTP/1.1 302 Found\r\nLocation: /base/b\r\nSet-Cookie: a=1; Path=/base\r\nContent-Length: 0\r\n\r\n',
      undefined,
      {
        rewrite: { location: false, cookies: false },
      },
    )
    expect(answer.fields).toEqual(expect.arrayContaining(['Location: /base/b', 'Set-Cookie: a=1; Path=/base']))
  })
})

test('a reason phrase with a control byte is no reason to lose the answer, the slot or the connection', async () => {
  const tokens = await tokenEndpoint()
  let count = 0
  const upstream = await tcpServer((socket) => {
    socket.on('data', () =>
      socket.write(
        ++count === 1
          ? 'HTTP/1.1 200 O\x01K\r\nContent-Length: 4\r\n\r\ngood'
          : 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext',
      ),
    )
  })
  const gateway = await startApiGateway(upstream.url, tokens.url, { route: { max_connections: 1 } })
  const first = await sendRaw(gateway.port, `GET /api/1 HTTP/1.1\r\n${fields}`)
  expect([200, 502]).toContain(first.status)
  const second = await rawCaller(gateway.port)
  second.send(`GET /api/2 HTTP/1.1\r\n${fields}`)
  await second.until((text) => text.includes('next'), 2_000)
  expect(gateway.log.filter(({ level }) => level === 50 || level === 'error')).toEqual([])
})

test('trailers reach callers that say TE: trailers, without those that are no trailers; others get none', async () => {
  const chunked =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: 1\r\nAuthorization: no\r\nSet-Cookie: a=1\r\n\r\n'
  const wanted = await relayed(chunked, 'GET /api/a HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\nConnection: close, TE\r\n\r\n')
  expect(wanted.text).toMatch(/\r\n0\r\nX-Sum: 1\r\n\r\n$/)
  expect(wanted.text).not.toMatch(/authorization|set-cookie/i)
  const unwanted = await relayed(chunked)
  expect(unwanted.text).not.toMatch(/x-sum/i)
  const old = await relayed(chunked, 'GET /api/a HTTP/1.0\r\nTE: trailers\r\n\r\n')
  expect(old).toMatchObject({ status: 200, body: 'body' })
})

test("a request's trailers never become fields", async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const body = '4\r\nbody\r\n0\r\nAuthorization: Bearer theirs\r\nX-Late: 1\r\n\r\n'
  const answer = await sendRaw(
    gateway.port,
    `POST /api/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n${fields}${body}`,
  )
  expect(answer.status).toBe(200)
  expect(api.calls[0]?.headers).toMatchObject({ authorization: 'Bearer token-1' })
  expect(api.calls[0]?.headers).not.toHaveProperty('x-late')
})
