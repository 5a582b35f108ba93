import { describe, expect, test } from 'vitest'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const build = (keys: Readonly<Record<string, unknown>>, refreshToken?: string): Promise<TokenRequest> =>
  buildTokenRequest(credentialOf(keys), refreshToken)
const textOf = ({ body }: TokenRequest): string => Buffer.from(body ?? []).toString('utf8')
const jsonOf = (request: TokenRequest): unknown => JSON.parse(textOf(request))
const formOf = (request: TokenRequest): [string, string][] => [...new URLSearchParams(textOf(request))]
const headerOf = ({ headers }: TokenRequest, name: string): string | undefined => new Headers(headers).get(name) ?? undefined

const nasty = 'a:b%c+d&e=f ü€"\\/😀'

describe('the default request (RFC 6749 4.4.2)', () => {
  test('is a POST of a form with Basic and nothing that was not configured', async () => {
    const request = await build({})
    expect(request.method).toBe('POST')
    expect(request.url).toBe('https://idp.example/token')
    expect(headerOf(request, 'content-type')).toMatch(/^application\/x-www-form-urlencoded$/)
    expect(headerOf(request, 'accept')).toBe('application/json')
    expect(headerOf(request, 'authorization')).toBe(`Basic ${btoa('client:canary-client-secret')}`)
    expect(formOf(request)).toEqual([['grant_type', 'client_credentials']])
    expect(request.timeoutMs).toBe(10_000)
  })

  test('joins a list of scopes with the delimiter and sends audience and resource', async () => {
    const request = await build({
      scope: ['a', 'b:c'],
      scope_delimiter: ',',
      audience: 'https://aud.example',
      resource: 'https://res.example/?x=1&y',
    })
    expect(Object.fromEntries(formOf(request))).toEqual({
      grant_type: 'client_credentials',
      scope: 'a,b:c',
      audience: 'https://aud.example',
      resource: 'https://res.example/?x=1&y',
    })
    expect(Object.fromEntries(formOf(await build({ scope: ['a', 'b'] })))).toMatchObject({ scope: 'a b' })
  })

  test('asks with a refresh token when there is one (RFC 6749 6)', async () => {
    expect(Object.fromEntries(formOf(await build({ scope: 'a' }, 'refresh-1')))).toMatchObject({
      grant_type: 'refresh_token',
      refresh_token: 'refresh-1',
    })
  })

  test('never sends the configured grant_type of a recipe over the one of a refresh token', async () => {
    const request = await build({ grant_type: 'custom_grant' }, 'refresh-1')
    expect(formOf(request).filter(([name]) => name === 'grant_type')).toEqual([['grant_type', 'refresh_token']])
  })
})

describe('Basic', () => {
  const decoded = async (basic_encoding: string, id = nasty, secret = nasty): Promise<string> => {
    const value =
      headerOf(await build({ client_id: id, client_secret: secret, token_request: { basic_encoding } }), 'authorization') ?? ''
    return Buffer.from(value.replace(/^Basic /, ''), 'base64').toString('utf8')
  }

  test('form encodes both parts first, so that a colon, a percent and UTF-8 survive (RFC 6749 2.3.1, appendix B)', async () => {
    expect(await decoded('form', 'a:b%c+d&e', 'p ä')).toBe('a%3Ab%25c%2Bd%26e:p+%C3%A4')
    const [id, secret, ...rest] = (await decoded('form')).split(':')
    expect(rest).toEqual([])
    expect(new URLSearchParams(`v=${id}`).get('v')).toBe(nasty)
    expect(new URLSearchParams(`v=${secret}`).get('v')).toBe(nasty)
  })

  test('raw puts them as they are, in UTF-8 (RFC 7617)', async () => {
    expect(await decoded('raw', 'id', nasty)).toBe(`id:${nasty}`)
  })

  test('base64 encodes each part', async () => {
    expect(await decoded('base64', 'id', nasty)).toBe(`${btoa('id')}:${Buffer.from(nasty).toString('base64')}`)
  })

  test('is one line, however long the secret is', async () => {
    const request = await build({ client_secret: 's'.repeat(5_000) })
    expect(headerOf(request, 'authorization')).toMatch(/^Basic [A-Za-z0-9+/]+=*$/)
  })
})

describe('client_secret_post and none', () => {
  test('client_secret_post puts both into the body and nothing into Authorization', async () => {
    const request = await build({ token_endpoint_auth_method: 'client_secret_post', client_secret: nasty })
    expect(headerOf(request, 'authorization')).toBeUndefined()
    expect(Object.fromEntries(formOf(request))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'client',
      client_secret: nasty,
    })
  })

  test('none sends the identifier alone (RFC 6749 3.2.1), and nothing when there is none', async () => {
    const named = await build({ token_endpoint_auth_method: 'none', client_secret: undefined })
    expect(headerOf(named, 'authorization')).toBeUndefined()
    expect(Object.fromEntries(formOf(named))).toEqual({ grant_type: 'client_credentials', client_id: 'client' })
    const anonymous = await build({ token_endpoint_auth_method: 'none', client_secret: undefined, client_id: undefined })
    expect(Object.fromEntries(formOf(anonymous))).toEqual({ grant_type: 'client_credentials' })
  })
})

describe('encodings', () => {
  const post = { token_endpoint_auth_method: 'client_secret_post', client_secret: nasty, scope: 'a b' }

  test('a multipart body is read back by the platform with every value intact', async () => {
    const request = await build({ ...post, token_request: { encoding: 'multipart', params: { empty: '' } } })
    const form = await new Response(Buffer.from(request.body ?? []), {
      headers: { 'content-type': headerOf(request, 'content-type') ?? '' },
    }).formData()
    expect(Object.fromEntries(form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'a b',
      client_id: 'client',
      client_secret: nasty,
      empty: '',
    })
    expect(headerOf(request, 'content-type')).toMatch(/^multipart\/form-data; boundary=/)
  })

  test('every multipart body has a boundary of its own', async () => {
    const one = await build({ token_request: { encoding: 'multipart' } })
    const two = await build({ token_request: { encoding: 'multipart' } })
    expect(headerOf(one, 'content-type')).not.toBe(headerOf(two, 'content-type'))
  })

  test('a JSON body keeps nesting, numbers, booleans, nested nulls and empty texts, and fills templates in everywhere', async () => {
    const request = await build({
      ...post,
      variables: { tenant: 'tänant "1"' },
      token_request: {
        encoding: 'json',
        params: {
          grant_type: null,
          scope: null,
          empty: '',
          n: 1.5,
          yes: true,
          deep: { a: ['{tenant}', { b: null, c: '{{x}}' }], none: null },
        },
      },
    })
    expect(headerOf(request, 'content-type')).toBe('application/json')
    expect(jsonOf(request)).toEqual({
      client_id: 'client',
      client_secret: nasty,
      empty: '',
      n: 1.5,
      yes: true,
      deep: { a: ['tänant "1"', { b: null, c: '{x}' }], none: null },
    })
  })

  test('a null removes every default parameter, an explicit one replaces it', async () => {
    const params = { grant_type: null, scope: 'other', client_id: null, client_secret: '{client_secret}-x' }
    expect(Object.fromEntries(formOf(await build({ ...post, token_request: { params } })))).toEqual({
      scope: 'other',
      client_secret: `${nasty}-x`,
    })
  })

  test('a form keeps a parameter that is empty', async () => {
    expect(textOf(await build({ token_request: { params: { branch: '' } } }))).toBe('grant_type=client_credentials&branch=')
  })

  test('query puts the parameters into the URL, escaped, after what is there, and sends no body', async () => {
    const request = await build({
      ...post,
      token_endpoint: 'https://idp.example/token?tenant=1',
      token_request: { method: 'GET', encoding: 'query', query: { api: '{client_id}&x' } },
    })
    expect(request.method).toBe('GET')
    expect(request.body).toBeUndefined()
    expect(headerOf(request, 'content-type')).toBeUndefined()
    const url = new URL(request.url)
    expect(url.origin + url.pathname).toBe('https://idp.example/token')
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: '1',
      api: 'client&x',
      grant_type: 'client_credentials',
      scope: 'a b',
      client_id: 'client',
      client_secret: nasty,
    })
  })

  test('none sends no parameters and no body; extra query parameters still go', async () => {
    const request = await build({ token_request: { method: 'GET', encoding: 'none', query: { v: '2' } } })
    expect(request.body).toBeUndefined()
    expect(request.url).toBe('https://idp.example/token?v=2')
    expect(headerOf(request, 'authorization')).toMatch(/^Basic /)
  })
})

describe('fields', () => {
  test('keep the spelling of the recipe and win over the defaults', async () => {
    const { headers } = await build({
      token_request: { headers: { 'X-Api-KEY': 'k-{client_id}', Accept: 'application/vnd.x+json' } },
    })
    expect(Object.keys(headers)).toContain('X-Api-KEY')
    expect(new Headers(headers).get('x-api-key')).toBe('k-client')
    expect(Object.keys(headers).filter((name) => name.toLowerCase() === 'accept')).toEqual(['Accept'])
  })

  test.each(['a\r\nX-Evil: 1', 'a\nb', 'a\0b', 'snow ☃'])(
    'a secret that no field may hold is refused, not sent, and not shown: %j',
    async (secret) => {
      const building = build({ client_secret: secret, token_request: { headers: { 'X-Secret': '{client_secret}' } } })
      const error: unknown = await building.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(TokenRequestError)
      expect(error).toMatchObject({ kind: 'refused' })
      expect((error as Error).message).not.toContain(secret)
    },
  )

  test('the endpoint can be named in a template', async () => {
    const request = await build({ token_request: { params: { aud: '{token_endpoint}' } } })
    expect(Object.fromEntries(formOf(request))).toMatchObject({ aud: 'https://idp.example/token' })
  })
})
