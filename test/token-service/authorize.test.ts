import { describe, expect, it, test } from 'vitest'
import { ask, startTokenService } from '../support/token-service.ts'
import { sendRaw } from '../support/servers.ts'

test('a proxy gets the field that carries the token, nothing else, and nobody may keep the answer', async () => {
  const { tokenServiceUrl, endpoint, metric, log } = await startTokenService()
  const first = await ask(tokenServiceUrl, '/authorize/main')
  expect(first).toMatchObject({ status: 200, body: '' })
  expect(first.headers).toMatchObject({ authorization: 'Bearer token-1', 'cache-control': 'no-store', 'content-length': '0' })
  expect((await ask(tokenServiceUrl, '/authorize/main')).headers.authorization).toBe('Bearer token-1')
  expect(endpoint.requests).toHaveLength(1)

  expect(await metric('bearerd_token_service_requests_total{credential="main",operation="authorize",code="200"}')).toBe(2)
  expect(await metric('bearerd_token_service_request_duration_seconds_count{operation="authorize"}')).toBe(2)
  expect(await metric('bearerd_token_lookups_total{credential="main",result="hit"}')).toBe(1)
  expect(await metric('bearerd_token_lookups_total{credential="main",result="wait"}')).toBe(1)
  const lines = log.filter(({ message }) => message === 'request')
  expect(lines).toMatchObject([
    { listener: 'token_service', method: 'GET', path: '/authorize/main', status: 200, token: 'wait' },
    { listener: 'token_service', status: 200, token: 'hit' },
  ])
  expect(JSON.stringify(log)).not.toMatch(/token-1|canary/)
})

test.each([
  ['another field', [{ header: 'X-Api-Token', value: '{access_token}' }], { 'x-api-token': 'token-1' }],
  [
    'several fields',
    [
      { header: 'Authorization', value: 'Token {access_token}' },
      { header: 'X-Client', value: '{client_id}' },
    ],
    { authorization: 'Token token-1', 'x-client': 'client' },
  ],
])('the token comes in %s, as the credential says', async (_, inject, expected) => {
  const { tokenServiceUrl } = await startTokenService({ credential: { inject } })
  expect((await ask(tokenServiceUrl, '/authorize/main')).headers).toMatchObject(expected)
})

test.each(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'])(
  'Envoy asks with %s and the path of the request behind the name',
  async (method) => {
    const { tokenServiceUrl } = await startTokenService()
    const answer = await ask(tokenServiceUrl, '/authorize/main/v1/orders%2F7//x;y?q=canary-query', { method })
    expect(answer).toMatchObject({ status: 200, body: '' })
    expect(answer.headers.authorization).toBe('Bearer token-1')
  },
)

test('a body that comes along is read and forgotten, and the connection goes on', async () => {
  const { servicePort } = await startTokenService()
  const post = `POST /authorize/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n${'x'.repeat(100_000)}`
  const get = 'GET /authorize/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'
  const { text } = await sendRaw(servicePort, post + get)
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2)
})

test('a request that asks for an upgrade is answered as any: Caddy passes on that of its caller', async () => {
  const { servicePort } = await startTokenService()
  const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'
  const answer = await sendRaw(servicePort, `GET /authorize/main HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`)
  expect(answer.status).toBe(200)
  expect(answer.head).toMatch(/^authorization: Bearer token-1$/im)
})

test('500 proxies that ask at once, with no token there, cost one token request', async () => {
  const { tokenServiceUrl, endpoint } = await startTokenService()
  const answers = await Promise.all(Array.from({ length: 500 }, () => ask(tokenServiceUrl, '/authorize/main')))
  expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.authorization}`))).toEqual(
    new Set(['200 Bearer token-1']),
  )
  expect(endpoint.requests).toHaveLength(1)
})

describe('without a token', () => {
  it('the answer is that of the gateway: 502 when the client is refused', async () => {
    const { tokenServiceUrl, endpoint } = await startTokenService()
    endpoint.answer = (response) => void response.writeHead(401).end('{"error":"invalid_client"}')
    const { status, code, headers } = await ask(tokenServiceUrl, '/authorize/main')
    expect({ status, code }).toEqual({ status: 502, code: 'token_refused' })
    expect(headers.authorization).toBeUndefined()
    expect(headers['proxy-status']).toContain('token_refused')
  })

  it('503 with Retry-After when the token endpoint fails', async () => {
    const { tokenServiceUrl, endpoint } = await startTokenService()
    endpoint.answer = (response) => void response.writeHead(500).end('nothing')
    const { status, code, headers } = await ask(tokenServiceUrl, '/authorize/main')
    expect({ status, code }).toEqual({ status: 503, code: 'token_unavailable' })
    expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  })
})

describe('for each user', () => {
  const credential = { token_request: { params: { subject: '{request.header.X-User}' } } }

  it('the token is that of the identity in the fields that the proxy passes on', async () => {
    const { tokenServiceUrl, endpoint } = await startTokenService({ credential })
    const of = async (user: string) => (await ask(tokenServiceUrl, '/authorize/main', { fields: { 'x-user': user } })).headers
    expect((await of('ann')).authorization).toBe('Bearer token-1')
    expect((await of('bob')).authorization).toBe('Bearer token-2')
    expect((await of('ann')).authorization).toBe('Bearer token-1')
    expect(endpoint.requests.map(({ body }) => new URLSearchParams(body).get('subject'))).toEqual(['ann', 'bob'])
  })

  it('a request without the field, or with two, is refused', async () => {
    const { tokenServiceUrl, endpoint } = await startTokenService({ credential })
    expect(await ask(tokenServiceUrl, '/authorize/main')).toMatchObject({ status: 400, code: 'bad_request' })
    const two = await ask(tokenServiceUrl, '/authorize/main', { fields: { 'x-user': ['ann', 'bob'] } })
    expect(two).toMatchObject({ status: 400, code: 'bad_request' })
    expect(endpoint.requests).toHaveLength(0)
  })
})
