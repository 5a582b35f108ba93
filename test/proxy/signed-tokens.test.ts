import { createHmac, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { exportJWK, SignJWT } from 'jose'
import type { JWK } from 'jose'
import { expect, onTestFinished, test, vi } from 'vitest'
import { IssuerKeys, KeysUnavailable } from '../../src/proxy/authentication/issuer-keys.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'

/**
 * Tokens that somebody else signed are taken for what their issuer says, and nothing else about them is believed: not which
 * algorithm they want to be checked with (CVE-2015-9235), not where their key is (CVE-2018-0114), not whom they were made for.
 */

const issuer = 'https://login.example'

interface Signer {
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: JWK
}

async function signer(kid: string): Promise<Signer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } }
}

/** Signs a good token, but for what is changed. */
function sign(by: Signer, claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const payload = { iss: issuer, aud: 'bearerd', sub: 'orders', exp: now + 60, ...claims }
  return new SignJWT(JSON.parse(JSON.stringify(payload)) as typeof payload)
    .setProtectedHeader({ alg: 'RS256', kid: by.kid, ...header })
    .sign(by.privateKey)
}

interface Issuer {
  keys: unknown
  status: number
  fetches(): number
  readonly url: string
}

async function issuerWith(...signers: readonly Signer[]): Promise<Issuer> {
  let fetches = 0
  const state: Issuer = { keys: { keys: signers.map(({ jwk }) => jwk) }, status: 200, fetches: () => fetches, url: '' }
  const { url } = await httpServer((_, response) => {
    fetches++
    answerJson(response, state.keys, state.status)
  })
  return Object.assign(state, { url: `${url}/jwks.json` })
}

async function gatewayFor(keys: Issuer, jwt: object = {}, ...others: readonly object[]): Promise<[TestGateway, Provider]> {
  const api = await provider()
  const gateway = await startTestGateway({
    callers: [{ name: 'orders', jwt: { issuer, jwks_uri: keys.url, audience: 'bearerd', ...jwt } }, ...others],
    credentials: { main: { token_endpoint: api.tokens.url, client_id: 'c', client_secret: 's' } },
    routes: [{ path: '/api', upstream: api.url, credential: 'main' }],
  })
  return [gateway, api]
}

function call({ port }: TestGateway, token: string, more = ''): ReturnType<typeof sendRaw> {
  return sendRaw(
    port,
    `GET /api/a HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n${more}Connection: close\r\n\r\n`,
  )
}

test('a good token proves its caller, goes no further, and its keys are fetched once', async () => {
  const one = await signer('one')
  const keys = await issuerWith(one)
  const [gateway, api] = await gatewayFor(keys)
  const token = await sign(one)
  for (const shown of [
    token,
    token,
    await sign(one, { aud: ['other', 'bearerd'] }),
    await sign(one, { nbf: Date.now() / 1000 + 5 }),
  ]) {
    expect((await call(gateway, shown)).status).toBe(200)
  }
  expect(gateway.log.at(-1)).toMatchObject({ caller: 'orders' })
  expect(keys.fetches()).toBe(1)
  expect(api.calls.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill('Bearer token-1'))
  expect(JSON.stringify([api.calls, gateway.log])).not.toContain(token.slice(0, 40))
})

const now = Math.floor(Date.now() / 1000)

test.each<[string, (good: Signer, other: Signer) => string | Promise<string>]>([
  ['no signature (alg none)', (one) => sign(one).then((token) => unsigned(token, { alg: 'none' }))],
  ['no signature, in other letters', (one) => sign(one).then((token) => unsigned(token, { alg: 'nOnE' }))],
  ['no signature, but its algorithm', (one) => sign(one).then((token) => unsigned(token, { alg: 'RS256', kid: 'one' }))],
  ['HS256 with the public key as the secret', (one) => sign(one).then((token) => signedWithPublicKey(token, one))],
  ['the key of somebody else', (one, other) => sign({ ...other, kid: one.kid })],
  ['a key of its own in the header', (one, other) => sign({ ...other, kid: one.kid }, {}, { jwk: other.jwk })],
  [
    'a key from elsewhere',
    (one, other) => sign({ ...other, kid: one.kid }, {}, { jku: 'http://127.0.0.1:1/jwks', x5u: 'http://127.0.0.1:1/' }),
  ],
  ['a key id that is a path', (_, other) => sign(other, {}, { kid: '../../../../dev/null' })],
  ['a key id that is a query', (_, other) => sign(other, {}, { kid: "x' UNION SELECT 'key" })],
  ['a critical extension', (one) => sign(one).then((token) => unsigned(token, { alg: 'RS256', kid: 'one', crit: ['x'], x: 1 }))],
  ['another audience', (one) => sign(one, { aud: 'other' })],
  ['no audience', (one) => sign(one, { aud: undefined })],
  ['an audience that begins well', (one) => sign(one, { aud: 'bearerd2' })],
  ['another issuer', (one) => sign(one, { iss: 'https://evil.example' })],
  ['an issuer that begins well', (one) => sign(one, { iss: `${issuer}.evil.example` })],
  ['no issuer', (one) => sign(one, { iss: undefined })],
  ['another subject', (one) => sign(one, { sub: 'billing' })],
  ['an end in the past', (one) => sign(one, { exp: now - 60 })],
  ['no end', (one) => sign(one, { exp: undefined })],
  ['an end that is a text', (one) => sign(one, { exp: String(now + 60) })],
  ['a beginning in the future', (one) => sign(one, { nbf: now + 600 })],
  [
    'another algorithm of the same key',
    (one) =>
      new SignJWT({ iss: issuer, aud: 'bearerd', sub: 'orders', exp: now + 60 })
        .setProtectedHeader({ alg: 'RS512', kid: 'one' })
        .sign(one.privateKey),
  ],
  [
    'a change after it was signed',
    (one) =>
      sign(one).then((token) =>
        token.replace(/\.[^.]+\./, `.${encoded({ iss: issuer, aud: 'bearerd', sub: 'orders', exp: now + 999 })}.`),
      ),
  ],
  ['nine thousand bytes', (one) => sign(one, { fill: 'x'.repeat(9_000) })],
  ['claims that are no claims', () => 'e30.W10.x'],
  ['claims that are not JSON', () => 'e30.e.x'],
])('a token with %s proves nothing', async (_, make) => {
  const [one, other] = [await signer('one'), await signer('other')]
  const keys = await issuerWith(one)
  const [gateway, api] = await gatewayFor(keys, { subject: 'orders' })
  const token = await make(one, other)
  const answer = await call(gateway, token)
  expect([answer.status, (JSON.parse(answer.body) as { code: string }).code]).toEqual([401, 'caller_unauthenticated'])
  expect(answer.head).toMatch(/^WWW-Authenticate: Bearer realm="bearerd"$/m)
  expect([api.begun(), api.tokens.requests.length]).toEqual([0, 0])
  expect(keys.fetches()).toBeLessThanOrEqual(1)
})

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function unsigned(token: string, header: object): string {
  return `${encoded(header)}.${token.split('.')[1] ?? ''}.${header.hasOwnProperty('crit') ? (token.split('.')[2] ?? '') : 'AA'}`
}

function signedWithPublicKey(token: string, { publicKey, kid }: Signer): string {
  const secret = publicKey.export({ type: 'spki', format: 'pem' })
  const content = `${encoded({ alg: 'HS256', kid })}.${token.split('.')[1] ?? ''}`
  return `${content}.${createHmac('sha256', secret).update(content).digest('base64url')}`
}

test('an expired token is not remembered as a good one', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() })
  onTestFinished(() => void vi.useRealTimers())
  const one = await signer('one')
  const [gateway] = await gatewayFor(await issuerWith(one))
  // Within the tolerance now; a second later it is not.
  const token = await sign(one, { exp: Math.floor(Date.now() / 1000) - 8 })
  expect((await call(gateway, token)).status).toBe(200)
  vi.setSystemTime(Date.now() + 3_000)
  expect((await call(gateway, token)).status).toBe(401)
})

test('while the issuer is down, nobody is taken at his word, and it is asked once in a while only', async () => {
  const one = await signer('one')
  const keys = await issuerWith(one)
  keys.status = 500
  const [gateway, api] = await gatewayFor(keys, {}, { name: 'backup', api_key: 'canary-key' })
  for (let count = 0; count < 20; count++) {
    const answer = await call(gateway, await sign(one))
    expect(answer.status).toBe(401)
    expect(answer.head).toMatch(/^Retry-After: 5$/m)
    expect(answer.body).toContain('cannot be had at the moment')
  }
  expect(keys.fetches()).toBe(1)
  expect(gateway.log.filter(({ jwks_uri }) => jwks_uri === keys.url)).toMatchObject([{ code: 'status_500' }])
  expect(api.begun()).toBe(0)
  expect((await call(gateway, 'canary-key')).status).toBe(200)
})

test.each([
  ['HTML', '<html>'],
  ['a set without keys', {}],
  ['nothing', null],
  ['more than a quarter of a mebibyte', { keys: [], fill: 'x'.repeat(300_000) }],
])('an issuer that answers with %s has no keys', async (_, answered) => {
  const one = await signer('one')
  const keys = await issuerWith(one)
  keys.keys = answered
  const [gateway] = await gatewayFor(keys)
  expect((await call(gateway, await sign(one))).status).toBe(401)
  expect(gateway.log.some(({ jwks_uri }) => jwks_uri === keys.url)).toBe(true)
})

/** Whoever makes up key ids could otherwise make the gateway call the issuer for each request. */
test('a key that is new at the issuer is fetched, made up ones at most every 30 seconds', async () => {
  const [one, two] = [await signer('one'), await signer('two')]
  let now = 0
  let fetches = 0
  let published: Signer[] = [one]
  let isUp = true
  const failures: unknown[] = []
  const keys = new IssuerKeys({
    fetchKeys: async () => {
      fetches++
      if (!isUp) throw new Error('down')
      return { keys: published.map(({ jwk }) => jwk) }
    },
    onFailure: (error) => failures.push(error),
    now: () => now,
  })
  const find = (kid: string): Promise<unknown> => keys.keyOf({ alg: 'RS256', kid }, { payload: '', signature: '' })
  await Promise.all([find('one'), find('one')])
  expect(fetches).toBe(1)
  published = [one, two]
  for (let count = 0; count < 50; count++)
    await expect(find(`made-up-${count}`)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' })
  await expect(find('two')).rejects.toThrow()
  expect(fetches).toBe(1)
  now += 30_000
  await find('two')
  expect(fetches).toBe(2)

  // Old keys are used while new ones cannot be had, for a day.
  isUp = false
  now += 10 * 60_000 + 1
  await find('one')
  await expect.poll(() => failures.length).toBe(1)
  now += 23 * 3_600_000
  await find('two')
  now += 2 * 3_600_000
  await expect(find('one')).rejects.toBeInstanceOf(KeysUnavailable)
  isUp = true
  await expect(find('one')).rejects.toBeInstanceOf(KeysUnavailable)
  now += 5_000
  await find('one')
})
