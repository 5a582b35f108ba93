import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { expect, test } from 'vitest'
import { ApiKeys } from '../../src/proxy/authentication/api-keys.ts'
import { Secret } from '../../src/config/secret.ts'
import { scratch } from '../support/cli-scratch.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { sendRaw } from '../support/servers.ts'

/**
 * Who reaches the port reaches the token. Each request here tries to be somebody it is not, or somebody and somebody else; the
 * refused ones must cost the provider nothing and leave no key behind: not upstream, not in the answer, not in the log.
 */

const keys = { orders: 'canary-key-of-orders', billing: 'canary-key-of-billing' }
const listed = [
  { name: 'orders', api_key: keys.orders },
  { name: 'billing', api_key: keys.billing, routes: ['/other'] },
]

async function gatewayFor(callers: unknown, more: { credential?: object; top?: object } = {}): Promise<[TestGateway, Provider]> {
  const api = await provider()
  const gateway = await startTestGateway({
    callers,
    credentials: { main: { token_endpoint: api.tokens.url, client_id: 'c', client_secret: 's', ...more.credential } },
    routes: [
      { path: '/api', upstream: api.url, credential: 'main' },
      { path: '/other', upstream: api.url, credential: 'main' },
    ],
    ...more.top,
  })
  return [gateway, api]
}

const basic = (pair: string): string => `Authorization: Basic ${Buffer.from(pair, 'latin1').toString('base64')}\r\n`
const bearer = (key: string): string => `Authorization: Bearer ${key}\r\n`
const own = (key: string): string => `X-Bearerd-Key: ${key}\r\n`

function head(fields: string, path = '/api/a'): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${fields}Connection: close\r\n\r\n`
}

test.each([
  ['as Bearer', bearer(keys.orders)],
  ['as bearer, in any case', `authorization: bEaReR  ${keys.orders}\r\n`],
  ['as Basic, as a URL carries it', basic(`orders:${keys.orders}`)],
  ['in a field of its own', own(keys.orders)],
  ['in a field of its own, in any case', `x-BEARERD-key: ${keys.orders}\r\n`],
  ['beside an Authorization that means something else', own(keys.orders) + bearer('habit')],
  ['beside two of them', own(keys.orders) + bearer('habit') + basic('a:b')],
  ['although Connection names it', `${own(keys.orders)}Connection: X-Bearerd-Key, Authorization\r\n`],
])('a key is taken %s, and goes no further', async (_, fields) => {
  const [gateway, api] = await gatewayFor(listed)
  const answer = await sendRaw(gateway.port, head(fields))
  expect(answer.status).toBe(200)
  expect(JSON.stringify(api.calls)).not.toMatch(/canary-key|bearerd-key|habit/i)
  expect(api.calls[0]?.headers.authorization).toBe('Bearer token-1')
  expect(gateway.log.at(-1)).toMatchObject({ message: 'request', caller: 'orders', status: 200 })
  const status = (await (await fetch(`${gateway.adminUrl}/status`)).json()) as { recent_requests: unknown[] }
  expect(status.recent_requests[0]).toMatchObject({ caller: 'orders' })
  expect(JSON.stringify([gateway.log, status])).not.toContain('canary-key')
})

test.each([
  ['no key', ''],
  ['an empty Bearer', 'Authorization: Bearer\r\n'],
  ['an empty Basic', 'Authorization: Basic\r\n'],
  ['an empty field', own('')],
  ['a wrong key', bearer('canary-key-of-order')],
  ['a longer key', bearer(`${keys.orders}0`)],
  ['the key in other letters', bearer(keys.orders.toUpperCase())],
  ['the key and a space inside', bearer(keys.orders.replace('-', ' '))],
  ['a byte that is not ASCII', bearer(`${keys.orders}\xa0`)],
  ['the key without a scheme', `Authorization: ${keys.orders}\r\n`],
  ['another scheme', `Authorization: Token ${keys.orders}\r\n`],
  ['the right key under a wrong name', basic(`billing:${keys.orders}`)],
  ['the right key under no name', basic(`:${keys.orders}`)],
  ['the right key as the name', basic(`${keys.orders}:`)],
  ['the right key with no colon', basic(keys.orders)],
  ['a name of other letters', basic(`Orders:${keys.orders}`)],
  ['the name alone', basic('orders:')],
  ['the key for another proxy', `Proxy-Authorization: Bearer ${keys.orders}\r\n`],
  ['the underscore twin of our field', `X_Bearerd_Key: ${keys.orders}\r\n`],
  ['half an underscore twin', `X-Bearerd_Key: ${keys.orders}\r\n`],
  ['our field twice', own(keys.orders) + own(keys.orders)],
  ['our field right, then wrong', own(keys.orders) + own('wrong')],
  ['our field wrong, then right', own('wrong') + own(keys.orders)],
  ['two in one field', own(`${keys.orders}, ${keys.orders}`)],
  ['a wrong key in our field, and the right one beside it', own('wrong') + bearer(keys.orders)],
  ['two keys of two callers', own(keys.orders) + bearer(keys.billing)],
  ['one key in two places', own(keys.orders) + bearer(keys.orders)],
  ['Authorization twice', bearer(keys.orders) + bearer(keys.orders)],
  ['Authorization twice, one of them a habit', bearer('habit') + bearer(keys.orders)],
  ['the key in the query', 'X-Api-Key: habit\r\n'],
])('%s is nobody: 401, and nothing upstream', async (_, fields) => {
  const [gateway, api] = await gatewayFor(listed)
  const answer = await sendRaw(gateway.port, head(fields, `/api/a?key=${keys.orders}`))
  expect(answer.status).toBe(401)
  expect(answer.head).toMatch(/^WWW-Authenticate: Bearer realm="bearerd", Basic realm="bearerd"$/m)
  expect(answer.head).toMatch(/^Proxy-Status: bearerd; error=http_request_denied; details="caller_unauthenticated"$/m)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'caller_unauthenticated', status: 401 })
  const upgrade = await sendRaw(
    gateway.port,
    `GET /api/ws HTTP/1.1\r\nHost: localhost\r\n${fields}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
  )
  expect(upgrade.status).toBe(401)
  expect([api.begun(), api.tokens.requests.length]).toEqual([0, 0])
  expect(answer.text + upgrade.text + JSON.stringify(gateway.log)).not.toContain('canary-key')
  expect(gateway.log.at(-1)).not.toHaveProperty('caller')
})

test('who is unknown learns nothing of the routes, and asks the gateway itself in vain', async () => {
  const [gateway] = await gatewayFor(listed)
  for (const bytes of [
    head('', '/nowhere'),
    `OPTIONS * HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    `GET http://localhost/api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    'GET /api/a HTTP/1.0\r\n\r\n',
  ]) {
    const { status, body } = await sendRaw(gateway.port, bytes)
    expect(status).toBe(401)
    expect(body).not.toContain('/other')
  }
})

test('HTTP/1.0 and absolute-form carry a key like any request', async () => {
  const [gateway, api] = await gatewayFor(listed)
  expect((await sendRaw(gateway.port, `GET /api/a HTTP/1.0\r\n${bearer(keys.orders)}\r\n`)).status).toBe(200)
  const absolute = `GET http://localhost/api/a HTTP/1.1\r\nHost: localhost\r\n${own(keys.orders)}Connection: close\r\n\r\n`
  expect((await sendRaw(gateway.port, absolute)).status).toBe(200)
  // User information in the target is no key: it is no part of an authority there (RFC 9110 4.2.4).
  const inTarget = `GET http://orders:${keys.orders}@localhost/api/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`
  expect((await sendRaw(gateway.port, inTarget)).status).toBe(400)
  expect(api.calls).toHaveLength(2)
})

test('a caller that is known may use its routes only: 403, and no token is requested', async () => {
  const [gateway, api] = await gatewayFor(listed)
  const answer = await sendRaw(gateway.port, head(own(keys.billing)))
  expect(answer.status).toBe(403)
  expect(JSON.parse(answer.body)).toMatchObject({ code: 'caller_forbidden', route: '/api' })
  expect(answer.head).not.toMatch(/^WWW-Authenticate/im)
  expect([api.begun(), api.tokens.requests.length]).toEqual([0, 0])
  expect(gateway.log.at(-1)).toMatchObject({ caller: 'billing', error: 'caller_forbidden' })
  expect((await sendRaw(gateway.port, head(own(keys.billing), '/other/a'))).status).toBe(200)
  // No label of a metric tells of callers: their number is nobody's to bound.
  expect(await (await fetch(`${gateway.adminUrl}/metrics`)).text()).not.toMatch(/billing|orders/)
})

/** On a connection that was good once, each request is judged anew: a shared pool of connections is not a shared identity. */
test('each request of a connection is judged by its own key', async () => {
  const [gateway, api] = await gatewayFor(listed)
  const caller = await rawCaller(gateway.port)
  const request = (fields: string): string => `GET /api/a HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`
  const answers = (count: number) => (text: string) => (text.match(/HTTP\/1\.1 \d/g) ?? []).length === count
  caller.send(request(own(keys.orders)))
  await caller.until(answers(1))
  caller.send(request(''))
  await caller.until(answers(2))
  caller.send(request(own(keys.billing)))
  await caller.until(answers(3))
  // Pipelined.
  caller.send(request(bearer(keys.orders)) + request('') + request(own('wrong')) + request(basic(`orders:${keys.orders}`)))
  const text = await caller.until(answers(7))
  expect(text.match(/HTTP\/1\.1 (\d+)/g)?.map((line) => Number(line.slice(9)))).toEqual([200, 401, 403, 200, 401, 401, 200])
  expect(api.calls).toHaveLength(3)
})

test('a body that nobody may send is not asked for, and the connection goes on', async () => {
  // The rest of the body is waited for: 5 s in earnest.
  hasten({ 5_000: 200 })
  const [gateway, api] = await gatewayFor(listed)
  const expecting = await sendRaw(
    gateway.port,
    'POST /api/a HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n',
  )
  expect(expecting.text).toMatch(/^HTTP\/1\.1 401 /)
  const caller = await rawCaller(gateway.port)
  caller.send('POST /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n123456789')
  await caller.until((text) => text.includes('caller_unauthenticated'))
  caller.send(head(own(keys.orders)))
  await caller.until((text) => text.includes('good'))
  expect(api.calls).toHaveLength(1)
})

test('a key of a mebibyte is too much for the head of a request', async () => {
  const [gateway, api] = await gatewayFor(listed)
  expect((await sendRaw(gateway.port, head(own('k'.repeat(1024 ** 2))))).status).toBe(431)
  expect(api.begun()).toBe(0)
})

test('the guard against web pages holds for known callers too', async () => {
  const [gateway, api] = await gatewayFor(listed)
  expect((await sendRaw(gateway.port, head(`${own(keys.orders)}Origin: https://evil.example\r\n`))).status).toBe(403)
  expect((await sendRaw(gateway.port, head(`${own(keys.orders)}Sec-Fetch-Site: cross-site\r\n`))).status).toBe(403)
  expect(
    (await sendRaw(gateway.port, `GET /api/a HTTP/1.1\r\nHost: evil.example\r\n${own(keys.orders)}\r\n`, () => true)).status,
  ).toBe(421)
  expect(api.begun()).toBe(0)
})

/** An address is what the connection has, never what a field says (oauth2-proxy CVE-2026-40575, Fastify CVE-2026-3635). */
test('an address proves its caller, and no field can lend one', async () => {
  const lent = 'X-Forwarded-For: 10.1.2.3\r\nForwarded: for=10.1.2.3\r\nX-Real-IP: 10.1.2.3\r\nTrue-Client-IP: 10.1.2.3\r\n'
  const [far, farApi] = await gatewayFor([{ name: 'far', cidr: ['10.0.0.0/8', 'fd00::/8'] }])
  const refused = await sendRaw(far.port, head(lent))
  expect(refused.status).toBe(401)
  expect(refused.head).toMatch(/^WWW-Authenticate: Bearer realm="bearerd"$/m)
  expect(farApi.begun()).toBe(0)

  const [near] = await gatewayFor([
    { name: 'elsewhere', cidr: '10.0.0.0/8' },
    { name: 'near', cidr: '127.0.0.0/8' },
    { name: 'orders', api_key: keys.orders, routes: ['/other'] },
  ])
  expect((await sendRaw(near.port, head(lent + bearer('habit')))).status).toBe(200)
  expect(near.log.at(-1)).toMatchObject({ caller: 'near' })
  // A key says more than an address, and a wrong one in our own field is wrong wherever it comes from.
  expect((await sendRaw(near.port, head(own(keys.orders)))).status).toBe(403)
  expect((await sendRaw(near.port, head(own('wrong')))).status).toBe(401)
})

test('an IPv4 address is the same on a socket for both families', async () => {
  const api = await provider()
  const gateway = await startTestGateway({
    listen: '[::]:0',
    callers: [{ name: 'near', cidr: '127.0.0.1' }],
    routes: [{ path: '/api', upstream: api.url }],
  }).catch(() => undefined)
  if (gateway === undefined) return
  await sendRaw(gateway.port, head(''))
  expect(gateway.log.at(-1)).toMatchObject({ caller: 'near' })
})

/** The key would go to the token endpoint in place of the user's own token, and into the name under which tokens are kept. */
test('a key in Authorization is refused where Authorization says for whom the token is', async () => {
  const credential = { token_request: { headers: { 'X-Login': '{request.header.Authorization}' } } }
  const [gateway, api] = await gatewayFor(listed, { credential })
  for (const fields of [bearer(keys.orders), basic(`orders:${keys.orders}`)]) {
    const answer = await sendRaw(gateway.port, head(fields))
    expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([401, 'caller_unauthenticated'])
  }
  expect(api.tokens.requests).toHaveLength(0)
  expect((await sendRaw(gateway.port, head(own(keys.orders) + bearer('of-alice')))).status).toBe(200)
  expect(api.tokens.requests[0]?.headers['x-login']).toBe('Bearer of-alice')
})

test('the handshake of an upgrade carries the token, and no key in any spelling', async () => {
  const [gateway, api] = await gatewayFor(listed)
  const twins = `X_Bearerd_Key: ${keys.billing}\r\nx-bearerd_key: ${keys.billing}\r\n`
  const fields = `${own(keys.orders)}${twins}Connection: Upgrade\r\nUpgrade: websocket\r\n`
  await sendRaw(gateway.port, `GET /api/ws HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`, (text) => text.includes('good'))
  expect(api.calls[0]?.headers).toMatchObject({ upgrade: 'websocket', authorization: 'Bearer token-1' })
  expect(JSON.stringify(api.calls)).not.toMatch(/canary-key|bearerd.key/i)
})

test('a base URL is all that a legacy application changes', async () => {
  const [gateway, api] = await gatewayFor(listed)
  const url = gateway.url.replace('http://', `http://orders:${keys.orders}@`)
  const status = await new Promise((resolve) => get(`${url}/api/a`, ({ statusCode }) => resolve(statusCode)))
  expect(status).toBe(200)
  expect(api.calls[0]?.target).toBe('/a')
})

test('a gateway can be the caller of another: what a route sets is its own key, not that of its caller', async () => {
  const [inner] = await gatewayFor(listed)
  const routes = [{ path: '/in', upstream: inner.url, headers: { set: { 'X-Bearerd-Key': keys.orders } } }]
  const outer = await startTestGateway({ callers: [{ name: 'app', api_key: 'canary-key-of-app' }], via: 'outer', routes })
  expect((await sendRaw(outer.port, head(own('canary-key-of-app'), '/in/api/a'))).status).toBe(200)
  expect(inner.log.at(-1)).toMatchObject({ caller: 'orders' })
})

test('where anyone may call, our field still goes nowhere', async () => {
  const [gateway, api] = await gatewayFor('anyone')
  expect((await sendRaw(gateway.port, head(`${own(keys.orders)}X_Bearerd_Key: ${keys.orders}\r\n`))).status).toBe(200)
  expect(JSON.stringify(api.calls)).not.toContain('canary-key')
})

test('a key is changed by changing its file, within a second', async () => {
  const file = scratch().write('key', 'first\n')
  let now = 0
  const found = new ApiKeys([{ name: 'a', api_key: Secret.fromFile(file) }, { name: 'b' }], () => now)
  expect(found.ownerOf('first')).toMatchObject({ name: 'a' })
  writeFileSync(file, 'second\n')
  expect(found.ownerOf('first')).toMatchObject({ name: 'a' })
  now = 1_000
  expect(found.ownerOf('first')).toBeUndefined()
  expect(found.ownerOf('second')).toMatchObject({ name: 'a' })
})

/** An early exit would tell by its time how far down the list a key is. */
test('every key is compared, whichever it is', () => {
  let compared = 0
  const counting = (name: string): { name: string; api_key: Secret } => ({ name, api_key: Secret.of(name) })
  const found = new ApiKeys(['a', 'b', 'c'].map(counting), undefined, (one, other) => {
    compared++
    return one.equals(other)
  })
  for (const [shown, owner] of [
    ['a', 'a'],
    ['c', 'c'],
    ['x', undefined],
    ['', undefined],
  ] as const) {
    compared = 0
    expect(found.ownerOf(shown)?.name).toBe(owner)
    expect(compared).toBe(3)
  }
})
