import { generateKeyPairSync } from 'node:crypto'
import { stringify } from 'yaml'
import { describe, expect, it } from 'vitest'
import { problemsOf } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'

type Keys = Readonly<Record<string, unknown>>

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: typeof ec.privateKey): string => key.export({ format: 'pem', type: 'pkcs8' }).toString()
const [rsaPem, ecPem] = [pem(rsa.privateKey), pem(ec.privateKey)]
const jwtBearer = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

/** `path: problem; remedy` of each problem of a credential. */
function problems(keys: Keys): string[] {
  const main = { token_endpoint: 'https://auth.example.com/token', client_id: 'client', ...keys }
  const text = stringify({
    credentials: { main },
    routes: [{ path: '/api', upstream: 'https://api.example.com', credential: 'main' }],
  })
  const found = problemsOf(text).map((line) => line.replace(/^f\.yaml:\d+:\d+: credentials\.main\./, ''))
  for (const line of found) expect(line).toMatch(/^[a-z_.[\]0-9]+: [^;]+; .+/i)
  expect(found.join()).not.toMatch(/canary|[A-Za-z0-9+/]{40}/)
  return found
}

const privateKeyJwt = (assertion?: Keys): Keys => ({
  token_endpoint_auth_method: 'private_key_jwt',
  token_request: assertion === undefined ? {} : { assertion },
})

describe('what works', () => {
  it.each<[string, Keys]>([
    ['private_key_jwt', privateKeyJwt({ alg: 'RS256', key: rsaPem })],
    [
      'private_key_jwt by PS256',
      privateKeyJwt({ alg: 'PS256', key: rsaPem, kid: 'a', lifetime: '5m', claims: { aud: '{token_endpoint}' } }),
    ],
    ['client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt', client_secret: 'secret' }],
    [
      'client_secret_jwt with a lifetime',
      {
        token_endpoint_auth_method: 'client_secret_jwt',
        client_secret: 'secret',
        token_request: { assertion: { alg: 'HS256', lifetime: '2m' } },
      },
    ],
    [
      'JWT bearer',
      { token_endpoint_auth_method: 'none', grant_type: jwtBearer, token_request: { assertion: { alg: 'ES256', key: ecPem } } },
    ],
    [
      'JWT bearer without client_id',
      {
        client_id: undefined,
        token_endpoint_auth_method: 'none',
        grant_type: jwtBearer,
        token_request: { assertion: { alg: 'ES256', key: ecPem, claims: { iss: 'me', sub: null } } },
      },
    ],
    [
      'self_signed',
      { token_endpoint: undefined, grant_type: 'self_signed', token_request: { assertion: { alg: 'HS256', key: 'shared' } } },
    ],
    [
      'an assertion in a template',
      {
        token_endpoint_auth_method: 'none',
        token_request: { headers: { Authorization: 'Bearer {assertion}' }, assertion: { alg: 'ES256', key: ecPem } },
      },
    ],
    ['password', { client_secret: 's', grant_type: 'password', variables: { username: 'u', password: 'p' } }],
    [
      'password by parameters',
      {
        client_secret: 's',
        grant_type: 'password',
        variables: { u: 'u' },
        token_request: { params: { username: '{u}', password: 'p' } },
      },
    ],
    ['refresh_token', { client_secret: 's', grant_type: 'refresh_token', variables: { refresh_token: 'r' } }],
    ['a next secret', { client_secret: 's', client_secret_next: 't' }],
  ])('%s', (_, keys) => {
    expect(problems(keys)).toEqual([])
  })
})

describe('what is missing', () => {
  it.each<[string, Keys, string[]]>([
    ['the assertion of private_key_jwt', privateKeyJwt(), ['token_request.assertion']],
    ['its key and alg', privateKeyJwt({}), ['token_request.assertion.alg', 'token_request.assertion.key']],
    ['the client of private_key_jwt', { ...privateKeyJwt({ alg: 'RS256', key: rsaPem }), client_id: undefined }, ['client_id']],
    ['the secret of client_secret_jwt', { token_endpoint_auth_method: 'client_secret_jwt' }, ['client_secret']],
    ['the assertion of JWT bearer', { token_endpoint_auth_method: 'none', grant_type: jwtBearer }, ['token_request.assertion']],
    ['the assertion of self_signed', { token_endpoint: undefined, grant_type: 'self_signed' }, ['token_request.assertion']],
    [
      'the assertion of a template',
      { token_endpoint_auth_method: 'none', token_request: { headers: { 'X-Jwt': '{assertion}' } } },
      ['token_request.assertion'],
    ],
    [
      'whom a self-signed token speaks for',
      {
        client_id: undefined,
        token_endpoint: undefined,
        grant_type: 'self_signed',
        token_request: { assertion: { alg: 'HS256', key: 'shared' } },
      },
      ['client_id'],
    ],
    [
      'the user of password',
      { client_secret: 's', grant_type: 'password', variables: { password: 'p' } },
      ['variables.username'],
    ],
    ['the refresh token', { client_secret: 's', grant_type: 'refresh_token' }, ['variables.refresh_token']],
    ['the token endpoint of everything else', { client_secret: 's', token_endpoint: undefined }, ['token_endpoint']],
    ['the certificate of tls_client_auth', { token_endpoint_auth_method: 'tls_client_auth' }, ['token_request.tls.cert']],
    [
      'the secret before the next one',
      { token_endpoint_auth_method: 'client_secret_post', client_secret_next: 't' },
      ['client_secret'],
    ],
  ])('is required: %s', (_, keys, paths) => {
    const found = problems(keys)
    expect(found.map((line) => line.split(':')[0])).toEqual(paths)
    for (const line of found) expect(line).toContain('this key is required')
  })
})

describe('a key', () => {
  const jwk = (key: typeof ec.privateKey, more: Keys = {}): string =>
    JSON.stringify({ ...key.export({ format: 'jwk' }), ...more })
  it.each<[string, string, string, RegExp]>([
    ['HS256', rsaPem, 'HS256 signs with a shared secret', /RS256/],
    ['HS256', jwk(rsa.privateKey), 'HS256 signs with a shared secret', /oct/],
    ['RS256', ecPem, 'ec (prime256v1)', /ES256/],
    ['ES256', rsaPem, 'of the kind rsa', /RS256 or PS256/],
    ['EdDSA', rsaPem, 'of the kind rsa', /RS256/],
    ['ES256', pem(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), 'secp384r1', /P-256/],
    ['EdDSA', pem(generateKeyPairSync('x25519').privateKey), 'x25519', /Ed25519/],
    ['RS256', pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey), 'shorter than 2048', /longer/],
    ['RS256', rsa.publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'no private key', /not the public one/],
    ['RS256', jwk(rsa.publicKey), 'no private key', /not the public one/],
    ['RS256', jwk(rsa.privateKey, { alg: 'PS256' }), 'not for RS256', /alg of the JWK/],
    ['RS256', JSON.stringify({ keys: [rsa.privateKey.export({ format: 'jwk' })] }), 'set of keys', /one JWK/],
    ['RS256', JSON.stringify({ kty: 'oct', k: 'canary' }), 'shared secret', /HS256/],
    ['RS256', '{"kty": canary', 'not JSON', /JWK/],
    ['RS256', '{"kty": "RSA", "d": "canary"}', 'cannot be read', /whole/],
    ['RS256', 'canary', 'neither a key in PEM nor a JWK', /-----BEGIN/],
    ['RS256', '-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----', 'cannot be read', /line breaks/],
    [
      'RS256',
      rsa.privateKey.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      'encrypted',
      /decrypt/,
    ],
  ])('that does not fit %s is refused, with the reason (%#)', (alg, key, problem, remedy) => {
    // The way of the key matters not: both grants and clients need it.
    for (const keys of [
      { token_endpoint_auth_method: 'none', grant_type: jwtBearer, token_request: { assertion: { alg, key } } },
    ]) {
      const [found = '', ...more] = problems(keys)
      expect(more).toEqual([])
      expect(found).toMatch(/^token_request\.assertion\.key: /)
      expect(found).toContain(problem)
      expect(found).toMatch(remedy)
    }
  })

  it('in a file that cannot be read is refused, with the path', () => {
    expect(problems(privateKeyJwt({ alg: 'RS256', key: { file: '/nowhere/key.pem' } }))[0]).toContain(
      '/nowhere/key.pem does not exist; correct its path',
    )
  })
})

describe('what cannot work or has no effect', () => {
  const assertion = { alg: 'ES256', key: ecPem }
  it.each<[string, Keys, string[]]>([
    ['private_key_jwt by a shared secret', privateKeyJwt({ alg: 'HS256', key: 'shared' }), ['token_request.assertion.alg']],
    [
      'client_secret_jwt with a key',
      { token_endpoint_auth_method: 'client_secret_jwt', client_secret: 's', token_request: { assertion } },
      ['token_request.assertion.alg', 'token_request.assertion.key'],
    ],
    ['an assertion that nothing uses', { client_secret: 's', token_request: { assertion } }, ['token_request.assertion']],
    [
      'an assertion in inject',
      { ...privateKeyJwt(assertion), inject: { header: 'X', value: '{access_token}{assertion}' } },
      ['inject.value'],
    ],
    [
      'an assertion in its own claims',
      privateKeyJwt({ ...assertion, claims: { a: '{assertion}' } }),
      ['token_request.assertion.claims.a'],
    ],
    [
      'a token in the claims',
      privateKeyJwt({ ...assertion, claims: { a: '{access_token}' } }),
      ['token_request.assertion.claims.a'],
    ],
    ['an end in the claims', privateKeyJwt({ ...assertion, claims: { exp: 1 } }), ['token_request.assertion.claims.exp']],
    [
      'a beginning in the claims',
      privateKeyJwt({ ...assertion, claims: { iat: 1, nbf: 'x' } }),
      ['token_request.assertion.claims.iat', 'token_request.assertion.claims.nbf'],
    ],
    ['a lifetime of nothing', privateKeyJwt({ ...assertion, lifetime: '1s' }), ['token_request.assertion.lifetime']],
    [
      'a secret with a key',
      { ...privateKeyJwt(assertion), client_secret: 's', client_secret_next: 't' },
      ['client_secret', 'client_secret_next'],
    ],
    [
      'a client that is not sent',
      { ...privateKeyJwt(), token_request: { assertion, encoding: 'none' } },
      ['token_request.encoding'],
    ],
    [
      'a grant that is not sent',
      { token_endpoint_auth_method: 'none', grant_type: jwtBearer, token_request: { assertion, encoding: 'none' } },
      ['token_request.encoding'],
    ],
    [
      'a refresh token for ever',
      {
        client_secret: 's',
        grant_type: 'refresh_token',
        variables: { refresh_token: 'r' },
        token_request: { params: { refresh_token: 'x' } },
      },
      ['token_request.params.refresh_token'],
    ],
    [
      'TLS without https',
      { token_endpoint: 'http://localhost/token', client_secret: 's', token_request: { tls: {} } },
      ['token_request.tls'],
    ],
    [
      'a token request of self_signed',
      {
        grant_type: 'self_signed',
        audience: 'x',
        client_secret: 's',
        scope: 'a',
        token_response: { expires: { default: '1m' } },
        token_requests: { limit: 1, window: '1h' },
        token_request: { assertion: { ...assertion, claims: { aud: 'x' } }, timeout: '1s', params: { a: 'b' } },
      },
      [
        'token_endpoint',
        'audience',
        'client_secret',
        'scope',
        'token_response',
        'token_requests',
        'token_request.timeout',
        'token_request.params',
      ],
    ],
  ])('%s', (_, keys, paths) => {
    expect(new Set(problems(keys).map((line) => line.split(':')[0]))).toEqual(new Set(paths))
  })

  it('a token endpoint that only a template of self_signed names', () => {
    const keys = {
      token_endpoint: undefined,
      grant_type: 'self_signed',
      token_request: { assertion: { ...assertion, claims: { aud: '{token_endpoint}' } } },
    }
    expect(problems(keys)[0]).toMatch(/^token_endpoint: this key is required/)
  })
})

describe.skipIf(!hasOpenssl)('certificates', () => {
  it('must be there, be certificates, and belong together', () => {
    const authority = certificateAuthority()
    const [one, other] = [authority.issue('one'), authority.issue('other')]
    const noPem = scratch().write('no.pem', 'canary')
    const tls = (keys: Keys): Keys => ({ token_endpoint_auth_method: 'tls_client_auth', token_request: { tls: keys } })
    expect(problems(tls({ ...one, ca: authority.cert }))).toEqual([])
    expect(problems({ client_secret: 's', token_request: { tls: { ca: authority.cert } } })).toEqual([])
    expect(problems(tls({ cert: one.cert, key: other.key }))[0]).toMatch(/tls\.key: this is not the private key of tls\.cert/)
    expect(problems(tls({ cert: one.cert }))[0]).toMatch(/tls\.key: this key is required/)
    expect(problems({ client_secret: 's', token_request: { tls: { key: one.key } } })[0]).toMatch(
      /tls\.cert: this key is required/,
    )
    expect(problems(tls({ ...one, cert: one.key }))[0]).toMatch(/tls\.cert: this holds no certificate/)
    expect(problems(tls({ ...one, key: one.cert }))[0]).toMatch(/tls\.key: this holds no private key/)
    expect(problems(tls({ ...one, ca: noPem }))[0]).toMatch(/tls\.ca: this holds no certificate/)
    expect(problems(tls({ ...one, ca: '/nowhere/ca.pem' }))[0]).toMatch(/ca\.pem does not exist; correct its path/)
    expect(problems({ ...tls({ ...one }), token_endpoint: 'http://localhost/token' })[0]).toMatch(/use https/)
  })
})
