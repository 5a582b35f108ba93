import { describe, expect, test } from 'vitest'
import { presetNames } from '../../src/config/presets.ts'
import { injectionOf } from '../../src/oauth/injection.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { judgeTokenResponse } from '../../src/oauth/token-response.ts'
import { credentialOf } from '../support/tokens-credential.ts'

// What each provider's document says, word for word: the request to send, the answer to expect, how the token is used.

const client = { client_id: 'my-id', client_secret: 'my-secret' }
const formData = (request: TokenRequest): Promise<FormData> =>
  new Response(Buffer.from(request.body ?? []), {
    headers: { 'content-type': new Headers(request.headers).get('content-type') ?? '' },
  }).formData()
const answer = (value: unknown) => ({ status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) })
const withoutAgentFields = (request: TokenRequest): Record<string, string> => {
  const { accept: _, ...rest } = request.headers
  return rest
}

test('there are presets for the five providers, and each is tested here', () => {
  expect(presetNames()).toEqual(expect.arrayContaining(['getbill', 'getnet', 'gett', 'gobiz', 'uber']))
})

describe('gett', () => {
  const gett = credentialOf({ provider: 'gett', ...client, scope: 'company.reference order' })

  test('sends the four parts of the documented curl -F and no Authorization', async () => {
    const request = await buildTokenRequest(gett)
    expect(request).toMatchObject({ method: 'POST', url: 'https://business-api.gett.com/oauth/token' })
    expect(Object.keys(withoutAgentFields(request))).toEqual(['content-type'])
    expect(request.headers['content-type']).toMatch(/^multipart\/form-data; boundary=\S+$/)
    expect(Object.fromEntries(await formData(request))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'my-id',
      client_secret: 'my-secret',
      scope: 'company.reference order',
    })
  })

  test('understands its answer and uses the token as Bearer', () => {
    const grant = judgeTokenResponse(
      gett,
      answer({ access_token: 'a.b.c', expires_in: 899, scope: 'order', token_type: 'bearer' }),
      0,
    )
    expect(grant.lifetime).toMatchObject({ ms: 899_000, source: 'response', oddity: undefined })
    expect(injectionOf(gett, grant)).toEqual({ fields: ['Authorization', 'Bearer a.b.c'], query: [] })
  })
})

describe('gobiz', () => {
  const gobiz = credentialOf({ provider: 'gobiz', environment: 'sandbox', ...client, scope: 'partner:outlet:read' })

  test('sends the documented sample: Basic and a form', async () => {
    const request = await buildTokenRequest(gobiz)
    expect(request).toMatchObject({ method: 'POST', url: 'https://integration-goauth.gojekapi.com/oauth2/token' })
    expect(withoutAgentFields(request)).toEqual({
      authorization: `Basic ${btoa('my-id:my-secret')}`,
      'content-type': 'application/x-www-form-urlencoded',
    })
    expect(Object.fromEntries(await formData(request))).toEqual({
      grant_type: 'client_credentials',
      scope: 'partner:outlet:read',
    })
  })

  test('production has its own host', async () => {
    const request = await buildTokenRequest(credentialOf({ provider: 'gobiz', ...client }))
    expect(request.url).toBe('https://accounts.go-jek.com/oauth2/token')
  })
})

describe('getbill', () => {
  const getbill = credentialOf({ provider: 'getbill', ...client, scope: ['debts:read', 'debts:write'] })

  test('sends a form with the credentials in it', async () => {
    const request = await buildTokenRequest(getbill)
    expect(request).toMatchObject({ method: 'POST', url: 'https://getbill.io/token' })
    expect(withoutAgentFields(request)).toEqual({ 'content-type': 'application/x-www-form-urlencoded' })
    expect(Object.fromEntries(await formData(request))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'my-id',
      client_secret: 'my-secret',
      scope: 'debts:read debts:write',
    })
  })

  test('does not use a refresh token unless told to, and does when told to', () => {
    const body = answer({ access_token: 'a', token_type: 'Bearer', expires_in: 3600, refresh_token: 'r' })
    expect(judgeTokenResponse(getbill, body, 0).refreshToken).toBeUndefined()
    const refreshing = credentialOf({ provider: 'getbill', ...client, token_response: { refresh_token: '/refresh_token' } })
    expect(judgeTokenResponse(refreshing, body, 0).refreshToken).toBe('r')
  })
})

describe('uber', () => {
  const uber = credentialOf({ provider: 'uber', ...client })

  test('sends a form, never JSON, with the scope of the receipts API', async () => {
    const request = await buildTokenRequest(uber)
    expect(request).toMatchObject({ method: 'POST', url: 'https://auth.uber.com/oauth/v2/token' })
    expect(withoutAgentFields(request)).toEqual({ 'content-type': 'application/x-www-form-urlencoded' })
    expect(Object.fromEntries(await formData(request))).toEqual({
      grant_type: 'client_credentials',
      client_id: 'my-id',
      client_secret: 'my-secret',
      scope: 'business.receipts',
    })
  })

  test('keeps to 100 token requests an hour and lets a token live its 30 days', () => {
    expect(uber.token_requests).toEqual({ limit: 100, window: 3_600_000 })
    const grant = judgeTokenResponse(
      uber,
      answer({ access_token: 'xxx', token_type: 'Bearer', expires_in: 2_592_000, scope: 'business.receipts' }),
      0,
    )
    expect(grant.lifetime.ms).toBe(2_592_000_000)
  })
})

describe('getnet', () => {
  const getnet = credentialOf({ provider: 'getnet', ...client, variables: { channel: 'partner-xyz' } })

  test('sends the credentials, channel and scope as fields and the four members of the body, empty but there', async () => {
    const request = await buildTokenRequest(getnet)
    expect(request).toMatchObject({ method: 'POST', url: 'https://api-backoffice.getnet.com.br/v1/token' })
    expect(withoutAgentFields(request)).toEqual({
      client_id: 'my-id',
      client_secret: 'my-secret',
      channel: 'partner-xyz',
      scope: 'oob',
      'content-type': 'application/json',
    })
    expect(JSON.parse(Buffer.from(request.body ?? []).toString())).toEqual({
      branch: '',
      login: '',
      name: '',
      enrollment_number: '',
    })
  })

  test('sends who asks, in UTF-8, when it is configured', async () => {
    const variables = {
      channel: 'c',
      branch: '0001',
      login: 'usuario.exemplo',
      name: 'Usuário Exemplo',
      enrollment_number: '123456',
    }
    const request = await buildTokenRequest(
      credentialOf({ provider: 'getnet', environment: 'sandbox', ...client, variables, scope: 'other' }),
    )
    expect(request.url).toBe('https://api-homologacao.getnet.com.br/v1/token')
    expect(request.headers).toMatchObject({ scope: 'other' })
    expect(JSON.parse(Buffer.from(request.body ?? []).toString('utf8'))).toEqual({
      branch: '0001',
      login: 'usuario.exemplo',
      name: 'Usuário Exemplo',
      enrollment_number: '123456',
    })
  })

  test('reads expires_in from a text and uses the token raw, without Bearer', () => {
    const grant = judgeTokenResponse(getnet, answer({ access_token: 'a.b.c', expires_in: '3600' }), 0)
    expect(grant.lifetime).toMatchObject({ ms: 3_600_000, source: 'response', oddity: undefined })
    expect(injectionOf(getnet, grant)).toEqual({ fields: ['Authorization', 'a.b.c'], query: [] })
  })

  test('takes its documented 401 for a refusal and its 500 for an outage, and shows no part of either', () => {
    const documented = {
      status_code: 401,
      name: 'Unauthorized',
      message: 'Unauthorized',
      details: [{ status: 'DENIED', error_code: 'GENERIC-401', description: 'CANARY-DETAIL' }],
    }
    const judge = (status: number) => () => judgeTokenResponse(getnet, { ...answer(documented), status }, 0)
    expect(judge(401)).toThrow(
      expect.objectContaining({ kind: 'refused', message: expect.not.stringContaining('CANARY') as string }),
    )
    expect(judge(500)).toThrow(
      expect.objectContaining({ kind: 'unavailable', message: expect.not.stringContaining('CANARY') as string }),
    )
  })

  test('the channel is required', () => {
    expect(() => credentialOf({ provider: 'getnet', ...client })).toThrow(/channel/)
  })
})
