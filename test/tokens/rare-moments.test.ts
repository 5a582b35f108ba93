import { expect, test } from 'vitest'
import { needsLogin } from '../../src/config/check-logins.ts'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { storeKeysOf } from '../../src/tokens/store/store-keys.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import type { TokenStore } from '../../src/tokens/store/token-store.ts'
import { TokenSource } from '../../src/tokens/token-source.ts'
import { TokenUnavailableError } from '../../src/tokens/token-unavailable-error.ts'
import { FakeClock, settled } from '../support/fake-clock.ts'
import { identitiesUnderTest } from '../support/identity-sources.ts'
import { credentialOf } from '../support/tokens-credential.ts'
import { FleetUnderTest } from '../support/tokens-fleet.ts'
import { grantOf, unavailable, valueOf } from '../support/tokens-source.ts'

test('tokens of identities are handed back after the timers have ended', async () => {
  const under = identitiesUnderTest({ revocation_endpoint: 'https://idp.example/revoke', revoke_on_shutdown: true })
  await under.get('alice')
  under.tokens.close()
  await under.tokens.handBack(5_000)
  expect(under.revoked).toEqual([['token-for-alice', 'alice']])
})

test('budget spent: a refusal in one replica keeps the token for the others', async () => {
  const fleet = new FleetUnderTest(2, { token_requests: { limit: 1, window: '1h' } })
  const [a, b] = fleet.replicas
  if (!a || !b) throw new TypeError('there is no such replica')
  const both = Promise.all([fleet.get(a), fleet.get(b)])
  await fleet.clock.advance(50)
  const [token] = await both
  expect((await a.reject(token)).outcome).toBe('budget')
  await settled()
  expect.soft(valueOf(b.current())).toBe('token-1')
  const c = fleet.join()
  const joined = fleet.get(c).then(valueOf, (error: unknown) => String(error))
  await fleet.clock.advance(1_000)
  expect.soft(await joined).toBe('token-1')
})

test('endpoint down: a token that one path refused is still there for a replica that starts', async () => {
  const fleet = new FleetUnderTest(1)
  const [a] = fleet.replicas
  if (!a) throw new TypeError('there is no such replica')
  const first = fleet.get(a)
  await fleet.clock.advance(50)
  const token = await first
  fleet.answer = () => {
    throw unavailable()
  }
  const rejecting = a.reject(token)
  await fleet.clock.advance(50)
  expect((await rejecting).outcome).toBe('failed')
  expect(valueOf(a.current())).toBe('token-1')
  const c = fleet.join()
  const joined = fleet.get(c).then(valueOf, (error: unknown) => String(error))
  await fleet.clock.advance(2_000)
  expect(await joined).toBe('token-1')
})

function loginSource(clock: FakeClock, store: TokenStore, live: { token: string }, keys = {}) {
  // As with authorization_endpoint: the first refresh token comes from a login.
  const made = credentialOf({ grant_type: 'refresh_token', variables: { refresh_token: 'none' }, ...keys })
  const credential = { ...made, authorization_endpoint: 'https://idp.example/authorize', variables: {} }
  const asked: string[] = []
  let count = 0
  const gate: { wait: Promise<void> } = { wait: Promise.resolve() }
  const send = async ({ body }: TokenRequest) => {
    const params = new URLSearchParams(Buffer.from(body ?? []).toString())
    const refresh = params.get('refresh_token') ?? ''
    asked.push(refresh)
    await gate.wait
    if (refresh !== live.token) return { status: 400, headers: {}, body: JSON.stringify({ error: 'invalid_grant' }) }
    count++
    live.token = `${refresh}+`
    return {
      status: 200,
      headers: {},
      body: JSON.stringify({ access_token: `token-${count}`, expires_in: 60, refresh_token: live.token }),
    }
  }
  const source = new TokenSource(credential, {
    requestGrant: createGrantRequest({ send, close: async () => {} }, () => clock.epochMs()),
    revokeToken: async () => {},
    store,
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: () => {} }),
  })
  return { source, asked, gate, credential }
}

function lasting(clock: FakeClock): TokenStore {
  const store = createMemoryStore({ clock, maxTokens: 100 })
  return new Proxy(store, {
    get: (target, key) => {
      if (key === 'isLasting') return true
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('a login that lands while a token request with the dead refresh token is under way is used', async () => {
  const clock = new FakeClock()
  const store = lasting(clock)
  const live = { token: 'old' }
  const { source, asked, gate, credential: own } = loginSource(clock, store, live)
  await store.keepGrant(storeKeysOf(own), {
    refreshToken: 'old',
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clock.epochMs(),
  })
  await clock.advance(1_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  gate.wait = promise
  const waiting = source.obtain().catch((error: unknown) => String(error))
  await settled()
  // The person's consent ends the old refresh token at the provider, and is in the store before its refusal arrives.
  live.token = 'new'
  await store.keepGrant(storeKeysOf(own), {
    refreshToken: 'new',
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clock.epochMs(),
  })
  await clock.advance(500)
  resolve()
  await waiting
  await clock.advance(600_000)
  const token = await source.obtain().then(valueOf, (error: unknown) => String(error))
  expect(asked).toEqual(['old', 'new'])
  expect(token).toBe('token-1')
})

test('a rotated refresh token of a replica whose clock is behind is not passed over by one whose clock is ahead', async () => {
  const clockA = new FakeClock()
  const clockB = new FakeClock()
  clockB.setDateForward(-120_000)
  const store = lasting(clockA)
  const live = { token: 'first' }
  const a = loginSource(clockA, store, live)
  const b = loginSource(clockB, store, live)
  await store.keepGrant(storeKeysOf(a.credential), {
    refreshToken: 'first',
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clockA.epochMs() - 3_600_000,
  })
  expect(valueOf(await a.source.obtain())).toBe('token-1')
  await clockA.advance(61_000)
  await clockB.advance(61_000)
  expect(valueOf(await b.source.obtain())).toBe('token-1')
  await clockA.advance(1_000)
  await clockB.advance(61_000)
  await clockA.advance(60_000)
  await a.source.obtain().catch(() => {})
  expect([...a.asked, ...b.asked]).toEqual(['first', 'first++', 'first+'])
})

test('what was spent while the store was away still counts when it is back', async () => {
  const clock = new FakeClock()
  const inner = createMemoryStore({ clock, maxTokens: 10 })
  let isDown = false
  const store: TokenStore = new Proxy(inner, {
    get: (target, key) => {
      if (key === 'claim' && isDown) return async () => ({ state: 'unavailable' })
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  let requests = 0
  const source = new TokenSource(credentialOf({ token_requests: { limit: 4, window: '1h' } }), {
    requestGrant: async (_credential, _previous, _identity, beforeSend) => {
      await beforeSend?.()
      requests++
      return grantOf(`token-${requests}`, 1_000)
    },
    revokeToken: async () => {},
    store,
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: () => {} }),
  })
  for (let round = 0; round < 20; round++) {
    isDown = round % 5 !== 4
    await source.obtain().catch(() => {})
    await clock.advance(1_100)
  }
  expect(requests).toBeLessThanOrEqual(4)
})

test('a token that was refused while the store was away is not taken up again from it', async () => {
  const clock = new FakeClock()
  const inner = createMemoryStore({ clock, maxTokens: 10 })
  let isDown = false
  const store: TokenStore = new Proxy(inner, {
    get: (target, key) => {
      if (key === 'claim' && isDown) return async () => ({ state: 'unavailable' })
      if (key === 'reject' && isDown) return () => {}
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  let requests = 0
  const source = new TokenSource(credentialOf(), {
    requestGrant: async () => grantOf(`token-${++requests}`, 3_600_000),
    revokeToken: async () => {},
    store,
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: () => {} }),
  })
  const first = await source.obtain()
  isDown = true
  const replaced = await source.reject(first)
  expect(valueOf(replaced.token)).toBe('token-2')
  if (replaced.token !== undefined) source.replayed(replaced, true)
  isDown = false
  await clock.advance(600_000)
  if (replaced.token === undefined) throw new TypeError('there is no such replica')
  const again = await source.reject(replaced.token)
  expect(valueOf(again.token)).not.toBe('token-1')
  expect(valueOf(again.token)).toBe('token-3')
})

test('429 with Retry-After: 120 in one replica is honoured by the others', async () => {
  const fleet = new FleetUnderTest(8)
  fleet.answer = () => {
    throw unavailable('rate_limited', 120_000)
  }
  for (let second = 0; second < 60; second++) {
    void Promise.allSettled(fleet.replicas.map(async (replica) => await fleet.get(replica)))
    await fleet.clock.advance(1_000)
  }
  expect(fleet.requests.length).toBeLessThanOrEqual(2)
})

test('waiting for a login spends nothing of the budget, because nobody is asked', async () => {
  const clock = new FakeClock()
  const store = lasting(clock)
  const live = { token: 'new' }
  const { source, asked, credential } = loginSource(clock, store, live, { token_requests: { limit: 5, window: '1h' } })
  expect(needsLogin(credential)).toBe(true)
  for (let second = 0; second < 10; second++) {
    await source.obtain().catch(() => {})
    await clock.advance(1_100)
  }
  expect(asked).toEqual([])
  await store.keepGrant(storeKeysOf(credential), {
    refreshToken: 'new',
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clock.epochMs(),
  })
  await clock.advance(1_100)
  expect(await source.obtain().then(valueOf, (error: unknown) => String(error))).toBe('token-1')
})

test('after a client secret was rotated, not every identity tries the refused one first', async () => {
  const asked: string[] = []
  const clock = new FakeClock()
  const { TokenSources } = await import('../../src/tokens/token-sources.ts')
  const { perUser } = await import('../support/identity-sources.ts')
  const credential = credentialOf({ token_request: perUser, client_secret: 'old-secret', client_secret_next: 'new-secret' })
  const tokens = new TokenSources(new Map([['main', credential]]), {
    requestGrant: async ({ client_secret }) => {
      const secret = client_secret?.reveal() ?? ''
      asked.push(secret)
      await settled()
      if (secret === 'old-secret') throw new TokenRequestError('refused', 'invalid_client', '401 invalid_client')
      return grantOf(`token-${asked.length}`)
    },
    clock,
    revokeToken: async () => {},
    store: createMemoryStore({ clock, maxTokens: 1000 }),
    random: () => 0.5,
    metrics: new Metrics('test'),
    log: createLog({ write: () => {} }),
    maxTokens: 1000,
  })
  for (let user = 0; user < 200; user++) await tokens.of(credential, [`user-${user}`]).obtain()
  expect(asked.filter((secret) => secret === 'old-secret').length).toBeLessThan(5)
})

test('a token in the store that does not fit the injection of now is asked for anew', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxTokens: 10 })
  const make = (keys: Readonly<Record<string, unknown>>, fields: unknown) => {
    let requests = 0
    return new TokenSource(credentialOf(keys), {
      requestGrant: async () => grantOf(`token-${++requests}`, 3_600_000, { fields }),
      revokeToken: async () => {},
      store,
      clock,
      random: () => 0.5,
      metrics: new Metrics('test').forCredential('main'),
      log: createLog({ write: () => {} }),
    })
  }
  await make({}, {}).obtain()
  const inject = [
    { header: 'Authorization', value: 'Bearer {access_token}' },
    { header: 'X-Tenant', value: '{token.tenant}' },
  ]
  const source = make({ inject }, { tenant: 't1' })
  const first = await source.obtain().then(valueOf, (error: unknown) => error)
  await clock.advance(600_000)
  const second = await source.obtain().then(valueOf, (error: unknown) => error)
  expect.soft(first).not.toBeInstanceOf(TokenRequestError)
  expect.soft(first instanceof Error && !(first instanceof TokenUnavailableError)).toBe(false)
  expect(second).toBe('token-1')
})

test('a login during a token request that succeeds is not lost to the chain before it', async () => {
  const clock = new FakeClock()
  const store = lasting(clock)
  const live = { token: 'old' }
  const { source, asked, gate, credential } = loginSource(clock, store, live)
  const entry = (refreshToken: string) => ({
    refreshToken,
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clock.epochMs(),
  })
  await store.keepGrant(storeKeysOf(credential), entry('old'))
  await clock.advance(1_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  gate.wait = promise
  const waiting = source.obtain()
  await settled()
  await store.keepGrant(storeKeysOf(credential), entry('login'))
  await clock.advance(500)
  resolve()
  await waiting
  expect((await store.readGrant(storeKeysOf(credential)))?.refreshToken).toBe('login')
  live.token = 'login'
  await clock.advance(61_000)
  await source.obtain().catch(() => {})
  expect(asked).toEqual(['old', 'login'])
})

test('while the store is away, a replica does not use a refresh token that it can know to be used up', async () => {
  const clock = new FakeClock()
  const inner = lasting(clock)
  const live = { token: 'first' }
  let isDown = false
  const store: TokenStore = new Proxy(inner, {
    get: (target, key) => {
      if (key === 'claim' && isDown) return async () => ({ state: 'unavailable' })
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const a = loginSource(clock, store, live)
  const b = loginSource(clock, store, live)
  await store.keepGrant(storeKeysOf(a.credential), {
    refreshToken: 'first',
    firstRefreshToken: undefined,
    lifetimeMs: undefined,
    writtenAtEpochMs: clock.epochMs(),
  })
  await b.source.obtain()
  for (let round = 0; round < 5; round++) {
    await clock.advance(61_000)
    await a.source.obtain()
    await settled()
    // B has adopted each of them.
    expect(b.source.current()?.fingerprint).toBe(a.source.current()?.fingerprint)
  }
  await clock.advance(61_000)
  isDown = true
  await b.source.obtain().catch(() => {})
  // It rotated 6 times; B asks with the first rotation, long used up: replay of a refresh token (RFC 9700 4.14.2).
  expect(b.asked.at(-1)).not.toBe('first+')
})

test('a spent budget and one path that always refuses do not hold up callers of other paths in other replicas', async () => {
  const fleet = new FleetUnderTest(8, { token_requests: { limit: 1, window: '1h' } })
  const all = Promise.all(fleet.replicas.map(async (replica) => await fleet.get(replica)))
  await fleet.clock.advance(50)
  const [token] = await all
  const [a, ...others] = fleet.replicas
  if (!a || !token) throw new TypeError('there is no such replica')
  let [waits, longest] = [0, 0]
  for (let ms = 0; ms < 10_000; ms += 10) {
    void a.reject(token).catch(() => {})
    for (const replica of others) {
      if (replica.current() !== undefined) continue
      waits++
      const from = fleet.clock.nowMs()
      void replica.obtain().then(() => (longest = Math.max(longest, fleet.clock.nowMs() - from)))
    }
    await fleet.clock.advance(10)
  }
  expect(longest).toBe(0)
  // Of 7,000 looks at a token that is good for all other paths.
  expect(waits).toBeLessThan(100)
})
