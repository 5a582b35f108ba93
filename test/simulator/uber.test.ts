import { expect, test } from 'vitest'
import { simulatedClients } from '../../src/simulator/clients.ts'
import {
  call,
  credentialParams,
  faithfulTokenRequest,
  jsonBody,
  newToken,
  runningSimulator,
  send,
  standingClock,
  tokenPaths,
} from './running-simulator.ts'

const { organizationUuid } = simulatedClients.uber
const path = tokenPaths.uber
const receipt = '/uber/v1/business/trips/t-1/receipt'

function form(changes: Record<string, string | undefined> = {}): RequestInit {
  return { method: 'POST', body: new URLSearchParams(credentialParams('uber', changes)) }
}

test('multipart and form are granted a token for 30 days, JSON is refused', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, path, faithfulTokenRequest('uber'))
  expect(status).toBe(200)
  expect(json).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    expires_in: 2_592_000,
    scope: 'business.receipts',
  })
  expect((await send(simulator, path, form())).status).toBe(200)
  const refused = await send(simulator, path, jsonBody(credentialParams('uber')))
  expect(refused).toMatchObject({ status: 400, json: { error: 'invalid_request' } })
})

test.each([
  ['a wrong secret', { client_secret: 'wrong' }, 401, 'invalid_client'],
  ['another grant_type', { grant_type: 'password' }, 400, 'unsupported_grant_type'],
  ['a refresh token', { grant_type: 'refresh_token', refresh_token: 'r' }, 401, 'invalid_grant'],
  ['no scope', { scope: undefined }, 400, 'invalid_scope'],
  ['a scope for people', { scope: 'business.receipts profile' }, 400, 'invalid_scope'],
])('a token request with %s is refused', async (_what, changes, status, error) => {
  const simulator = await runningSimulator()
  expect(await send(simulator, path, form(changes))).toMatchObject({ status, json: { error } })
})

test('the status of invalid_grant can be switched to that of the other document', async () => {
  const simulator = await runningSimulator()
  simulator.provider('uber').faults.set({ invalid_grant_status: 400 })
  expect((await send(simulator, path, form({ grant_type: 'authorization_code', code: 'c' }))).status).toBe(400)
})

test('the 101st token request in an hour is 429, and an hour later it is granted', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  for (let requests = 0; requests < 100; requests += 1) expect((await send(simulator, path, form())).status).toBe(200)
  expect(await send(simulator, path, form())).toMatchObject({ status: 429, json: { error: 'too_many_requests' } })
  clock.advance(3_600_000)
  expect((await send(simulator, path, form())).status).toBe(200)
})

test('the 101st token kills the oldest one', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  const first = await newToken(simulator, 'uber')
  const second = await newToken(simulator, 'uber')
  clock.advance(3_600_000)
  for (let requests = 0; requests < 98; requests += 1) await send(simulator, path, form())
  expect((await call(simulator, 'uber', receipt, { token: first })).status).toBe(200)
  await send(simulator, path, form())
  expect((await call(simulator, 'uber', receipt, { token: first })).status).toBe(401)
  expect((await call(simulator, 'uber', receipt, { token: second })).status).toBe(200)
  expect(simulator.provider('uber').stats.liveTokens).toBe(100)
})

test('a token that is handed back is dead, an unknown one is no error', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'uber')
  const revoke = (changes: Record<string, string | undefined>): ReturnType<typeof send> =>
    send(simulator, '/uber/oauth/v2/revoke', form(changes))
  expect((await revoke({ token, client_secret: 'wrong' })).json['error']).toBe('invalid_client')
  expect((await revoke({})).json['error']).toBe('invalid_request')
  expect((await call(simulator, 'uber', receipt, { token })).status).toBe(200)
  expect(await revoke({ token })).toMatchObject({ status: 200, json: { message: 'OK' } })
  expect((await call(simulator, 'uber', receipt, { token })).status).toBe(401)
  expect((await revoke({ token })).status).toBe(200)
  expect(simulator.provider('uber').stats.tokenRequests).toBe(1)
})

test('a dead token is answered in the words of the provider', async () => {
  const simulator = await runningSimulator()
  expect(await call(simulator, 'uber', receipt, { token: 'dead' })).toMatchObject({
    status: 401,
    json: { code: 'unauthorized', message: 'Invalid OAuth 2.0 credentials provided.' },
  })
})

test('an order receipt needs the organization', async () => {
  const simulator = await runningSimulator()
  const get = async (headers: Record<string, string>): Promise<number> =>
    (await call(simulator, 'uber', '/uber/v1/business/orders/o-1/receipt', { headers })).status
  expect(await get({})).toBe(400)
  expect(await get({ 'x-uber-organizationuuid': 'other' })).toBe(403)
  expect(await get({ 'x-uber-organizationuuid': organizationUuid })).toBe(200)
})

test('receipt files are on another host, which counts the tokens that it sees', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'uber')
  const { json } = await call(simulator, 'uber', '/uber/v1/business/trips/t-1/receipt/pdf_url', { token })
  const url = String(json['resource_url'])
  expect(new URL(url).origin).toBe(simulator.elsewhere.url)
  expect((await fetch(url)).status).toBe(200)
  expect([simulator.elsewhere.requests, simulator.elsewhere.tokensSeen]).toEqual([1, 0])
  expect((await fetch(url, { headers: { authorization: `Bearer ${token}` } })).status).toBe(400)
  expect([simulator.elsewhere.requests, simulator.elsewhere.tokensSeen]).toEqual([2, 1])
  const invoices = await call(simulator, 'uber', '/uber/v1/business/trips/t-1/invoice_urls', { token })
  expect(invoices.text).toContain(simulator.elsewhere.url)
})
