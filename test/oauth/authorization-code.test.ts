import { createHash } from 'node:crypto'
import { describe, expect, it, test } from 'vitest'
import { authorizationUrl, judgeRedirect, newAuthorizationAttempt } from '../../src/oauth/authorization-code.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { credentialOf } from '../support/tokens-credential.ts'

// A configured refresh token does without a token store that lasts; nothing here uses it.
const keys = { grant_type: 'refresh_token', variables: { refresh_token: 'first' }, client_secret: 'canary-client-secret' }
const attempt = newAuthorizationAttempt()
const redirectUri = 'http://127.0.0.1:4711/callback'

describe('an authorization request', () => {
  const paramsOf = (more: Readonly<Record<string, unknown>>) => {
    const credential = { ...credentialOf(keys), authorization_endpoint: 'https://idp.example/authorize', ...more }
    return new URL(authorizationUrl(credential, attempt, redirectUri))
  }

  it('asks for a code with PKCE S256, and nothing that is not configured', () => {
    const { origin, pathname, searchParams } = paramsOf({})
    expect(origin + pathname).toBe('https://idp.example/authorize')
    expect(Object.fromEntries(searchParams)).toEqual({
      response_type: 'code',
      client_id: 'client',
      redirect_uri: redirectUri,
      state: attempt.state,
      code_challenge: createHash('sha256').update(attempt.codeVerifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
  })

  it('carries scope, audience and resource', () => {
    const { searchParams } = paramsOf({ scope: ['a', 'b'], scope_delimiter: ',', audience: 'x', resource: 'https://api.example' })
    expect(Object.fromEntries(searchParams)).toMatchObject({ scope: 'a,b', audience: 'x', resource: 'https://api.example' })
  })

  it('keeps what the endpoint has in its query already (RFC 6749 3.1)', () => {
    const { search } = paramsOf({ authorization_endpoint: 'https://idp.example/authorize?prompt=consent&x=%2F' })
    expect(search).toMatch(/^\?prompt=consent&x=%2F&response_type=code&/)
  })

  it('never holds the verifier or the secret', () => {
    expect(paramsOf({}).href).not.toMatch(new RegExp(`${attempt.codeVerifier}|canary`))
  })
})

test('every attempt has a state and a verifier of its own, of the length that RFC 7636 4.1 wants', () => {
  const attempts = Array.from({ length: 50 }, newAuthorizationAttempt)
  const values = attempts.flatMap(({ state, codeVerifier }) => [state, codeVerifier])
  expect(new Set(values).size).toBe(100)
  for (const value of values) expect(value).toMatch(/^[A-Za-z0-9_-]{43}$/)
})

describe('an answer', () => {
  const judge = (query: string, more = {}) =>
    judgeRedirect({ ...credentialOf(keys), ...more }, attempt, new URLSearchParams(query.replaceAll('STATE', attempt.state)))

  it.each([
    ['no state', 'code=c'],
    ['an empty state', 'code=c&state='],
    ['another state', `code=c&state=${newAuthorizationAttempt().state}`],
    ['more than the state', 'code=c&state=STATEx'],
    ['less than the state', `code=c&state=${attempt.state.slice(0, -1)}`],
    ['two states', 'code=c&state=STATE&state=x'],
    ['an error with another state', 'error=access_denied&state=x'],
  ])('with %s is a stray one', (_, query) => {
    expect(judge(query)).toMatchObject({ outcome: 'stray', message: expect.not.stringContaining(attempt.state) as string })
  })

  it('with the state and a code is granted', () => {
    expect(judge('code=a%20b%2Bc&state=STATE')).toEqual({ outcome: 'granted', code: 'a b+c' })
  })

  it.each([
    ['neither', 'state=STATE', 'neither a code nor an error'],
    ['an empty code', 'code=&state=STATE', 'neither a code nor an error'],
    ['a line break in its code', 'code=a%0d%0ab&state=STATE', 'neither a code nor an error'],
    ['two codes', 'code=a&code=b&state=STATE', 'code more than once'],
    ['an error besides a code', 'code=a&error=access_denied&state=STATE', 'consent was denied (access_denied)'],
    ['a description', 'error=invalid_scope&error_description=no+such%3A+x&state=STATE', '(invalid_scope): no such: x'],
    ['an error that nobody knows', 'error=odd_one&state=STATE', 'the provider refused (odd_one)'],
    ['the name of a method as error', 'error=constructor&state=STATE', 'the provider refused (constructor)'],
  ])('with the state and %s is refused', (_, query, message) => {
    expect(judge(query)).toMatchObject({ outcome: 'refused', message: expect.stringContaining(message) as string })
  })

  it.each([
    ['an escape sequence', '%1b[2J'],
    ['a line break', 'a%0ab'],
    ['a quote (RFC 6749 4.1.2.1)', 'say+%22x%22'],
    ['another script, which may be read from right to left', '%E2%80%AEx'],
    ['more than a line of text', 'x'.repeat(201)],
    ['the client secret', 'your+canary-client-secret+is+wrong'],
  ])('has its description shown, unless it holds %s', (_, description) => {
    expect(judge(`error=access_denied&error_description=${description}&state=STATE`)).toEqual({
      outcome: 'refused',
      message: 'consent was denied (access_denied)',
    })
  })

  it('with an error code that is none shows nothing of it', () => {
    expect(judge('error=a%1bb%20c&state=STATE')).toMatchObject({ message: 'the provider refused (unrecognised_error)' })
  })

  it('from another issuer than the configured one is refused, code or error (RFC 9207 2.4)', () => {
    const issuer = { issuer: 'https://idp.example' }
    for (const rest of ['code=c', 'error=access_denied'])
      expect(judge(`${rest}&iss=https%3A%2F%2Fidp.example%2F&state=STATE`, issuer)).toMatchObject({
        outcome: 'refused',
        message: expect.stringContaining('another provider') as string,
      })
    expect(judge('code=c&iss=https%3A%2F%2Fidp.example&state=STATE', issuer)).toMatchObject({ outcome: 'granted' })
    expect(judge('code=c&iss=https%3A%2F%2Fidp.example&iss=x&state=STATE', issuer)).toMatchObject({ outcome: 'refused' })
    expect(judge('code=c&state=STATE', issuer)).toMatchObject({ outcome: 'granted' })
    expect(judge('code=c&iss=anything&state=STATE')).toMatchObject({ outcome: 'granted' })
  })
})

describe('the token request for a code', () => {
  const code = { code: 'the-code', redirectUri, codeVerifier: 'verifier' }
  const sent = async (more: Readonly<Record<string, unknown>>) => {
    const { body, headers, method } = await buildTokenRequest(credentialOf({ ...keys, ...more }), code)
    return { headers, method, text: Buffer.from(body ?? []).toString() }
  }
  const params = { grant_type: 'authorization_code', code: 'the-code', redirect_uri: redirectUri, code_verifier: 'verifier' }

  it('is that of RFC 6749 4.1.3 and RFC 7636 4.5, without a scope and without the configured refresh token', async () => {
    const { text, headers } = await sent({ scope: 'read', resource: 'https://api.example' })
    expect(Object.fromEntries(new URLSearchParams(text))).toEqual({ ...params, resource: 'https://api.example' })
    expect(headers['authorization']).toMatch(/^Basic /)
  })

  it('follows the recipe of the credential', async () => {
    const { text, headers } = await sent({
      token_endpoint_auth_method: 'client_secret_post',
      token_request: {
        encoding: 'json',
        headers: { 'X-Api-Key': 'key' },
        params: { grant_type: 'their_own_refresh', extra: 'x' },
      },
    })
    expect(headers['X-Api-Key']).toBe('key')
    expect(JSON.parse(text)).toEqual({ ...params, client_id: 'client', client_secret: 'canary-client-secret', extra: 'x' })
  })
})
