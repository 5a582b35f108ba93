import { expect, test } from 'vitest'
import type { Credential } from '../../src/config/config.ts'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSource } from '../../src/tokens/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { credentialOf } from '../support/tokens-credential.ts'
import { valueOf } from '../support/tokens-source.ts'

/** A source with the real protocol over an endpoint that rotates its refresh tokens and takes each one once. */
function rotatingEndpoint(keys: Readonly<Record<string, unknown>> = {}) {
  const asked: string[] = []
  const endpoint = { live: undefined as string | undefined, isDown: false, gives: true }
  let count = 0
  const send = async (request: TokenRequest) => {
    const params = Object.fromEntries(new URLSearchParams(Buffer.from(request.body ?? []).toString()))
    asked.push(params['refresh_token'] ?? params['grant_type'] ?? '')
    if (endpoint.isDown) return { status: 503, headers: {}, body: '' }
    if (params['grant_type'] === 'refresh_token' && params['refresh_token'] !== endpoint.live)
      return { status: 400, headers: {}, body: '{"error":"invalid_grant"}' }
    count++
    endpoint.live = endpoint.gives ? `refresh-${count}` : undefined
    return await Promise.resolve({
      status: 200,
      headers: {},
      body: JSON.stringify({ access_token: `token-${count}`, expires_in: 60, refresh_token: endpoint.live }),
    })
  }
  const clock = new FakeClock()
  const credential: Credential = credentialOf({ token_response: { refresh_token: '/refresh_token' }, ...keys })
  const source = new TokenSource(credential, {
    requestGrant: createGrantRequest({ send, close: async () => {} }, () => clock.epochMs()),
    revokeToken: async () => {},
    store: createMemoryStore({ clock, maxTokens: 100 }),
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: () => {} }),
  })
  const nextToken = async (): Promise<string | undefined> => {
    await clock.advance(60_000)
    return valueOf(await source.obtain())
  }
  return { asked, endpoint, source, clock, nextToken }
}

test('each renewal uses the refresh token of the last grant', async () => {
  const { asked, nextToken } = rotatingEndpoint()
  for (const token of ['token-1', 'token-2', 'token-3']) expect(await nextToken()).toBe(token)
  expect(asked).toEqual(['client_credentials', 'refresh-1', 'refresh-2'])
})

test('a refresh token that died is forgotten after one try', async () => {
  const { asked, endpoint, nextToken } = rotatingEndpoint()
  await nextToken()
  endpoint.live = undefined
  endpoint.gives = false
  expect(await nextToken()).toBe('token-2')
  expect(await nextToken()).toBe('token-3')
  expect(asked).toEqual(['client_credentials', 'refresh-1', 'client_credentials', 'client_credentials'])
})

test('a refresh token survives an outage', async () => {
  const { asked, endpoint, clock, source, nextToken } = rotatingEndpoint()
  await nextToken()
  endpoint.isDown = true
  await clock.advance(60_000)
  await expect(source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  endpoint.isDown = false
  expect(await nextToken()).toBe('token-2')
  expect(asked).toEqual(['client_credentials', 'refresh-1', 'refresh-1'])
})

test('a refused refresh token is forgotten even when the original grant fails too', async () => {
  const { asked, endpoint, clock, source, nextToken } = rotatingEndpoint()
  await nextToken()
  endpoint.live = undefined
  const original = Object.getOwnPropertyDescriptor(endpoint, 'isDown')
  let calls = 0
  Object.defineProperty(endpoint, 'isDown', { configurable: true, get: () => ++calls === 2 })
  await clock.advance(60_000)
  await expect(source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  if (original !== undefined) Object.defineProperty(endpoint, 'isDown', original)
  expect(await nextToken()).toBe('token-2')
  expect(asked).toEqual(['client_credentials', 'refresh-1', 'client_credentials', 'client_credentials'])
})

test('the request that a refused refresh token wasted counts against the budget', async () => {
  const { asked, endpoint, source, nextToken } = rotatingEndpoint({ token_requests: { limit: 10, window: '1h' } })
  await nextToken()
  endpoint.live = undefined
  await nextToken()
  expect(asked).toHaveLength(3)
  expect(source.status().budgetRemaining).toBe(7)
})
