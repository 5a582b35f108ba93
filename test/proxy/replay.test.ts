import { describe, expect, test } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import { provider, refusalBody, refuse } from '../support/proxy-api.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { answerJson, httpServer, readBody } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** Runs `count` jobs, `width` at a time. */
async function inParallel(count: number, width: number, job: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await job(next++)
    }),
  )
}

describe('500 concurrent callers', () => {
  test('of a gateway that has no token cause one token request', async () => {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url)
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, n) =>
        fetch(`${gateway.url}/api/${n}`).then(async (answer) => `${answer.status} ${await answer.text()}`),
      ),
    )
    expect(new Set(answers)).toEqual(new Set(['200 good']))
    expect(api.tokens.requests).toHaveLength(1)
    expect(await gateway.metric('bearerd_http_requests_total{route="/api",method="GET",code="200"}')).toBe(500)
  })

  test('with one revoked token get 500 good answers for one token request', async () => {
    const api = await provider((call, response) => void response.end(`good ${call.body.toString()}`))
    const gateway = await startApiGateway(api.url, api.tokens.url)
    await fetch(`${gateway.url}/api/warm-up`)
    api.tokens.revokeAll()
    const bodies = Array.from({ length: 500 }, (_, n) => `body-${n}`)
    const answers = await Promise.all(
      bodies.map((body) => fetch(`${gateway.url}/api/a`, { method: 'POST', body }).then((answer) => answer.text())),
    )
    expect(answers).toEqual(bodies.map((body) => `good ${body}`))
    expect(api.tokens.requests).toHaveLength(2)
    await settledGateway(gateway)
  })
})

test('a replay is the same request: method, target, fields, body; only the token differs', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  await fetch(`${gateway.url}/api/warm-up`)
  api.tokens.revokeAll()
  const caller = await rawCaller(gateway.port)
  caller.send(
    'PATCH /api/a%2Fb?c=%zz HTTP/1.1\r\nhOsT: localhost\r\nX-B: 1\r\nx-a: \xe9\r\nX-B: 2\r\nContent-Type: x/y\r\nContent-Length: 6\r\n\r\nb\x00d\xffy!',
  )
  await caller.until((text) => text.includes('good'))
  const [, first, second] = api.calls
  expect(second?.body.toString('latin1')).toBe('b\x00d\xffy!')
  const masked = (call = api.calls[0]): unknown => ({
    ...call,
    headers: undefined,
    rawHeaders: call?.rawHeaders.map((field) => field.replace(/token-\d/, 'TOKEN')),
  })
  expect(masked(second)).toEqual(masked(first))
  expect([first, second].map((call) => call?.headers.authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
  expect(caller.text).not.toMatch(/proxy-status/i)
})

test.each(['off', { max_body: '1KiB' }])(
  'a request that cannot be replayed (replay: %j) is relayed as refused, and the token is renewed all the same',
  async (replay) => {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url, { route: { replay } })
    await fetch(`${gateway.url}/api/warm-up`)
    api.tokens.revokeAll()
    const refused = await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'a'.repeat(1025) })
    expect(refused.status).toBe(401)
    expect(await refused.text()).toBe(refusalBody)
    expect(refused.headers.get('proxy-status')).toMatch(/^bearerd;/)
    await eventually('the token is renewed', () => api.tokens.requests.length === 2)
    expect((await fetch(`${gateway.url}/api/next`, { method: 'POST', body: 'a'.repeat(1025) })).status).toBe(200)
    expect(api.tokens.requests).toHaveLength(2)
  },
)

test.each([
  ['a length', false],
  ['chunks', true],
])('a body of exactly max_body is replayed, one byte more is not (%s)', async (_, isChunked) => {
  for (const [size, status] of [
    [0, 200],
    [1, 200],
    [1023, 200],
    [1024, 200],
    [1025, 401],
  ] as const) {
    const api = await provider()
    const gateway = await startApiGateway(api.url, api.tokens.url, { route: { replay: { max_body: '1KiB' } } })
    await fetch(`${gateway.url}/api/warm-up`)
    api.tokens.revokeAll()
    const bytes = Buffer.alloc(size, 'x')
    const body = isChunked ? new Blob([bytes]).stream() : bytes
    const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', body, duplex: 'half' })
    expect([size, answer.status]).toEqual([size, status])
    expect(api.calls.slice(1).map((call) => call.body.length)).toEqual(status === 200 ? [size, size] : [size])
    await eventually('the token is renewed', () => api.tokens.requests.length === 2)
  }
})

test('with max_body 0 only requests without a body are replayed', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { route: { replay: { max_body: 0 } } })
  await fetch(`${gateway.url}/api/warm-up`)
  api.tokens.revokeAll()
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  api.tokens.revokeAll()
  expect((await fetch(`${gateway.url}/api/a`, { method: 'POST', body: '1' })).status).toBe(401)
  expect((await fetch(`${gateway.url}/api/a`, { method: 'POST', body: '1' })).status).toBe(200)
})

test.each([200, 302, 404, 500, 401])('the second answer is relayed whatever it is: %i', async (status) => {
  const tokens = await tokenEndpoint()
  const api = await httpServer((request, response) => {
    if (request.headers.authorization === 'Bearer token-1') refuse(response)
    else response.writeHead(status, { 'content-length': 6 }).end('second')
  })
  const gateway = await startApiGateway(api.url, tokens.url)
  const answer = await fetch(`${gateway.url}/api/a`, { redirect: 'manual' })
  expect(answer.status).toBe(status)
  expect(await answer.text()).toBe('second')
  expect(tokens.requests).toHaveLength(2)
})

test.each([
  ['keeps older tokens', false],
  ['revokes a token when it grants the next', true],
])(
  'a path that always answers 401 costs at most 5 token requests among good calls, with a provider that %s',
  async (_, revokes) => {
    const tokens = await tokenEndpoint()
    const { answer } = tokens
    tokens.answer = (response, next) => {
      if (revokes) tokens.revokeAll()
      return answer(response, next)
    }
    const api = await httpServer((request, response) => {
      if (request.url === '/bad' || !tokens.isLive(request.headers.authorization)) refuse(response)
      else response.end('good')
    })
    const gateway = await startApiGateway(api.url, tokens.url)
    await inParallel(revokes ? 400 : 2_000, 20, async (index) => {
      const response = await fetch(`${gateway.url}/api/${index % 2 === 0 ? 'bad' : 'good'}`)
      const text = await response.text()
      if (index % 2 === 0) expect([response.status, text]).toEqual([401, refusalBody])
      else if (!revokes) expect([response.status, text]).toEqual([200, 'good'])
    })
    expect(tokens.requests.length).toBeLessThanOrEqual(5)
    await settledGateway(gateway)
  },
)

test('the same token again: the first answer is relayed, and refusals cause no further token requests', async () => {
  const tokens = await tokenEndpoint()
  tokens.answer = (response) => answerJson(response, { access_token: 'token-1', expires_in: 3600 })
  const api = await provider(undefined, tokens)
  const gateway = await startApiGateway(api.url, tokens.url)
  for (let round = 0; round < 3; round++) {
    const answer = await fetch(`${gateway.url}/api/a`)
    expect([answer.status, await answer.text()]).toEqual([401, refusalBody])
    expect(answer.headers.get('proxy-status')).toMatch(/^bearerd; received-status=401/)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"')
  }
  expect(tokens.requests).toHaveLength(2)
  expect(api.calls).toHaveLength(3)
})

test("a token endpoint that is down: the provider's own refusal with a Proxy-Status, and recovery later", async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url)
  await fetch(`${gateway.url}/api/warm-up`)
  const { answer } = api.tokens
  api.tokens.revokeAll()
  api.tokens.answer = (response) => void response.writeHead(500).end('<html>canary-page</html>')
  for (let round = 0; round < 5; round++) {
    const refused = await fetch(`${gateway.url}/api/a`)
    expect([refused.status, await refused.text()]).toEqual([401, refusalBody])
    expect(refused.headers.get('proxy-status')).toMatch(/^bearerd;/)
  }
  expect(api.tokens.requests).toHaveLength(2)
  api.tokens.answer = answer
  await gateway.tokens.named('main')?.renew()
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
})

test.each([
  'Bearer error="insufficient_scope"',
  'Bearer realm="a, b", error=insufficient_user_authentication',
  'DPoP error="use_dpop_nonce"',
])('a challenge that a new token cannot meet is passed on: %s', async (challenge) => {
  const tokens = await tokenEndpoint()
  const api = await httpServer((_, response) => void response.writeHead(401, { 'www-authenticate': challenge }).end(refusalBody))
  const gateway = await startApiGateway(api.url, tokens.url)
  const answer = await fetch(`${gateway.url}/api/a`)
  expect([answer.status, await answer.text(), answer.headers.get('www-authenticate')]).toEqual([401, refusalBody, challenge])
  expect(tokens.requests).toHaveLength(1)
})

test('a token younger than min_reissue_interval is not renewed', async () => {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { credential: { min_reissue_interval: '1h' } })
  await fetch(`${gateway.url}/api/warm-up`)
  api.tokens.revokeAll()
  expect((await fetch(`${gateway.url}/api/a`)).status).toBe(401)
  expect(api.tokens.requests).toHaveLength(1)
})

test('a token that has expired while its request waited for a connection is not sent', async () => {
  const tokens = await tokenEndpoint({ expiresIn: 1 })
  const seen: (string | undefined)[] = []
  const api = await httpServer((request, response) => {
    seen.push(request.headers.authorization)
    void readBody(request)
    setTimeout(() => response.end('good'), seen.length === 1 ? 1_300 : 0)
  })
  const gateway = await startApiGateway(api.url, tokens.url, { route: { max_connections: 1 } })
  await gateway.tokens.named('main')?.obtain()
  const [first, second] = [fetch(`${gateway.url}/api/1`), fetch(`${gateway.url}/api/2`)]
  expect([(await first).status, (await second).status]).toEqual([200, 200])
  expect(seen[0]).toBe('Bearer token-1')
  expect(seen[1]).not.toBe('Bearer token-1')
})
