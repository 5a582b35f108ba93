import { expect, test } from 'vitest'
import { simulatedClients } from '../../src/simulator/clients.ts'
import {
  call,
  credentialParams,
  jsonBody,
  multipart,
  newToken,
  runningSimulator,
  send,
  standingClock,
  tokenPaths,
} from './running-simulator.ts'

const { businessId, clientId } = simulatedClients.gett
const path = tokenPaths.gett
const forBusiness = `businessId=${businessId}`
const order = { category: 'transportation', product_id: 'p', stops: [{ type: 'origin' }] }

test('a multipart token request is granted a JWT that lives a second longer than announced', async () => {
  const simulator = await runningSimulator()
  const { status, json, fields } = await send(simulator, path, {
    method: 'POST',
    body: multipart(credentialParams('gett', { scope: 'company.reference order' })),
  })
  expect(status).toBe(200)
  expect(fields.get('cache-control')).toBe('no-store')
  expect(json).toEqual({
    access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
    expires_in: 899,
    scope: 'company.reference order',
    token_type: 'bearer',
  })
  const [head, claims] = String(json['access_token'])
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>)
  expect(head?.['alg']).toBe('RS256')
  expect(Number(claims?.['exp']) - Number(claims?.['iat'])).toBe(900)
  expect(claims).toMatchObject({ sub: clientId, iss: 'https://global-auth.gett.com', scp: ['company.reference', 'order'] })
})

test('form and JSON token requests are granted as well, text is not', async () => {
  const simulator = await runningSimulator()
  const params = credentialParams('gett')
  expect((await send(simulator, path, { method: 'POST', body: new URLSearchParams(params) })).status).toBe(200)
  expect((await send(simulator, path, jsonBody(params))).status).toBe(200)
  expect(await send(simulator, path, { method: 'POST', body: 'grant_type=client_credentials' })).toMatchObject({
    status: 400,
    json: { error: 'invalid_request' },
  })
})

test.each([
  ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
  ['no client_id', { client_id: undefined }, 401, 'invalid_client'],
  ['no grant_type', { grant_type: undefined }, 400, 'invalid_request'],
  ['another grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['an unknown scope', { scope: 'order everything' }, 400, 'invalid_scope'],
])('a token request with %s is refused', async (_what, changes, status, error) => {
  const simulator = await runningSimulator()
  const body = multipart(credentialParams('gett', changes))
  expect(await send(simulator, path, { method: 'POST', body })).toMatchObject({ status, json: { error } })
  expect(simulator.provider('gett').stats).toMatchObject({ tokenRequests: 1, tokenRequestsRefused: 1, liveTokens: 0 })
})

test('a parameter given twice, a file and a body over 64 KiB are refused, and so is GET', async () => {
  const simulator = await runningSimulator()
  const twice = multipart(credentialParams('gett'))
  twice.append('scope', 'order')
  const file = multipart(credentialParams('gett', { scope: undefined }))
  file.append('scope', new Blob(['order']))
  const long = new URLSearchParams({ ...credentialParams('gett'), more: 'x'.repeat(64 * 1024) })
  for (const body of [twice, file, long]) {
    const refused = await send(simulator, path, { method: 'POST', body })
    expect(refused).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
  }
  const get = await send(simulator, path)
  expect([get.status, get.fields.get('allow')]).toEqual([405, 'POST'])
})

test('without a scope the token is granted and good for webhooks only', async () => {
  const simulator = await runningSimulator()
  const body = multipart(credentialParams('gett', { scope: undefined }))
  const { json } = await send(simulator, path, { method: 'POST', body })
  expect(json['scope']).toBe('')
  const token = String(json['access_token'])
  const hook = jsonBody({ hook_address: 'https://example.com', event_types: ['status_changed'] })
  expect((await call(simulator, 'gett', `/gett/v1/subscribers?${forBusiness}`, { ...hook, token })).status).toBe(200)
  expect((await call(simulator, 'gett', `/gett/v1/orders/1?${forBusiness}`, { token })).status).toBe(403)
})

test('another businessId is 403, and none is 400', async () => {
  const simulator = await runningSimulator()
  expect(await call(simulator, 'gett', '/gett/v1/orders/1?businessId=other')).toMatchObject({
    status: 403,
    json: { message: "businessId doesn't match JWT's companyUUID" },
  })
  expect((await call(simulator, 'gett', '/gett/v1/orders/1')).status).toBe(400)
})

test('the documented calls are answered', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'gett')
  const route = { origin: { lat: 51.5, lng: -0.1 }, destination: { lat: 51.6, lng: -0.1 } }
  const products = await call(simulator, 'gett', `/gett/v1/products?${forBusiness}`, { ...jsonBody(route), token })
  expect(products.text).toContain(simulator.elsewhere.url)
  expect(await call(simulator, 'gett', `/gett/v1/price-estimate?${forBusiness}`, { ...jsonBody(route), token })).toMatchObject({
    status: 200,
    json: { currency_code: 'GBP', price: { value: '12.50' } },
  })
  expect(await call(simulator, 'gett', `/gett/v1/orders/o-1?${forBusiness}`, { token })).toMatchObject({
    status: 200,
    json: { id: 'o-1', status: 'Routing' },
  })
  expect(await call(simulator, 'gett', `/gett/v1/orders/o-1/cancel?${forBusiness}`, { method: 'POST', token })).toMatchObject({
    status: 200,
    json: { id: 'o-1' },
  })
  expect(await call(simulator, 'gett', `/gett/v1/reports?${forBusiness}&limit=5&offset=0`, { token })).toMatchObject({
    status: 200,
    json: { limit: 5 },
  })
})

test('what is not there is 404, another method 405, and half a body 400', async () => {
  const simulator = await runningSimulator()
  expect((await call(simulator, 'gett', `/gett/v1/nothing?${forBusiness}`)).status).toBe(404)
  expect((await call(simulator, 'gett', `/gett/v1/orders/missing-1?${forBusiness}`)).status).toBe(404)
  const put = await call(simulator, 'gett', `/gett/v1/orders/1?${forBusiness}`, { method: 'PUT' })
  expect([put.status, put.fields.get('allow')]).toEqual([405, 'GET'])
  const half = await call(simulator, 'gett', `/gett/v1/orders?${forBusiness}`, jsonBody({ category: 'transportation' }))
  expect(half).toMatchObject({ status: 400, json: { message: 'the body lacks product_id, stops' } })
})

test('X-Request-ID dedupes the creation of orders', async () => {
  const simulator = await runningSimulator()
  const create = async (fields: Record<string, string>): Promise<unknown> =>
    (await call(simulator, 'gett', `/gett/v1/orders?${forBusiness}`, jsonBody(order, fields))).json['id']
  const first = await create({ 'x-request-id': 'r1' })
  expect(await create({ 'x-request-id': 'r1' })).toBe(first)
  expect(await create({ 'x-request-id': 'r2' })).not.toBe(first)
  expect(await create({})).not.toBe(await create({}))
})

test('the 17th call in a second is 429, and a second later calls go through again', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  const token = await newToken(simulator, 'gett')
  const echo = async (): Promise<number> => (await call(simulator, 'gett', '/gett/v1/echo', { token })).status
  for (let calls = 0; calls < 16; calls += 1) expect(await echo()).toBe(200)
  expect(await echo()).toBe(429)
  clock.advance(1000)
  expect(await echo()).toBe(200)
  simulator.provider('gett').faults.set({ rate_limit_per_second: null })
  for (let calls = 0; calls < 40; calls += 1) expect(await echo()).toBe(200)
})

test('a token dies after 900 seconds', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  const token = await newToken(simulator, 'gett')
  clock.advance(899_999)
  expect((await call(simulator, 'gett', '/gett/v1/echo', { token })).status).toBe(200)
  clock.advance(1)
  const refused = await call(simulator, 'gett', '/gett/v1/echo', { token })
  expect(refused).toMatchObject({ status: 401, json: { error: 'unauthorized' } })
  expect(simulator.provider('gett').stats).toMatchObject({ apiRequests: 2, apiRefused: 1, liveTokens: 0 })
})
