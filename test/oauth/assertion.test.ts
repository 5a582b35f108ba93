import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const nowMs = Date.UTC(2026, 0, 1) + 999
const now = new Date(nowMs)
const iat = Math.floor(nowMs / 1000)
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pem = (key: typeof ec.privateKey, type: 'pkcs8' | 'pkcs1' | 'sec1' = 'pkcs8'): string =>
  key.export({ format: 'pem', type }).toString()
const noClientAuthentication = { client_secret: undefined, token_endpoint_auth_method: 'none' }

type Keys = Readonly<Record<string, unknown>>

async function paramsOf(keys: Keys, refreshToken?: string): Promise<Record<string, string>> {
  const { body } = await buildTokenRequest(credentialOf(keys), refreshToken, nowMs)
  return Object.fromEntries(new URLSearchParams(Buffer.from(body ?? []).toString()))
}

const bearer = (assertion: Keys, more: Keys = {}): Keys => ({
  ...noClientAuthentication,
  grant_type: jwtBearer,
  ...more,
  token_request: { assertion },
})
const assertionOf = async (assertion: Keys, more: Keys = {}): Promise<string> =>
  (await paramsOf(bearer(assertion, more)))['assertion'] ?? ''

describe('the assertion of a JWT bearer grant (RFC 7523 2.1)', () => {
  test('says who speaks to whom, until when, and is signed', async () => {
    const params = await paramsOf(bearer({ alg: 'RS256', key: pem(rsa.privateKey), kid: 'key-7' }))
    expect(params).toEqual({ grant_type: jwtBearer, client_id: 'client', assertion: expect.any(String) as string })
    const { payload, protectedHeader } = await jwtVerify(params['assertion'] ?? '', rsa.publicKey, { currentDate: now })
    expect(protectedHeader).toEqual({ alg: 'RS256', typ: 'JWT', kid: 'key-7' })
    expect(payload).toEqual({
      iss: 'client',
      sub: 'client',
      aud: 'https://idp.example/token',
      iat,
      exp: iat + 60,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
    })
  })

  test.each([
    ['RS256', 'pkcs1', pem(rsa.privateKey, 'pkcs1'), rsa.publicKey],
    ['PS256', 'pkcs8', pem(rsa.privateKey), rsa.publicKey],
    ['ES256', 'sec1', pem(ec.privateKey, 'sec1'), ec.publicKey],
    ['EdDSA', 'pkcs8', pem(ed.privateKey), ed.publicKey],
    ['EdDSA', 'JWK', JSON.stringify(ed.privateKey.export({ format: 'jwk' })), ed.publicKey],
    ['RS256', 'a variable with \\n in it', pem(rsa.privateKey).trim().replaceAll('\n', '\\n'), rsa.publicKey],
    ['HS256', 'text', 'a shared secret', Buffer.from('a shared secret')],
    ['HS256', 'JWK', JSON.stringify({ kty: 'oct', k: Buffer.from([0, 1, 255]).toString('base64url') }), Buffer.from([0, 1, 255])],
  ])('is signed by %s with a key as %s', async (alg, _, key, verifyKey) => {
    await jwtVerify(await assertionOf({ alg, key }), verifyKey, { currentDate: now, algorithms: [alg] })
  })

  test('names the key of a JWK, unless another name is configured', async () => {
    const key = JSON.stringify({ ...ec.privateKey.export({ format: 'jwk' }), kid: 'own' })
    expect(decodeProtectedHeader(await assertionOf({ alg: 'ES256', key })).kid).toBe('own')
    expect(decodeProtectedHeader(await assertionOf({ alg: 'ES256', key, kid: 'other' })).kid).toBe('other')
  })

  test('is another one each time', async () => {
    const [one, other] = [
      await assertionOf({ alg: 'EdDSA', key: pem(ed.privateKey) }),
      await assertionOf({ alg: 'EdDSA', key: pem(ed.privateKey) }),
    ]
    expect(one).not.toBe(other)
  })

  test('has the configured claims, of any JSON, over the default ones', async () => {
    const claims = {
      sub: '{user}',
      aud: ['https://a.example', '{token_endpoint}'],
      scope: '{scope}',
      level: 3,
      admin: true,
      nested: { id: '{client_id}' },
      jti: null,
      iat: null,
    }
    const assertion = { alg: 'EdDSA', key: pem(ed.privateKey), lifetime: '90s', claims }
    expect(decodeJwt(await assertionOf(assertion, { scope: ['a', 'b'], variables: { user: 'u"{x}' } }))).toEqual({
      iss: 'client',
      sub: 'u"{x}',
      aud: ['https://a.example', 'https://idp.example/token'],
      scope: 'a b',
      level: 3,
      admin: true,
      nested: { id: 'client' },
      exp: iat + 90,
    })
  })

  test('takes what a variable filled in as it is, braces and all', async () => {
    const assertion = { alg: 'EdDSA', key: pem(ed.privateKey), claims: { tenant: '{tenant}' } }
    expect(decodeJwt(await assertionOf(assertion, { variables: { tenant: '{client_id}' } }))['tenant']).toBe('{client_id}')
  })

  test('is not sent along with a refresh token', async () => {
    expect(await paramsOf(bearer({ alg: 'EdDSA', key: pem(ed.privateKey) }), 'refresh-1')).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
      client_id: 'client',
    })
  })

  test('goes with a client assertion of its own, which has none of its claims', async () => {
    const keys = bearer(
      { alg: 'EdDSA', key: pem(ed.privateKey), claims: { sub: 'user' } },
      { token_endpoint_auth_method: 'private_key_jwt' },
    )
    const params = await paramsOf(keys)
    const [grant, client] = [decodeJwt(params['assertion'] ?? ''), decodeJwt(params['client_assertion'] ?? '')]
    expect([grant.sub, client.sub]).toEqual(['user', 'client'])
    expect(grant.jti).not.toBe(client.jti)
  })

  test('goes with a client assertion by the client secret, signed by HS256', async () => {
    const params = await paramsOf(
      bearer(
        { alg: 'EdDSA', key: pem(ed.privateKey), kid: 'k' },
        { token_endpoint_auth_method: 'client_secret_jwt', client_secret: 's3cret' },
      ),
    )
    await jwtVerify(params['assertion'] ?? '', ed.publicKey, { currentDate: now })
    const { protectedHeader } = await jwtVerify(params['client_assertion'] ?? '', Buffer.from('s3cret'), { currentDate: now })
    expect(protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' })
  })
})

test('{assertion} stands in fields, the query and parameters, once per request', async () => {
  const { headers, url, body } = await buildTokenRequest(
    credentialOf({
      ...noClientAuthentication,
      token_request: {
        encoding: 'json',
        assertion: { alg: 'EdDSA', key: pem(ed.privateKey) },
        headers: { Authorization: 'Bearer {assertion}' },
        query: { a: '{assertion}' },
        params: { deep: [{ jwt: '{assertion}' }] },
      },
    }),
  )
  const [inField, inQuery] = [headers['Authorization']?.replace('Bearer ', ''), new URL(url).searchParams.get('a')]
  const { deep } = JSON.parse(Buffer.from(body ?? []).toString()) as { readonly deep: readonly { readonly jwt: string }[] }
  expect([inField, inQuery]).toEqual([deep[0]?.jwt, deep[0]?.jwt])
  await jwtVerify(inField ?? '', ed.publicKey)
})

test('claims of client_credentials belong to the client assertion', async () => {
  const token_request = {
    assertion: { alg: 'EdDSA', key: pem(ed.privateKey), claims: { scope: '{scope}', aud: 'https://idp.example' } },
  }
  const params = await paramsOf({
    client_secret: undefined,
    token_endpoint_auth_method: 'private_key_jwt',
    scope: 'rest',
    token_request,
  })
  expect(decodeJwt(params['client_assertion'] ?? '')).toMatchObject({
    iss: 'client',
    sub: 'client',
    aud: 'https://idp.example',
    scope: 'rest',
  })
})

describe('a self-signed token', () => {
  const keys = { client_secret: undefined, token_endpoint: undefined, grant_type: 'self_signed' }
  const send = () => Promise.reject(new Error('nobody is to be asked'))
  const nothing = { refreshToken: undefined, lifetimeMs: undefined }

  test('is the assertion, ends with it, and asks nobody', async () => {
    const requestGrant = createGrantRequest({ send, close: async () => {} }, () => nowMs)
    const claims = { aud: 'https://api.example', sub: null }
    const grant = await requestGrant(
      credentialOf({ ...keys, token_request: { assertion: { alg: 'ES256', key: pem(ec.privateKey), lifetime: '10m', claims } } }),
      nothing,
    )
    const { payload } = await jwtVerify(grant.accessToken, ec.publicKey, { currentDate: now })
    expect(payload).toEqual({ iss: 'client', aud: 'https://api.example', jti: expect.any(String) as string, iat, exp: iat + 600 })
    expect(grant.lifetime).toEqual({ ms: 600_000 - 999, source: 'response', oddity: undefined })
  })
})

test('a key file that holds no key any more is a refusal that says so, and shows nothing of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'key.pem')
  writeFileSync(file, pem(ec.privateKey))
  const credential = credentialOf(bearer({ alg: 'ES256', key: { file } }))
  await buildTokenRequest(credential)
  writeFileSync(file, '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----')
  const error: unknown = await buildTokenRequest(credential).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ kind: 'refused', code: 'unusable_key' })
  expect(inspect(error)).not.toContain('canary')
  const next = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(file, pem(next.privateKey))
  const { body } = await buildTokenRequest(credential, undefined, nowMs)
  await jwtVerify(new URLSearchParams(Buffer.from(body ?? []).toString()).get('assertion') ?? '', next.publicKey, {
    currentDate: now,
  })
})

test('a credential with a key does not print it', () => {
  const credential = credentialOf(bearer({ alg: 'HS256', key: 'canary-shared-secret' }))
  expect(inspect(credential, { depth: 9 }) + JSON.stringify(credential)).not.toContain('canary-shared')
})

describe('the other grants', () => {
  test('password asks with the variables (RFC 6749 4.3.2)', async () => {
    const variables = { username: 'u', password: 'p&=' }
    expect(await paramsOf({ grant_type: 'password', variables })).toEqual({
      grant_type: 'password',
      username: 'u',
      password: 'p&=',
    })
    const params = { username: null, login: '{username}' }
    expect(await paramsOf({ grant_type: 'password', variables, token_request: { params } })).toEqual({
      grant_type: 'password',
      login: 'u',
      password: 'p&=',
    })
  })

  test('refresh_token asks with the configured one first and with the rotated one then, in templates too (RFC 6749 6)', async () => {
    const keys = {
      grant_type: 'refresh_token',
      variables: { refresh_token: 'first' },
      token_request: { params: { refreshToken: '{refresh_token}' } },
    }
    expect(await paramsOf(keys)).toEqual({ grant_type: 'refresh_token', refresh_token: 'first', refreshToken: 'first' })
    expect(await paramsOf(keys, 'rotated')).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'rotated',
      refreshToken: 'rotated',
    })
  })
})

test('what signs assertions and checks tokens is loaded with the first one: no other gateway pays for it', () => {
  const folder = join(import.meta.dirname, '../../src')
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const lines = files
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => /['"]jose\b/.test(line) && !line.startsWith('import type '))
  expect(lines.map((line) => line.trim()).sort()).toEqual([
    "const { SignJWT } = await import('jose/jwt/sign')",
    "const { createLocalJWKSet } = await import('jose/jwks/local')",
    "const { jwtVerify } = await import('jose/jwt/verify')",
  ])
})
