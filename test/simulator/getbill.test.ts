import { expect, test } from 'vitest'
import {
  call,
  credentialParams,
  faithfulTokenRequest,
  jsonBody,
  multipart,
  newToken,
  runningSimulator,
  send,
  standingClock,
  tokenPaths,
} from './running-simulator.ts'

const path = tokenPaths.getbill
const debts = '/getbill/external-api/v1/debts'

test('a form is granted a token without a refresh_token', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, path, faithfulTokenRequest('getbill'))
  expect(status).toBe(200)
  expect(json).toEqual({ access_token: expect.stringMatching(/^ey/), token_type: 'Bearer', expires_in: 3600 })
})

test('multipart, a wrong secret and an unknown scope are refused', async () => {
  const simulator = await runningSimulator()
  expect((await send(simulator, path, { method: 'POST', body: multipart(credentialParams('getbill')) })).status).toBe(400)
  const post = (changes: Record<string, string>): ReturnType<typeof send> =>
    send(simulator, path, { method: 'POST', body: new URLSearchParams(credentialParams('getbill', changes)) })
  expect((await post({ client_secret: 'wrong' })).json['error']).toBe('invalid_client')
  expect((await post({ scope: 'debts:burn' })).json['error']).toBe('invalid_scope')
  expect((await post({ grant_type: 'refresh_token', refresh_token: 'r' })).json['error']).toBe('unsupported_grant_type')
})

test('a refresh_token, when switched on, is good for one use and keeps the scope', async () => {
  const simulator = await runningSimulator()
  simulator.provider('getbill').faults.set({ refresh_token: true })
  const { json } = await send(simulator, path, faithfulTokenRequest('getbill', 'debts:read'))
  const changes = { grant_type: 'refresh_token', refresh_token: String(json['refresh_token']), scope: undefined }
  const refresh = (): ReturnType<typeof send> =>
    send(simulator, path, { method: 'POST', body: new URLSearchParams(credentialParams('getbill', changes)) })
  const renewed = await refresh()
  expect(renewed.json['refresh_token']).not.toBe(json['refresh_token'])
  expect((await call(simulator, 'getbill', debts, { token: String(renewed.json['access_token']) })).status).toBe(200)
  expect(await refresh()).toMatchObject({ status: 400, json: { error: 'invalid_grant' } })
})

test('a dead token and a missing scope are answered in the envelope of the provider', async () => {
  const simulator = await runningSimulator()
  expect((await send(simulator, debts)).json).toEqual({
    error: true,
    message: 'Authentication credentials are missing or invalid',
    code: 401,
  })
  const forbidden = await call(simulator, 'getbill', debts, { ...jsonBody({}), scope: 'debts:read' })
  expect(forbidden.status).toBe(403)
  expect(forbidden.json).toEqual({ error: true, message: 'Required scope "debts:write" not found in token', code: 403 })
})

test('the documented calls are answered', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'getbill')
  expect(await call(simulator, 'getbill', `${debts}?page=2&limit=50`, { token })).toMatchObject({
    status: 200,
    json: { error: false, pagination: { total: 150, page: 2, limit: 50, pages: 3 } },
  })
  expect((await call(simulator, 'getbill', `${debts}?limit=101`, { token })).status).toBe(400)
  const debt = { debtor: { name: 'A' }, amount: 2340, currency: 'EUR', reference: 'F-1' }
  expect(await call(simulator, 'getbill', debts, { ...jsonBody(debt), token })).toMatchObject({
    status: 201,
    json: { error: false, data: { amount: 2340, reference: 'F-1' } },
  })
  const followup = await call(simulator, 'getbill', '/getbill/external-api/v1/followups/f-1', { token })
  expect(followup.text).toContain(`${simulator.elsewhere.url}/getbill/audio.mp3`)
  expect(await call(simulator, 'getbill', '/getbill/external-api/v1/company/credits', { token })).toMatchObject({
    status: 200,
    json: { data: { current_credits: 847 } },
  })
})

test('every answer counts down in X-RateLimit-*, reads and writes apart', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  const token = await newToken(simulator, 'getbill')
  const limits = ({ fields }: { fields: Headers }): (string | null)[] =>
    ['limit', 'remaining', 'reset', 'window'].map((name) => fields.get(`x-ratelimit-${name}`))
  const resetAt = String(clock.nowMs() / 1000 + 3600)
  expect(limits(await call(simulator, 'getbill', debts, { token }))).toEqual(['1000', '999', resetAt, '3600'])
  expect(limits(await call(simulator, 'getbill', debts, { ...jsonBody({}), token }))).toEqual(['500', '499', resetAt, '3600'])
  expect(limits(await send(simulator, debts))).toEqual(['1000', '999', resetAt, '3600'])
})

test('a call over the limit is 429 with everything in its body, until the window has moved on', async () => {
  const clock = standingClock()
  const simulator = await runningSimulator({ nowMs: clock.nowMs })
  simulator.provider('getbill').faults.set({ reads_per_hour: 1, lifetime_seconds: 100_000 })
  const token = await newToken(simulator, 'getbill')
  expect((await call(simulator, 'getbill', debts, { token })).status).toBe(200)
  clock.advance(1_800_000)
  const refused = await call(simulator, 'getbill', debts, { token })
  expect([refused.status, refused.fields.get('retry-after')]).toEqual([429, null])
  expect(refused.json['details']).toEqual({ retry_after: 1800, limit: 1, reset_time: '2025-03-01T11:00:00.000Z' })
  clock.advance(1_800_000)
  expect((await call(simulator, 'getbill', debts, { token })).status).toBe(200)
})
