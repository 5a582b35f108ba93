import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import { eventually, gate, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw } from '../support/servers.ts'

const host = 'Host: localhost\r\n'
const fields = `${host}Connection: close\r\n\r\n`

describe('a request that no gateway should forward', () => {
  const cases: [what: string, bytes: string, status: number, code: string][] = [
    ['no Host', 'GET /api/a HTTP/1.1\r\n\r\n', 400, 'bad_request'],
    ['two Hosts', `GET /api/a HTTP/1.1\r\n${host}${host}\r\n`, 400, 'bad_request'],
    ['two different Hosts', `GET /api/a HTTP/1.1\r\n${host}Host: 127.0.0.1\r\n\r\n`, 400, 'bad_request'],
    ['an empty Host', 'GET /api/a HTTP/1.1\r\nHost:\r\n\r\n', 400, 'bad_request'],
    ['a Host with a path', 'GET /api/a HTTP/1.1\r\nHost: localhost/b?c\r\n\r\n', 400, 'bad_request'],
    ['a Host with user information', 'GET /api/a HTTP/1.1\r\nHost: me@localhost\r\n\r\n', 400, 'bad_request'],
    ['a Host with a port that is none', 'GET /api/a HTTP/1.1\r\nHost: localhost:8o\r\n\r\n', 400, 'bad_request'],
    ['a Host with a comma', 'GET /api/a HTTP/1.1\r\nHost: localhost, localhost\r\n\r\n', 400, 'bad_request'],
    ['an absolute target for another authority', `GET http://api.example.com/api/a HTTP/1.1\r\n${fields}`, 421, 'wrong_host'],
    [
      'an absolute target with user information',
      `GET http://localhost@api.example.com/api/a HTTP/1.1\r\n${fields}`,
      400,
      'bad_request',
    ],
    ['an absolute target without authority', `GET http:///api/a HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['GET *', `GET * HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['a target without a slash', `GET api/a HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['an authority as target', `GET localhost:80 HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['a fragment', `GET /api/a#b HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['a control byte in the target', `GET /api/a\x01b HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['a tab in the target', `GET /api/a\tb HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['DEL in the target', `GET /api/a\x7fb HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['a byte over 0x7e in the target', `GET /api/\xe9 HTTP/1.1\r\n${fields}`, 400, 'bad_request'],
    ['TRACE', `TRACE /api/a HTTP/1.1\r\n${fields}`, 405, 'method_not_allowed'],
    ['CONNECT', `CONNECT api.example.com:443 HTTP/1.1\r\n${fields}`, 405, 'method_not_allowed'],
    [
      'Transfer-Encoding in HTTP/1.0',
      `POST /api/a HTTP/1.0\r\n${host}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['gzip, chunked', `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 400, 'bad_request'],
    [
      'an empty coding before chunked',
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    [
      'chunked twice',
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['an unknown coding', `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: foo\r\n\r\n`, 400, 'bad_request'],
    [
      'chunked with a no-break space',
      `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\xa0\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    [
      'length and coding',
      `POST /api/a HTTP/1.1\r\n${host}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
      'bad_request',
    ],
    ['two lengths', `POST /api/a HTTP/1.1\r\n${host}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`, 400, 'bad_request'],
    ['a length that is none', `POST /api/a HTTP/1.1\r\n${host}Content-Length: +1\r\n\r\na`, 400, 'bad_request'],
    ['a folded field', `GET /api/a HTTP/1.1\r\n${host}X-A: b\r\n c\r\n\r\n`, 400, 'bad_request'],
    ['a space before the colon', `GET /api/a HTTP/1.1\r\n${host}X-A : b\r\n\r\n`, 400, 'bad_request'],
    ['a field without a name', `GET /api/a HTTP/1.1\r\n${host}: b\r\n\r\n`, 400, 'bad_request'],
    ['a NUL in a field', `GET /api/a HTTP/1.1\r\n${host}X-A: b\0c\r\n\r\n`, 400, 'bad_request'],
    ['a target over 8 KiB', `GET /api/${'a'.repeat(8 * 1024)} HTTP/1.1\r\n${fields}`, 414, 'target_too_long'],
    ['a head over 16 KiB', `GET /api/a HTTP/1.1\r\n${host}X-A: ${'a'.repeat(16 * 1024)}\r\n\r\n`, 431, 'fields_too_large'],
    ['more than 200 fields', `GET /api/a HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(200)}\r\n`, 431, 'fields_too_large'],
    [
      'an expectation nobody knows',
      `POST /api/a HTTP/1.1\r\n${host}Expect: rain\r\nContent-Length: 1\r\n\r\na`,
      417,
      'expectation_failed',
    ],
    ['HTTP/2.0', `GET /api/a HTTP/2.0\r\n${fields}`, 505, 'version_not_supported'],
    ['HTTP/0.9', `GET /api/a HTTP/0.9\r\n${fields}`, 505, 'version_not_supported'],
    ['what is not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n', 400, 'bad_request'],
  ]

  test.each(cases)('is refused with a problem document: %s', async (_, bytes, status, code) => {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const answer = await sendRaw(gateway.port, Buffer.from(bytes, 'latin1'), (text) => text.includes('"request_id"'))
    expect(answer.status).toBe(status)
    expect(answer.head).toMatch(/^content-type: application\/problem\+json$/im)
    expect(answer.head).toMatch(/^proxy-status: bearerd; error=[a-z_]+/im)
    expect(JSON.parse(answer.body)).toMatchObject({ code, status })
    expect(api.begun()).toBe(0)
    expect(api.tokens.requests).toHaveLength(0)
  })

  test.each([
    '/api/..',
    '/api/../b',
    '/api/.',
    '/api/./b',
    '/api/%2e%2e/b',
    '/api/%2E./b',
    '/api/.%2e',
    '/api/a%2f..%2fb',
    '/api/a%5c..',
    '/api/a\\..\\b',
    '/api/..;/b',
    '/api/..;x=1',
    '/api/..%3b/b',
    '/api/%2e',
    '/../api/a',
    '/./api/a',
    '/api/a%2F%2E%2E',
    '/api//../..',
    'http://localhost/api/../b',
  ])('is refused for a dot segment: %s', async (target) => {
    const api = await provider()
    const gateway = await startApiGateway(`${api.url}/base`, api.tokens.url)
    const answer = await sendRaw(gateway.port, `GET ${target} HTTP/1.1\r\n${fields}`)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'bad_request' })
    expect(api.begun()).toBe(0)
  })
})

test('dots that are no dot segments go through, also in the query', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  for (const target of ['/api/...', '/api/a..b', '/api/.well-known/x', '/api/a?x=/../b', '/api/..a']) {
    const answer = await sendRaw(gateway.port, `GET ${target} HTTP/1.1\r\n${fields}`)
    expect(answer.status).toBe(200)
    expect(api.calls.at(-1)?.target).toBe(target.slice('/api'.length))
  }
})

test('an absolute target for this gateway is served, and its authority counts instead of Host', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const answer = await sendRaw(
    gateway.port,
    `GET http://localhost:${gateway.port}/api/a?b HTTP/1.1\r\nHost: api.example.com\r\nConnection: close\r\n\r\n`,
  )
  expect(answer.status).toBe(200)
  expect(api.calls[0]?.target).toBe('/a?b')
})

test('OPTIONS * and OPTIONS with Max-Forwards: 0 are answered by the gateway; a higher number is counted down', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  expect((await sendRaw(gateway.port, `OPTIONS * HTTP/1.1\r\n${fields}`)).status).toBe(204)
  expect((await sendRaw(gateway.port, `OPTIONS /api/a HTTP/1.1\r\nMax-Forwards: 0\r\n${fields}`)).status).toBe(204)
  expect(api.begun()).toBe(0)
  expect((await sendRaw(gateway.port, `OPTIONS /api/a HTTP/1.1\r\nMax-Forwards: 7\r\n${fields}`)).status).toBe(200)
  expect(api.calls[0]?.headers['max-forwards']).toBe('6')
})

test('HTTP/1.0 without Host is served and gets an answer that ends with the connection', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  const answer = await sendRaw(gateway.port, 'GET /api/a HTTP/1.0\r\n\r\n')
  expect(answer).toMatchObject({ status: 200, body: 'good', end: 'closed' })
})

describe('a connection with several requests', () => {
  test('answers pipelined requests in order', async () => {
    const slow = gate()
    const api = await provider(async ({ target }, response) => {
      if (target === '/1') await slow.opened
      response.end(`answer ${target}`)
    })
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const caller = await rawCaller(gateway.port)
    caller.send([1, 2, 3].map((n) => `GET /api/${n} HTTP/1.1\r\n${host}\r\n`).join(''))
    await eventually('the first arrives', () => api.calls.length > 0)
    slow.open()
    const text = await caller.until((received) => received.includes('answer /3'))
    expect(text.match(/answer \/\d/g)).toEqual(['answer /1', 'answer /2', 'answer /3'])
  })

  test.each([
    ['a fragment', `GET /api/a#b HTTP/1.1\r\n${host}\r\n`],
    ['two Hosts', `GET /api/a HTTP/1.1\r\n${host}${host}\r\n`],
    ['an unknown expectation', `POST /api/a HTTP/1.1\r\n${host}Expect: rain\r\nContent-Length: 1\r\n\r\na`],
    ['gzip, chunked', `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['a broken chunk', `POST /api/a HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n`],
    ['a head that is too large', `GET /api/a HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(201)}\r\n`],
  ])('never runs what comes behind a malformed request: %s', async (_, bytes) => {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const caller = await rawCaller(gateway.port)
    caller.send(`${bytes}POST /api/behind HTTP/1.1\r\n${host}Content-Length: 0\r\n\r\n`)
    await caller.ended()
    await settledGateway(gateway)
    expect(api.calls.map(({ target }) => target)).not.toContain('/behind')
    expect(caller.text.match(/^HTTP\/1\.1 4\d\d /gm)).toHaveLength(1)
  })

  test("does not let garbage behind a good request take away that request's answer", async () => {
    const slow = gate()
    const api = await provider(async (_, response) => {
      await slow.opened
      response.end('good answer')
    })
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const caller = await rawCaller(gateway.port)
    caller.send(`POST /api/a HTTP/1.1\r\n${host}Content-Length: 1\r\n\r\n1`)
    await eventually('the call arrives', () => api.calls.length === 1)
    caller.send('NONSENSE\x01\r\n\r\n')
    setTimeout(slow.open, 50)
    await caller.ended()
    expect(caller.text).toMatch(/^HTTP\/1\.1 200 /)
    expect(caller.text).toContain('good answer')
  })
})
