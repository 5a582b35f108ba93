import { expect, test } from 'vitest'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import type { TokenResponse } from '../../src/oauth/token-response.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const refreshing = credentialOf({ token_response: { refresh_token: '/refresh_token' } })
const granted = (json: unknown): TokenResponse => ({ status: 200, headers: {}, body: JSON.stringify(json) })
const error = (status: number, code: string): TokenResponse => ({ status, headers: {}, body: JSON.stringify({ error: code }) })

/** Answers in turn; gives what was asked. */
function endpoint(...answers: TokenResponse[]) {
  const asked: Record<string, string>[] = []
  const send = async (request: TokenRequest): Promise<TokenResponse> => {
    asked.push(Object.fromEntries(new URLSearchParams(Buffer.from(request.body ?? []).toString())))
    const answer = answers.shift()
    if (answer === undefined) throw new Error('one request too many')
    return await Promise.resolve(answer)
  }
  return { asked, requestGrant: createGrantRequest({ send, close: async () => {} }, () => 0) }
}

const nothing = { refreshToken: undefined, lifetimeMs: undefined }
const held = { refreshToken: 'refresh-1', lifetimeMs: undefined }

test('without a refresh token the configured grant is asked for', async () => {
  const { asked, requestGrant } = endpoint(granted({ access_token: 'a', refresh_token: 'refresh-1' }))
  expect(await requestGrant(refreshing, nothing)).toMatchObject({ accessToken: 'a', refreshToken: 'refresh-1' })
  expect(asked).toEqual([{ grant_type: 'client_credentials' }])
})

test('a rotated refresh token replaces the one that was used (RFC 6749 6)', async () => {
  const { asked, requestGrant } = endpoint(granted({ access_token: 'b', refresh_token: 'refresh-2' }))
  expect(await requestGrant(refreshing, held)).toMatchObject({ accessToken: 'b', refreshToken: 'refresh-2' })
  expect(asked).toEqual([{ grant_type: 'refresh_token', refresh_token: 'refresh-1' }])
})

test('a refresh token that is not rotated stays (RFC 6749 6)', async () => {
  const { requestGrant } = endpoint(granted({ access_token: 'b' }))
  expect((await requestGrant(refreshing, held)).refreshToken).toBe('refresh-1')
})

test('a refused refresh token is an error of its own; what follows is for the holder of the state to decide', async () => {
  const { asked, requestGrant } = endpoint(error(400, 'invalid_grant'))
  await expect(requestGrant(refreshing, held)).rejects.toMatchObject({ kind: 'refused', code: 'invalid_grant' })
  expect(asked.map(({ grant_type }) => grant_type)).toEqual(['refresh_token'])
})

test('an outage during a refresh is an outage: the refresh token may still be good', async () => {
  const { asked, requestGrant } = endpoint(error(503, 'x'))
  await expect(requestGrant(refreshing, held)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(asked).toHaveLength(1)
})

test('a client that is refused is not tried a second time with another grant', async () => {
  const { asked, requestGrant } = endpoint(error(401, 'invalid_client'), error(401, 'invalid_client'))
  await expect(requestGrant(refreshing, held)).rejects.toMatchObject({ kind: 'refused', code: 'invalid_client' })
  expect(asked).toHaveLength(1)
})

test('the last lifetime seen is the next one where the answer names none', async () => {
  const { requestGrant } = endpoint(granted({ access_token: 'c' }))
  expect((await requestGrant(refreshing, { refreshToken: undefined, lifetimeMs: 60_000 })).lifetime).toMatchObject({
    ms: 60_000,
    source: 'previous',
  })
})

test('where the first refresh token comes from a login, nothing is asked for before that', async () => {
  const { asked, requestGrant } = endpoint(granted({ access_token: 'a', refresh_token: 'refresh-2' }))
  const configured = credentialOf({ grant_type: 'refresh_token', variables: { refresh_token: 'x' } })
  const credential = { ...configured, variables: {}, authorization_endpoint: 'https://idp.example/authorize' }
  await expect(requestGrant(credential, nothing)).rejects.toMatchObject({
    name: 'TokenRequestError',
    kind: 'refused',
    code: 'login_required',
    message: 'there is no refresh token; run "bearerd login main"',
  })
  expect(asked).toEqual([])
  expect(await requestGrant(credential, held)).toMatchObject({ accessToken: 'a', refreshToken: 'refresh-2' })
  expect(asked).toEqual([{ grant_type: 'refresh_token', refresh_token: 'refresh-1' }])
})
