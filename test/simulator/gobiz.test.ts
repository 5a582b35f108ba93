import { expect, test } from 'vitest'
import { simulatedClients } from '../../src/simulator/clients.ts'
import {
  basic,
  call,
  credentialParams,
  faithfulTokenRequest,
  jsonBody,
  multipart,
  newToken,
  runningSimulator,
  send,
  tokenPaths,
} from './running-simulator.ts'

const { clientId, clientSecret } = simulatedClients.gobiz
const path = tokenPaths.gobiz
const outlets = '/gobiz/integrations/partner/v1/linked-outlets?per=10&page=1'
const transactions = '/gobiz/integrations/payment/outlets/G1/v2/transactions'
const payment = { payment_type: 'qris', transaction_details: { order_id: 'o1', gross_amount: 3000, currency: 'IDR' } }
const granted = { grant_type: 'client_credentials', scope: 'partner:outlet:read' }

test('Basic and a form are granted a token', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, path, faithfulTokenRequest('gobiz', 'partner:outlet:read'))
  expect(status).toBe(200)
  expect(json).toEqual({
    access_token: expect.any(String),
    expires_in: 3600,
    token_type: 'Bearer',
    scope: 'partner:outlet:read',
  })
})

test('Basic is form-decoded before it is compared', async () => {
  const simulator = await runningSimulator()
  const everyByteEscaped = (text: string): string => text.replaceAll(/./g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  const authorization = `Basic ${btoa(`${everyByteEscaped(clientId)}:${everyByteEscaped(clientSecret)}`)}`
  const body = new URLSearchParams(granted)
  expect((await send(simulator, path, { method: 'POST', headers: { authorization }, body })).status).toBe(200)
  const malformed = { authorization: `Basic ${btoa(`${clientId}:${clientSecret}%`)}` }
  expect((await send(simulator, path, { method: 'POST', headers: malformed, body })).status).toBe(401)
})

test('credentials in the body are refused with a challenge, until they are switched on', async () => {
  const simulator = await runningSimulator()
  const posted = (): Promise<{ status: number; fields: Headers }> =>
    send(simulator, path, { method: 'POST', body: new URLSearchParams(credentialParams('gobiz')) })
  const refused = await posted()
  expect([refused.status, refused.fields.get('www-authenticate')]).toEqual([401, 'Basic realm="gobiz"'])
  simulator.provider('gobiz').faults.set({ accept_client_secret_post: true })
  expect((await posted()).status).toBe(200)
})

test('two ways to authenticate at once, a wrong secret, multipart and an unknown scope are refused', async () => {
  const simulator = await runningSimulator()
  const post = (body: FormData | URLSearchParams, secret: string = clientSecret): ReturnType<typeof send> =>
    send(simulator, path, { method: 'POST', headers: { authorization: basic(clientId, secret) }, body })
  expect((await post(new URLSearchParams(credentialParams('gobiz')))).json['error']).toBe('invalid_request')
  expect((await post(new URLSearchParams(granted), 'wrong')).json['error']).toBe('invalid_client')
  expect((await post(multipart(granted))).json['error']).toBe('invalid_request')
  expect((await post(new URLSearchParams({ ...granted, scope: 'openid' }))).json['error']).toBe('invalid_scope')
})

test('without a scope the token is granted and every call is 403', async () => {
  const simulator = await runningSimulator()
  const { json } = await send(simulator, path, faithfulTokenRequest('gobiz', ''))
  expect(json['scope']).toBe('')
  expect(await call(simulator, 'gobiz', outlets, { token: String(json['access_token']) })).toMatchObject({
    status: 403,
    json: { success: false, errors: [{ message_title: 'Forbidden', message: expect.stringContaining('partner:outlet:read') }] },
  })
})

test('a call without a token is 401 in the envelope of the provider', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, outlets)
  expect(status).toBe(401)
  expect(json).toEqual({ success: false, errors: [{ message_title: 'Unauthorized', message: 'Unauthorized' }] })
})

test.each([
  ['text/html', 406],
  ['application/json;q=0', 406],
  ['application/json', 200],
  ['text/html, application/*;q=0.5', 200],
])('a call with Accept: %s is answered %i', async (accept, status) => {
  const simulator = await runningSimulator()
  expect((await call(simulator, 'gobiz', outlets, { headers: { accept } })).status).toBe(status)
})

test('a body that is not JSON is 415', async () => {
  const simulator = await runningSimulator()
  const fields = { 'content-type': 'text/plain', 'idempotency-key': 'k1' }
  expect((await call(simulator, 'gobiz', transactions, jsonBody(payment, fields))).status).toBe(415)
})

test('a payment needs an Idempotency-Key of at most 32 characters, and the same key has the same answer', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'gobiz')
  const pay = (fields: Record<string, string>): ReturnType<typeof call> =>
    call(simulator, 'gobiz', transactions, { ...jsonBody(payment, fields), token })
  expect((await pay({})).status).toBe(400)
  expect((await pay({ 'idempotency-key': 'k'.repeat(33) })).status).toBe(400)
  const first = await pay({ 'idempotency-key': 'k1' })
  expect(first.status).toBe(200)
  expect((await pay({ 'idempotency-key': 'k1' })).text).toBe(first.text)
  expect((await pay({ 'idempotency-key': 'k2' })).text).not.toBe(first.text)
})

test('the QR code of a payment is at an absolute URL of the API host and wants the token', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'gobiz')
  const { text } = await call(simulator, 'gobiz', transactions, { ...jsonBody(payment, { 'idempotency-key': 'k1' }), token })
  const url = /"url":"([^"]+)"/.exec(text)?.[1] ?? ''
  expect(url.startsWith(`${simulator.url}/gobiz/`)).toBe(true)
  const target = url.slice(simulator.url.length)
  expect((await send(simulator, target)).status).toBe(401)
  expect((await call(simulator, 'gobiz', target, { token })).status).toBe(200)
})
