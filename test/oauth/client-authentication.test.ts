import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import * as oauth from 'oauth4webapi'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { authorizationServer } from '../support/authorization-server.ts'
import type { ClientMetadata } from '../support/authorization-server.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { credentialOf } from '../support/tokens-credential.ts'

// The authorization server recommends things on the console that a test need not follow.
beforeAll(() => {
  for (const method of ['warn', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})

const transport = createTokenTransport('bearerd/test')
afterAll(() => transport.close())
const requestGrant = createGrantRequest(transport, () => Date.now())
const nothing = { refreshToken: undefined, lifetimeMs: undefined }

const client_id = 'client-1'
const client_secret = 'canary: a+secret&with/every=thing% that-is 32 bytes'
const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
} as const
type Alg = keyof typeof pairs
const algs = Object.keys(pairs) as Alg[]
const pemKey = (alg: Alg): string => pairs[alg].privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const jwkKey = (alg: Alg): string => JSON.stringify({ ...pairs[alg].privateKey.export({ format: 'jwk' }), kid: `kid-of-${alg}` })
const publicJwk = (alg: Alg) => ({ ...pairs[alg].publicKey.export({ format: 'jwk' }), use: 'sig', kid: `kid-of-${alg}` })

type Keys = Readonly<Record<string, unknown>>

/** Asks a strict server at which the client is registered so; the recipe is everything but the endpoint. */
async function ask(metadata: Omit<ClientMetadata, 'client_id'>, keys: Keys) {
  const token_endpoint = await authorizationServer([{ client_id, ...metadata }])
  return await requestGrant(
    credentialOf({ token_endpoint, client_id, client_secret: undefined, scope: 'read', ...keys }),
    nothing,
  )
}

const granted = { accessToken: expect.stringMatching(/^\S{20,}$/) as string, lifetime: { source: 'response' } }
const refused = { name: 'TokenRequestError', kind: 'refused', code: 'invalid_client' }

describe.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])(
  'a strict authorization server and %s',
  (token_endpoint_auth_method) => {
    test('grant a token for the secret', async () => {
      expect(
        await ask({ token_endpoint_auth_method, client_secret }, { token_endpoint_auth_method, client_secret }),
      ).toMatchObject(granted)
    })

    test('refuse another secret, and it is reported as refused, without the secret', async () => {
      const error: unknown = await ask(
        { token_endpoint_auth_method, client_secret: `${client_secret}!` },
        { token_endpoint_auth_method, client_secret },
      ).catch((reason: unknown) => reason)
      expect(error).toMatchObject(refused)
      expect(`${String(error)} ${JSON.stringify(error)}`).not.toContain('canary')
    })

    test('refuse a client that is registered with another method', async () => {
      const other = token_endpoint_auth_method === 'client_secret_jwt' ? 'client_secret_basic' : 'client_secret_jwt'
      await expect(
        ask({ token_endpoint_auth_method: other, client_secret }, { token_endpoint_auth_method, client_secret }),
      ).rejects.toMatchObject(refused)
    })
  },
)

describe.each(algs)('a strict authorization server and private_key_jwt by %s', (alg) => {
  const token_endpoint_auth_method = 'private_key_jwt'
  const metadata = { token_endpoint_auth_method, token_endpoint_auth_signing_alg: alg, jwks: { keys: [publicJwk(alg)] } }

  test('grant a token for a key in PEM, and for one as a JWK', async () => {
    for (const key of [pemKey(alg), jwkKey(alg)]) {
      expect(await ask(metadata, { token_endpoint_auth_method, token_request: { assertion: { alg, key } } })).toMatchObject(
        granted,
      )
    }
  })

  test('refuse another key, and it is reported as refused', async () => {
    const key = { RS256: pemKey('PS256'), PS256: pemKey('RS256') }[alg as string] ?? freshKey(alg)
    await expect(ask(metadata, { token_endpoint_auth_method, token_request: { assertion: { alg, key } } })).rejects.toMatchObject(
      refused,
    )
  })

  test('take each assertion once: the next request brings another one', async () => {
    const token_endpoint = await authorizationServer([{ client_id, ...metadata }])
    const credential = credentialOf({
      token_endpoint,
      client_id,
      client_secret: undefined,
      scope: 'read',
      token_endpoint_auth_method,
      token_request: { assertion: { alg, key: pemKey(alg) } },
    })
    for (let count = 0; count < 3; count++) expect(await requestGrant(credential, nothing)).toMatchObject(granted)
  })
})

function freshKey(alg: Alg): string {
  const { privateKey } = alg === 'EdDSA' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

test('a strict authorization server and none: a client without a secret is known by its identifier', async () => {
  expect(await ask({ token_endpoint_auth_method: 'none' }, { token_endpoint_auth_method: 'none' })).toMatchObject(granted)
})

test('a strict authorization server refuses an assertion for another audience, and one that has ended', async () => {
  const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicJwk('ES256')] } }
  const assertion = { alg: 'ES256', key: pemKey('ES256') }
  const keys = {
    token_endpoint_auth_method: 'private_key_jwt',
    token_request: { assertion: { ...assertion, claims: { aud: 'https://elsewhere.example' } } },
  }
  await expect(ask(metadata, keys)).rejects.toMatchObject(refused)
  const token_endpoint = await authorizationServer([{ client_id, ...metadata }])
  const late = createGrantRequest(transport, () => Date.now() - 3_600_000)
  const credential = credentialOf({
    token_endpoint,
    client_id,
    client_secret: undefined,
    token_endpoint_auth_method: 'private_key_jwt',
    token_request: { assertion },
  })
  await expect(late(credential, nothing)).rejects.toMatchObject(refused)
})

test.skipIf(!hasOpenssl)(
  'a strict authorization server grants a token for the certificate of the connection, and for no other (RFC 8705 2.1)',
  async () => {
    const authority = certificateAuthority()
    const [server, ours, theirs] = ['server', 'client-1', 'client-2'].map((name) => authority.issue(name))
    const metadata = { client_id, token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=client-1' }
    const token_endpoint = await authorizationServer([metadata], {
      cert: server?.cert ?? '',
      key: server?.key ?? '',
      ca: authority.cert,
    })
    const credentialWith = (tls: Keys) =>
      credentialOf({
        token_endpoint,
        client_id,
        client_secret: undefined,
        token_endpoint_auth_method: 'tls_client_auth',
        scope: 'read',
        token_request: { tls: { ca: authority.cert, ...tls } },
      })
    expect(await requestGrant(credentialWith({ ...ours }), nothing)).toMatchObject(granted)
    const pemText = { cert: pemOf(ours?.cert ?? ''), key: { file: ours?.key } }
    expect(await requestGrant(credentialWith(pemText), nothing)).toMatchObject(granted)
    await expect(requestGrant(credentialWith({ ...theirs }), nothing)).rejects.toMatchObject(refused)
    await expect(requestGrant(credentialWith({ ...certificateAuthority().issue('client-1') }), nothing)).rejects.toMatchObject(
      refused,
    )
  },
)

describe('oauth4webapi sends the same', () => {
  const server: oauth.AuthorizationServer = { issuer: 'https://idp.example', token_endpoint: 'https://idp.example/token' }
  const importKey = (alg: Alg, name: 'RSASSA-PKCS1-v1_5' | 'RSA-PSS' | 'ECDSA' | 'Ed25519') =>
    crypto.subtle.importKey(
      'pkcs8',
      pairs[alg].privateKey.export({ format: 'der', type: 'pkcs8' }),
      { name, hash: 'SHA-256', namedCurve: 'P-256' },
      false,
      ['sign'],
    )
  const cases: [method: string, keys: Keys, theirs: () => oauth.ClientAuth | Promise<oauth.ClientAuth>][] = [
    ['client_secret_basic', { client_secret }, () => oauth.ClientSecretBasic(client_secret)],
    ['client_secret_post', { client_secret }, () => oauth.ClientSecretPost(client_secret)],
    ['client_secret_jwt', { client_secret }, () => oauth.ClientSecretJwt(client_secret)],
    [
      'private_key_jwt',
      { token_request: { assertion: { alg: 'RS256', key: pemKey('RS256') } } },
      async () => oauth.PrivateKeyJwt(await importKey('RS256', 'RSASSA-PKCS1-v1_5')),
    ],
    [
      'private_key_jwt',
      { token_request: { assertion: { alg: 'PS256', key: pemKey('PS256') } } },
      async () => oauth.PrivateKeyJwt(await importKey('PS256', 'RSA-PSS')),
    ],
    [
      'private_key_jwt',
      { token_request: { assertion: { alg: 'ES256', key: pemKey('ES256') } } },
      async () => oauth.PrivateKeyJwt(await importKey('ES256', 'ECDSA')),
    ],
    ['none', {}, () => oauth.None()],
  ]

  test.each(cases)('for %s', async (token_endpoint_auth_method, keys, theirs) => {
    let sent: { readonly headers: Headers; readonly body: URLSearchParams } | undefined
    await oauth.clientCredentialsGrantRequest(
      server,
      { client_id },
      await theirs(),
      { scope: 'read' },
      {
        [oauth.customFetch]: (_url, { headers, body }) => {
          sent = { headers: new Headers(headers), body: new URLSearchParams(String(body)) }
          return Promise.resolve(new Response('{}'))
        },
      },
    )
    const request = await buildTokenRequest(
      credentialOf({ client_id, client_secret: undefined, scope: 'read', token_endpoint_auth_method, ...keys }),
    )
    const body = new URLSearchParams(Buffer.from(request.body ?? []).toString())
    // They escape letters that need not be; both are the same form encoding.
    const userPass = (headers: Headers | undefined) =>
      new URLSearchParams(`x=${atob(headers?.get('authorization')?.replace('Basic ', '') ?? '')}`).get('x')
    expect(userPass(new Headers(request.headers))).toBe(userPass(sent?.headers))
    const assertion = body.get('client_assertion')
    const expected = sent?.body.get('client_assertion')
    for (const params of [body, sent?.body]) params?.delete('client_assertion')
    expect(Object.fromEntries(body)).toEqual(Object.fromEntries(sent?.body ?? []))
    expect(assertion === null).toBe(expected === null)
    if (assertion === null || expected === null || expected === undefined) return
    expect(decodeProtectedHeader(assertion).alg).toBe(decodeProtectedHeader(expected).alg)
    // Their audience is the issuer, ours the token endpoint, which RFC 7523 3 names.
    const { iss, sub } = decodeJwt(expected)
    expect(decodeJwt(assertion)).toEqual({
      iss,
      sub,
      aud: server.token_endpoint,
      jti: expect.any(String) as string,
      iat: expect.any(Number) as number,
      exp: expect.any(Number) as number,
    })
  })
})
