import { expect, test } from 'vitest'
import {
  call,
  faithfulTokenRequest,
  getnetHeaders,
  jsonBody,
  newToken,
  person,
  runningSimulator,
  send,
  tokenPaths,
} from './running-simulator.ts'

const path = tokenPaths.getnet
const offerings = '/getnet/v1/offerings?channel=demo-channel&country=BR'
const unauthorized = {
  status_code: 401,
  name: 'Unauthorized',
  message: 'Unauthorized',
  details: [{ status: 'DENIED', error_code: 'GENERIC-401', description: 'Unauthorized', description_detail: 'CODE 01' }],
}

test('credentials in header fields and four members are granted two members, one of them a numeric string', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, path, faithfulTokenRequest('getnet'))
  expect(status).toBe(200)
  expect(json).toEqual({ access_token: expect.any(String), expires_in: '3600' })
  const claims: unknown = JSON.parse(Buffer.from(String(json['access_token']).split('.')[1] ?? '', 'base64url').toString())
  expect(claims).toMatchObject({ expires_in: '3600', channel: 'demo-channel', ...person })
  expect(claims).not.toHaveProperty('exp')
})

test('an empty channel is refused exactly as the document shows', async () => {
  const simulator = await runningSimulator()
  const { status, json } = await send(simulator, path, {
    method: 'POST',
    headers: getnetHeaders({ channel: '' }),
    body: JSON.stringify(person),
  })
  expect(status).toBe(400)
  expect(JSON.stringify(json)).toBe(
    JSON.stringify({
      status_code: 400,
      name: 'HeaderValidation',
      message: 'Bad Request',
      details: [
        {
          status: 'DENIED',
          error_code: 'GENERIC-400',
          description: 'channel is invalid',
          description_detail: '"channel" is not allowed to be empty',
        },
      ],
    }),
  )
})

test.each([
  ['no channel', { channel: undefined }, 400, 'HeaderValidation'],
  ['another channel', { channel: 'other' }, 400, 'HeaderValidation'],
  ['no scope', { scope: undefined }, 400, 'HeaderValidation'],
  ['an empty scope', { scope: '' }, 400, 'HeaderValidation'],
  ['a body that is no JSON', { 'content-type': 'text/plain' }, 400, 'HeaderValidation'],
  ['no client_id', { client_id: undefined }, 401, 'Unauthorized'],
  ['a wrong client_secret', { client_secret: 'wrong' }, 401, 'Unauthorized'],
])('a token request with %s is refused', async (_what, changes, status, name) => {
  const simulator = await runningSimulator()
  const init = { method: 'POST', headers: getnetHeaders(changes), body: JSON.stringify(person) }
  expect(await send(simulator, path, init)).toMatchObject({ status, json: { name } })
})

test.each([
  ['without login', { login: undefined }, '"login" is required'],
  ['with a name of null', { name: null }, '"name" must be a string'],
  ['with a branch that is a number', { branch: 1 }, '"branch" must be a string'],
  ['with another member', { grant_type: 'client_credentials' }, '"grant_type" is not allowed'],
])('a token request %s is refused', async (_what, changes, detail) => {
  const simulator = await runningSimulator()
  const init = { method: 'POST', headers: getnetHeaders(), body: JSON.stringify({ ...person, ...changes }) }
  expect(await send(simulator, path, init)).toMatchObject({
    status: 400,
    json: { status_code: 400, details: [{ description_detail: detail }] },
  })
})

test('wrong credentials are refused exactly as the document shows', async () => {
  const simulator = await runningSimulator()
  const init = { method: 'POST', headers: getnetHeaders({ client_secret: 'wrong' }), body: JSON.stringify(person) }
  expect((await send(simulator, path, init)).json).toEqual(unauthorized)
})

test('the raw token is accepted, Bearer in front of it is 401', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'getnet')
  expect((await send(simulator, offerings, { headers: { authorization: token } })).status).toBe(200)
  const bearer = await send(simulator, offerings, { headers: { authorization: `Bearer ${token}` } })
  expect(bearer.status).toBe(401)
  expect(bearer.json).toEqual(unauthorized)
})

test('a call outside the scope is 403', async () => {
  const simulator = await runningSimulator()
  const refused = await call(simulator, 'getnet', offerings, { scope: 'other' })
  expect(refused).toMatchObject({ status: 403, json: { name: 'Forbidden' } })
})

test('the documented calls are answered', async () => {
  const simulator = await runningSimulator()
  const token = await newToken(simulator, 'getnet')
  expect((await call(simulator, 'getnet', '/getnet/v1/merchants/m-1', { token })).json).toEqual({
    merchant_id: 'm-1',
    acquirer_code: 'getnet',
    merchant_legal_data: {},
  })
  const order = { merchant: { merchant_id: 'm-1' }, items: [] }
  const created = await call(simulator, 'getnet', '/getnet/v1/orders', { ...jsonBody(order), token })
  expect([created.status, typeof created.json['order_id']]).toEqual([201, 'string'])
  expect((await call(simulator, 'getnet', '/getnet/v1/orders', { ...jsonBody({}), token })).status).toBe(400)
  expect((await call(simulator, 'getnet', '/getnet/v1/orders/o-1/validation', { method: 'POST', token })).status).toBe(200)
  expect((await call(simulator, 'getnet', '/getnet/v1/orders/o-1/submit', { method: 'PUT', token })).status).toBe(200)
})
