import { describe, expect, test } from 'vitest'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { judgeTokenResponse } from '../../src/oauth/token-response.ts'
import type { Grant, TokenResponse } from '../../src/oauth/token-response.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const nowEpochMs = Date.UTC(2026, 0, 1)
const canary = 'CANARY-BODY-TEXT'

function judge(
  response: Partial<TokenResponse> & { readonly json?: unknown },
  keys: Readonly<Record<string, unknown>> = {},
): Grant {
  const { json, ...rest } = response
  const body = json === undefined ? '' : JSON.stringify(json)
  return judgeTokenResponse(credentialOf(keys), { status: 200, headers: {}, body, ...rest }, nowEpochMs)
}

/** The failure of an answer; whatever it is, it shows nothing of the body and no secret. */
function failureOf(response: Parameters<typeof judge>[0], keys: Readonly<Record<string, unknown>> = {}): TokenRequestError {
  try {
    judge(response, keys)
  } catch (error) {
    if (!(error instanceof TokenRequestError)) throw error
    const shown = `${error.message} ${error.code} ${error.stack ?? ''} ${JSON.stringify(error)}`
    for (const hidden of [canary, 'canary-client-secret', 'canary-variable']) expect(shown).not.toContain(hidden)
    expect(error.cause).toBeUndefined()
    return error
  }
  throw new Error('the answer was taken for a grant')
}

describe('a grant', () => {
  test.each([200, 201, 203])('is taken from any 2xx: %i', (status) => {
    expect(judge({ status, json: { access_token: 'abc.DEF-_~+/==', expires_in: 60, other: 1 } })).toMatchObject({
      accessToken: 'abc.DEF-_~+/==',
      lifetime: { ms: 60_000 },
      refreshToken: undefined,
      fields: { other: 1 },
    })
  })

  test('needs no Content-Type and no token_type', () => {
    expect(judge({ json: { access_token: 'a' } }).accessToken).toBe('a')
  })

  test('is found at a nested pointer with escapes', () => {
    const token_response = { access_token: '/data/0/a~1b~0c', expires: { at: '/data/0/ttl' }, refresh_token: '/data/0/refresh' }
    const grant = judge({ json: { data: [{ 'a/b~c': 'nested', ttl: '7', refresh: 'r' }] } }, { token_response })
    expect(grant).toMatchObject({ accessToken: 'nested', refreshToken: 'r', lifetime: { ms: 7_000 } })
  })

  test('is found in a field, whatever the spelling and whatever the body', () => {
    const token_response = { access_token: 'header:X-Subject-Token' }
    expect(judge({ status: 201, headers: { 'x-subject-token': 'in-field' }, body: '' }, { token_response }).accessToken).toBe(
      'in-field',
    )
    expect(judge({ headers: { 'x-subject-token': ['one', 'two'] }, body: '<html>' }, { token_response }).accessToken).toBe('one')
    expect(failureOf({ headers: {}, json: { access_token: canary } }, { token_response }).code).toBe('no_token')
  })

  test('with error: false or error: null is a grant', () => {
    expect(judge({ json: { error: false, access_token: 'a' } }).accessToken).toBe('a')
    expect(judge({ json: { error: null, access_token: 'a' } }).accessToken).toBe('a')
  })

  test('has every value that ok_when wants, compared as texts', () => {
    const keys = { token_response: { ok_when: { '/code': 0, '/status/ok': true } } }
    expect(judge({ json: { code: '0', status: { ok: 'true' }, access_token: 'a' } }, keys).accessToken).toBe('a')
    for (const json of [
      { code: 1, status: { ok: true }, access_token: canary },
      { code: 0, access_token: canary },
      { access_token: canary },
    ]) {
      expect(failureOf({ json }, keys)).toMatchObject({ kind: 'unavailable', code: 'not_ok' })
    }
  })

  test.each([
    ['', undefined],
    [5, undefined],
    [null, undefined],
    ['r-1', 'r-1'],
  ])('a refresh token of %j is kept as %j', (refresh, kept) => {
    const keys = { token_response: { refresh_token: '/refresh_token' } }
    expect(judge({ json: { access_token: 'a', refresh_token: refresh } }, keys).refreshToken).toBe(kept)
  })
})

describe('a 2xx that grants nothing', () => {
  test.each([
    ['an empty body', ''],
    ['white space', ' \r\n'],
    ['HTML', `<html><body>${canary}</body></html>`],
    ['cut JSON', `{"access_token": "${canary}`],
    ['an array', `[{"access_token": "${canary}"}]`],
    ['a text', `"${canary}"`],
    ['a number', '5'],
    ['null', 'null'],
    ['a form', `access_token=${canary}&expires_in=5`],
    ['an empty object', '{}'],
  ])('is a failure that may pass: %s', (_, body) => {
    expect(failureOf({ body })).toMatchObject({ kind: 'unavailable' })
  })

  test.each([
    ['line break', `${canary}\r\nX-Evil: 1`],
    ['line feed', `${canary}\n`],
    ['carriage return', `\r${canary}`],
    ['space', `${canary} x`],
    ['tab', `${canary}\t`],
    ['nul', `${canary}\0`],
    ['delete', `${canary}\x7f`],
    ['letter outside ASCII', `${canary}é`],
    ['emoji', `${canary}😀`],
    ['no-break space', `${canary}\u00a0`],
  ])('is a token with a %s', (_, access_token) => {
    expect(failureOf({ json: { access_token, expires_in: 60 } })).toMatchObject({ kind: 'unavailable', code: 'unsafe_token' })
  })

  test.each([[''], [12_345], [true], [null], [{}], [['CANARY-BODY-TEXT']]])('is a token that is no text: %j', (access_token) => {
    expect(failureOf({ json: { access_token, expires_in: 60 } })).toMatchObject({ kind: 'unavailable', code: 'no_token' })
  })

  test('is one with a token that was only inherited, not said', () => {
    expect(failureOf({ json: {} }, { token_response: { access_token: '/constructor/name' } }).code).toBe('no_token')
  })

  test.each([[true], [1], ['invalid_client'], [{ code: 'x', text: canary }], [[canary]], [`${canary} with spaces`]])(
    'is one with an error member, even beside a token: %j',
    (error) => {
      expect(failureOf({ json: { error, access_token: canary } }).code).not.toBe('')
    },
  )
})

describe('other answers', () => {
  test.each([301, 302, 303, 307, 308, 300, 304])('a redirect is a failure that may pass, whatever it holds: %i', (status) => {
    const failure = failureOf({ status, headers: { location: `https://evil.example/${canary}` }, json: { access_token: canary } })
    expect(failure).toMatchObject({ kind: 'unavailable', code: 'redirect' })
  })

  test.each([400, 401, 403, 404, 405, 415, 422])('a 4xx is a refusal: %i', (status) => {
    expect(failureOf({ status, body: `<h1>${canary}</h1>` })).toMatchObject({ kind: 'refused', code: `http_${status}` })
    expect(failureOf({ status, json: { error: 'invalid_client', error_description: canary } })).toMatchObject({
      kind: 'refused',
      code: 'invalid_client',
    })
    expect(failureOf({ status, json: { access_token: canary } })).toMatchObject({ kind: 'refused' })
  })

  test.each([500, 502, 503, 504, 599])('a 5xx may pass, also when it holds a token or an error code: %i', (status) => {
    expect(failureOf({ status, json: { access_token: canary, error: 'invalid_client' } })).toMatchObject({
      kind: 'unavailable',
      code: `http_${status}`,
    })
  })

  test('a 408 may pass', () => {
    expect(failureOf({ status: 408 })).toMatchObject({ kind: 'unavailable' })
  })

  test.each(['temporarily_unavailable', 'server_error', 'slow_down'])('an error code that means later may pass: %s', (error) => {
    expect(failureOf({ status: 400, json: { error } })).toMatchObject({ kind: 'unavailable', code: error })
  })

  test('a 429 may pass, after its Retry-After in either form', () => {
    expect(failureOf({ status: 429, body: canary, headers: { 'retry-after': '17' } })).toMatchObject({
      kind: 'unavailable',
      retryAfterMs: 17_000,
    })
    const date = new Date(nowEpochMs + 90_000).toUTCString()
    expect(failureOf({ status: 429, headers: { 'retry-after': date } })).toMatchObject({
      kind: 'unavailable',
      retryAfterMs: 90_000,
    })
    expect(failureOf({ status: 429, headers: { 'retry-after': canary } }).retryAfterMs).toBeUndefined()
    expect(failureOf({ status: 503, headers: { 'retry-after': '5' } }).retryAfterMs).toBe(5_000)
  })
})

describe('an error code is never a way out for a secret', () => {
  const secret = { client_secret: 'canary-client-secret' }

  test.each(['canary-client-secret', 'x.canary-client-secret.y', 'bad_secret_canary-client-secret'])(
    'echoing the client secret: %s',
    (error) => {
      expect(failureOf({ status: 401, json: { error } }, secret)).toMatchObject({ kind: 'refused' })
    },
  )

  test('echoing a variable, which is a secret too', () => {
    const keys = { variables: { password: 'canary-variable' }, token_request: { params: { password: '{password}' } } }
    expect(failureOf({ status: 400, json: { error: 'bad.canary-variable' } }, keys).kind).toBe('refused')
  })

  test.each([['has spaces'], ['line\nbreak'], ['<script>'], ['x'.repeat(65)], ['ü'], ['']])(
    'and only a short plain word is shown: %j',
    (error) => {
      const failure = failureOf({ status: 400, json: { error } })
      expect(failure.code).toMatch(/^[A-Za-z0-9_.-]{1,64}$/)
      if (error !== '') expect(failure.message).not.toContain(error)
    },
  )
})
