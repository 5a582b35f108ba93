import { expect, test } from 'vitest'
import { startApiGateway, startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer, sendRaw, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const fields = 'Host: localhost\r\nConnection: close\r\n\r\n'
const get = `GET /api/a HTTP/1.1\r\n${fields}`
const post = `POST /api/a HTTP/1.1\r\nContent-Length: 9\r\n${fields}123456789`
const canaryToken = 'canary-access-token'

interface Case {
  readonly code: string
  readonly status: number
  readonly request?: string
  /** Status and body of the token endpoint's answers. */
  readonly token?: readonly [status: number, body: unknown, fields?: Readonly<Record<string, string>>]
  readonly route?: Record<string, unknown>
  readonly credential?: Record<string, unknown>
  readonly retryAfter?: RegExp
  readonly isRouted?: boolean
}

const cases: Case[] = [
  { code: 'no_route', status: 404, request: `GET /nowhere?secret=canary-query HTTP/1.1\r\n${fields}`, isRouted: false },
  { code: 'bad_request', status: 400, request: `GET /api/../a HTTP/1.1\r\n${fields}`, isRouted: false },
  { code: 'caller_forbidden', status: 403, request: `GET /api/a HTTP/1.1\r\nOrigin: null\r\n${fields}`, isRouted: false },
  {
    code: 'wrong_host',
    status: 421,
    request: 'GET /api/a HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n',
    isRouted: false,
  },
  { code: 'loop_detected', status: 508, request: `GET /api/a HTTP/1.1\r\nVia: 1.1 bearerd\r\n${fields}` },
  { code: 'method_not_allowed', status: 405, request: post, route: { methods: ['GET'] } },
  { code: 'path_not_allowed', status: 403, route: { allow_paths: ['/b'] } },
  { code: 'request_too_large', status: 413, request: post, route: { max_request_body: 8 } },
  {
    code: 'request_too_large',
    status: 413,
    request: `POST /api/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n${fields}9\r\n123456789\r\n0\r\n\r\n`,
    route: { max_request_body: 8 },
  },
  { code: 'token_refused', status: 502, token: [401, { error: 'invalid_client', error_description: canaryToken }] },
  { code: 'token_refused', status: 502, token: [400, { error: 'invalid_scope' }] },
  { code: 'token_unavailable', status: 503, token: [500, canaryToken], retryAfter: /^[1-9]\d*$/ },
  { code: 'token_unavailable', status: 503, token: [429, {}, { 'retry-after': '17' }], retryAfter: /^1[67]$/ },
  { code: 'token_unavailable', status: 503, token: [200, `<html>${canaryToken}</html>`], retryAfter: /^[1-9]\d*$/ },
  {
    code: 'token_unavailable',
    status: 503,
    token: [200, { access_token: `${canaryToken}\r\nX-Injected: 1` }],
    retryAfter: /^[1-9]\d*$/,
  },
  { code: 'upstream_unreachable', status: 502, route: { upstream: 'http://127.0.0.1:1' } },
]

test.each(cases)('$code is a problem document with a Proxy-Status, and holds no secret: %#', async (wanted) => {
  const {
    code,
    status,
    request = get,
    token = [200, { access_token: canaryToken, expires_in: 60 }],
    route,
    credential,
    retryAfter,
    isRouted = true,
  } = wanted
  const tokens = await tokenEndpoint()
  tokens.answer = (response) => {
    for (const [name, value] of Object.entries(token[2] ?? {})) response.setHeader(name, value)
    answerJson(response, token[1], token[0])
  }
  const upstream = await httpServer((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => response.end('good'))
  })
  const gateway = await startApiGateway(upstream.url, tokens.url, { ...(route && { route }), ...(credential && { credential }) })
  const answer = await sendRaw(gateway.port, request)
  expect(answer.status).toBe(status)
  expect(answer.head).toMatch(/^content-type: application\/problem\+json$/im)
  expect(answer.head).toMatch(/^proxy-status: bearerd; error=[a-z_]+; details="[\x20-\x7e]+"$/im)
  expect(answer.head.match(/^retry-after: (.*)$/im)?.[1] ?? '').toMatch(retryAfter ?? /^$/)
  if (status === 405) expect(answer.head).toMatch(/^allow: GET$/im)
  const problem = JSON.parse(answer.body) as Record<string, unknown>
  expect(problem).toMatchObject({ status, code, ...(isRouted && { route: '/api' }) })
  expect(problem['type']).toBe(`urn:bearerd:error:${code}`)
  for (const member of ['title', 'detail', 'request_id']) expect(problem[member]).toEqual(expect.stringMatching(/./))
  const known = gateway.log.find((line) => line['request_id'] === problem['request_id'])
  expect(known).toMatchObject({ status, error: code, method: expect.stringMatching(/^(GET|POST)$/) })
  const shown = [
    answer.text,
    JSON.stringify(gateway.log),
    await (await fetch(`${gateway.adminUrl}/metrics`)).text(),
    await (await fetch(`${gateway.adminUrl}/status`)).text(),
    await (await fetch(gateway.adminUrl)).text(),
  ].join('\n')
  expect(shown).not.toMatch(/canary/)
  expect(shown).not.toContain(Buffer.from('client:canary-client-secret').toString('base64'))
})

test('a spent budget says so, with the time until there is more', async () => {
  const tokens = await tokenEndpoint({ expiresIn: 1 })
  const upstream = await httpServer((_, response) => response.end('good'))
  const gateway = await startApiGateway(upstream.url, tokens.url, { credential: { token_requests: { limit: 1, window: '1h' } } })
  expect((await sendRaw(gateway.port, get)).status).toBe(200)
  await new Promise((resolve) => setTimeout(resolve, 1_050))
  const answer = await sendRaw(gateway.port, get)
  expect(answer.status).toBe(503)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'token_budget_exhausted' })
  expect(Number(/^retry-after: (\d+)$/im.exec(answer.head)?.[1])).toBeGreaterThan(3_000)
  expect(tokens.requests).toHaveLength(1)
})

test('a good exchange leaves no secret in logs, metrics and status either', async () => {
  const tokens = await tokenEndpoint()
  tokens.answer = (response) => answerJson(response, { access_token: canaryToken, expires_in: 60 })
  const upstream = await httpServer((_, response) => void response.writeHead(401).end())
  const gateway = await startApiGateway(upstream.url, tokens.url)
  const answer = await sendRaw(gateway.port, `GET /api/a?x=canary-query HTTP/1.1\r\nX-Mine: canary-field\r\n${fields}`)
  expect(answer.status).toBe(401)
  const pages = await Promise.all(
    ['/metrics', '/status', '/', '/readyz?verbose'].map(async (path) => (await fetch(`${gateway.adminUrl}${path}`)).text()),
  )
  expect(`${answer.text}${JSON.stringify(gateway.log)}${pages.join('')}`).not.toMatch(/canary/)
})

test('a request that outlives the grace of a shutdown gets 503', async () => {
  const tokens = await tokenEndpoint()
  const upstream = await tcpServer((socket) => socket.resume())
  const gateway = await startTestGateway({
    credentials: { main: { token_endpoint: tokens.url, client_id: 'client', client_secret: 'secret' } },
    routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    shutdown: { grace: '200ms' },
  })
  const answer = sendRaw(gateway.port, get)
  await new Promise((resolve) => setTimeout(resolve, 100))
  await gateway.stop()
  const { status, body } = await answer
  expect(status).toBe(503)
  expect(JSON.parse(body)).toMatchObject({ code: 'shutting_down' })
})
