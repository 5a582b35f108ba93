import { generateKeyPairSync } from 'node:crypto'
import { get } from 'node:https'
import { exportJWK, SignJWT } from 'jose'
import { describe, expect, it, test } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'
import { ask, startTokenService } from '../support/token-service.ts'

/**
 * Whoever may ask has the tokens. Each request here that is refused must cost the provider nothing, show no token, and leave no key
 * behind.
 */

const keys = { nginx: 'canary-key-of-nginx', envoy: 'canary-key-of-envoy' }
const callers = [
  { name: 'nginx', api_key: keys.nginx, credentials: ['main'] },
  { name: 'envoy', api_key: keys.envoy },
]
const credentials = { other: {}, query: { inject: { query: 'access_token', value: '{access_token}' } } }

const start = () => startTokenService({ service: { callers }, credentials })
const own = (key: string) => ({ 'x-bearerd-key': key })
const bearer = (key: string) => ({ authorization: `Bearer ${key}` })
const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })

test.each([
  ['in X-Bearerd-Key', own(keys.nginx)],
  ['in X-Bearerd-Key, beside what the application sends', { ...own(keys.nginx), ...bearer('habit') }],
  ['as Bearer', bearer(keys.nginx)],
  ['as Basic', basic(`nginx:${keys.nginx}`)],
])('a key is taken %s', async (_, fields) => {
  const { tokenServiceUrl: url, log } = await start()
  const answer = await ask(url, '/authorize/main', { fields })
  expect(answer).toMatchObject({ status: 200, headers: { authorization: 'Bearer token-1' } })
  expect(log.at(-1)).toMatchObject({ message: 'request', caller: 'nginx', status: 200 })
  expect(JSON.stringify(log)).not.toMatch(/canary|token-1/)
})

test.each<[string, Record<string, string | string[]>]>([
  ['no key', {}],
  ['a wrong key', own('wrong')],
  ['a wrong key beside a right one', { ...own('wrong'), ...bearer(keys.nginx) }],
  ['two keys', { ...own(keys.nginx), ...bearer(keys.envoy) }],
  ['its field twice', { 'x-bearerd-key': [keys.nginx, keys.nginx] }],
  ['the token itself', bearer('token-1')],
])('%s is nobody: 401, and nothing is asked for', async (_, fields) => {
  const { tokenServiceUrl: url, endpoint, log } = await start()
  for (const [path, method] of [
    ['/authorize/main', 'GET'],
    ['/authorize/nothing', 'GET'],
    ['/reject/main', 'POST'],
    ['/', 'GET'],
  ] as const) {
    const answer = await ask(url, path, { method, fields })
    expect(answer, path).toMatchObject({ status: 401, code: 'caller_unauthenticated' })
    expect(answer.headers['www-authenticate']).toContain('realm="bearerd"')
    expect(JSON.stringify(answer)).not.toMatch(/canary|token-1/)
  }
  expect(endpoint.requests).toHaveLength(0)
  expect(JSON.stringify(log)).not.toContain('canary')
})

test('a caller has the tokens of its credentials and no others', async () => {
  const { tokenServiceUrl: url, endpoint, metric } = await start()
  const refused = await ask(url, '/authorize/other', { fields: own(keys.nginx) })
  expect(refused).toMatchObject({ status: 403, code: 'caller_forbidden' })
  expect(endpoint.requests).toHaveLength(0)
  const rejected = await ask(url, '/reject/other', { method: 'POST', fields: { ...own(keys.nginx), ...bearer('token-0') } })
  expect(rejected).toMatchObject({ status: 403, code: 'caller_forbidden' })
  expect((await ask(url, '/authorize/other', { fields: own(keys.envoy) })).status).toBe(200)
  expect(await metric('bearerd_token_service_requests_total{credential="other",operation="authorize",code="403"}')).toBe(1)
})

test('a key cannot stand where the refused token has to', async () => {
  const { tokenServiceUrl: url, endpoint } = await start()
  for (const fields of [bearer(keys.nginx), basic(`nginx:${keys.nginx}`)]) {
    const answer = await ask(url, '/reject/main', { method: 'POST', fields })
    expect(answer).toMatchObject({ status: 401, code: 'caller_unauthenticated' })
    expect(answer.body).toContain('X-Bearerd-Key')
  }
  expect(endpoint.requests).toHaveLength(0)
  await ask(url, '/authorize/main', { fields: own(keys.nginx) })
  const answer = await ask(url, '/reject/main', { method: 'POST', fields: { ...own(keys.nginx), ...bearer('token-1') } })
  expect(answer.headers.authorization).toBe('Bearer token-2')
})

test('nor where it is said for whom the token is', async () => {
  const credential = { token_request: { params: { subject: '{request.header.Authorization}' } } }
  const { tokenServiceUrl: url, endpoint } = await startTokenService({ service: { callers }, credential })
  const refused = await ask(url, '/authorize/main', { fields: bearer(keys.nginx) })
  expect(refused).toMatchObject({ status: 401, code: 'caller_unauthenticated' })
  expect(endpoint.requests).toHaveLength(0)
  expect((await ask(url, '/authorize/main', { fields: { ...own(keys.nginx), ...bearer('of-ann') } })).status).toBe(200)
})

test('a signed token proves a caller, but not where the refused token has to stand', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const keySet = { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256' }] }
  const issuer = await httpServer((_, response) => answerJson(response, keySet))
  const jwt = { issuer: 'https://login.example', jwks_uri: `${issuer.url}/jwks.json`, audience: 'bearerd' }
  const { tokenServiceUrl: url, endpoint } = await startTokenService({ service: { callers: [{ name: 'shop', jwt }] } })
  const proof = await new SignJWT({ iss: jwt.issuer, aud: 'bearerd', exp: Math.floor(Date.now() / 1000) + 60 })
    .setProtectedHeader({ alg: 'ES256', kid: 'one' })
    .sign(privateKey)
  expect((await ask(url, '/authorize/main', { fields: bearer(proof) })).headers.authorization).toBe('Bearer token-1')
  const refused = await ask(url, '/reject/main', { method: 'POST', fields: bearer(proof) })
  expect(refused).toMatchObject({ status: 401, code: 'caller_unauthenticated' })
  expect(refused.body).toContain('Authorization says what was refused here')
  expect(endpoint.requests).toHaveLength(1)
})

test('an address proves a caller, and Authorization is free for what was refused', async () => {
  const { tokenServiceUrl: url } = await startTokenService({ service: { callers: [{ name: 'local', cidr: '127.0.0.0/8' }] } })
  await ask(url, '/authorize/main')
  expect((await ask(url, '/reject/main', { method: 'POST', fields: bearer('token-1') })).status).toBe(200)
})

describe('web pages and DNS rebinding', () => {
  it.each([
    ['another name', 'Host: evil.example\r\n', 421],
    ['an origin', 'Host: localhost\r\nOrigin: https://evil.example\r\n', 403],
    ['an opaque origin', 'Host: localhost\r\nOrigin: null\r\n', 403],
    ['another site', 'Host: localhost\r\nSec-Fetch-Site: cross-site\r\n', 403],
    ['a loopback name', 'Host: localhost:1\r\n', 200],
    ['a listed name', 'Host: api.internal\r\n', 200],
    ['a listed origin', 'Host: localhost\r\nOrigin: https://app.example\r\nSec-Fetch-Site: cross-site\r\n', 200],
  ])('%s gets what it should', async (_, fields, status) => {
    const service = { hosts: ['API.internal'], origins: ['https://app.example'] }
    const { servicePort, endpoint } = await startTokenService({ service })
    for (const [target, expected] of [
      ['GET /authorize/main', status],
      ['POST /reject/main', status === 200 ? 400 : status],
    ] as const) {
      const answer = await sendRaw(servicePort, `${target} HTTP/1.1\r\n${fields}Connection: close\r\n\r\n`)
      expect(answer.status).toBe(expected)
      expect(answer.head).not.toMatch(/^access-control/im)
    }
    expect(endpoint.requests).toHaveLength(status === 200 ? 1 : 0)
  })
})

describe.skipIf(!hasOpenssl)('TLS', () => {
  it('is spoken with the certificate of the token service', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const { servicePort, tokenServiceUrl } = await startTokenService({ service: { tls: { cert, key } } })
    expect(tokenServiceUrl).toMatch(/^https:/)
    const status = await new Promise((resolve, reject) => {
      get(
        {
          host: '127.0.0.1',
          port: servicePort,
          path: '/authorize/main',
          ca: pemOf(authority.cert),
          servername: 'localhost',
          agent: false,
        },
        (response) => {
          response.resume()
          resolve(`${response.statusCode} ${response.headers.authorization}`)
        },
      ).on('error', reject)
    })
    expect(status).toBe('200 Bearer token-1')
  })
})
