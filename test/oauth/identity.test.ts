import { describe, expect, test } from 'vitest'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { judgeTokenResponse } from '../../src/oauth/token-response.ts'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const secret = 'canary-client-secret-that-is-long-enough'

function claimsOf(jwt: string | null | undefined): unknown {
  return JSON.parse(Buffer.from(jwt?.split('.')[1] ?? '', 'base64url').toString())
}

describe('who a token is for', () => {
  test('stands in fields, query and parameters of the token request, encoded for its place', async () => {
    const credential = credentialOf({
      token_request: {
        headers: { 'X-Tenant': '{request.header.x-tenant}' },
        query: { tenant: 'of {request.header.X-Tenant}' },
        params: { user: '{request.header.X-User}' },
      },
    })
    expect(credential.identityFields).toEqual(['x-tenant', 'x-user'])
    const { headers, url, body } = await buildTokenRequest(credential, undefined, 0, ['shop 1&admin=1', 'a b&scope=all'])
    expect(headers['X-Tenant']).toBe('shop 1&admin=1')
    expect(url).toBe('https://idp.example/token?tenant=of+shop+1%26admin%3D1')
    expect(Buffer.from(body ?? []).toString()).toBe('grant_type=client_credentials&user=a+b%26scope%3Dall')
  })

  test('is one text of a JSON body, whatever it holds', async () => {
    const params = { login: { names: ['{request.header.X-User}'] } }
    const credential = credentialOf({ token_request: { encoding: 'json', params } })
    const { body } = await buildTokenRequest(credential, undefined, 0, ['"], "admin": ["'])
    expect(JSON.parse(Buffer.from(body ?? []).toString())).toMatchObject({ login: { names: ['"], "admin": ["'] } })
  })

  test('is a claim of the assertion that is the grant (RFC 7523 2.1)', async () => {
    const credential = credentialOf({
      grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
      token_request: { assertion: { alg: 'HS256', key: secret, claims: { sub: '{request.header.X-User}' } } },
    })
    const { body } = await buildTokenRequest(credential, undefined, 0, ['alice@example.com'])
    const assertion = new URLSearchParams(Buffer.from(body ?? []).toString()).get('assertion')
    expect(claimsOf(assertion)).toMatchObject({ iss: 'client', sub: 'alice@example.com' })
  })

  test('is a claim of the assertion that proves the client, where the grant is none (RFC 7523 2.2)', async () => {
    const credential = credentialOf({
      token_endpoint_auth_method: 'client_secret_jwt',
      client_secret: secret,
      token_request: { assertion: { claims: { act: { sub: '{request.header.X-User}' } } } },
    })
    const { body } = await buildTokenRequest(credential, undefined, 0, ['alice'])
    const assertion = new URLSearchParams(Buffer.from(body ?? []).toString()).get('client_assertion')
    expect(claimsOf(assertion)).toMatchObject({ sub: 'client', act: { sub: 'alice' } })
  })

  test('is a claim of a token that is signed here', async () => {
    const assertion = { alg: 'HS256', key: secret, claims: { aud: 'api', sub: '{request.header.X-User}' } }
    const credential = credentialOf({
      token_endpoint: undefined,
      client_secret: undefined,
      grant_type: 'self_signed',
      token_request: { assertion },
    })
    const send = (): Promise<never> => Promise.reject(new Error('nobody is asked'))
    const requestGrant = createGrantRequest({ send, close: async () => {} }, () => 0)
    const { accessToken } = await requestGrant(credential, { refreshToken: undefined, lifetimeMs: undefined }, ['alice'])
    expect(claimsOf(accessToken)).toMatchObject({ sub: 'alice' })
  })

  test('is not told by an error code that the endpoint made of it', () => {
    const credential = credentialOf({ token_request: { params: { user: '{request.header.X-User}' } } })
    const codeFor = (error: string, who: string): unknown => {
      const response = { status: 400, headers: {}, body: JSON.stringify({ error }) }
      try {
        return judgeTokenResponse(credential, response, 0, undefined, [who])
      } catch (refusal) {
        return (refusal as { code: unknown }).code
      }
    }
    expect(codeFor('unknown_user_Alice', 'alice')).toBe('unrecognised_error')
    expect(codeFor('unknown.bob', 'bob')).toBe('unrecognised_error')
    expect(codeFor('bob', 'bob')).toBe('unrecognised_error')
    expect(codeFor('invalid_grant', 'bob')).toBe('invalid_grant')
    expect(codeFor('invalid_grant', 'a')).toBe('invalid_grant')
  })
})
