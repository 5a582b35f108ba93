import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { grantOf, refused, sourceUnderTest, sourceWithToken, unavailable, useFor } from '../support/tokens-source.ts'

describe('status()', () => {
  test('of a source without a token', () => {
    expect(sourceUnderTest().source.status()).toEqual({
      state: 'none',
      fingerprint: undefined,
      issuedAtEpochMs: undefined,
      renewAtEpochMs: undefined,
      expiresAtEpochMs: undefined,
      isRenewing: false,
      waiting: 0,
      lastError: undefined,
      backOffMs: 0,
      coolDownMs: 0,
      budgetRemaining: undefined,
      history: [],
    })
  })

  test('counts who waits while a token is asked for', async () => {
    const under = sourceUnderTest()
    const { source } = under
    const callers = [source.obtain(), source.obtain(), source.obtain()]
    expect(source.status()).toMatchObject({ state: 'none', isRenewing: true, waiting: 3 })
    await under.grant(0, 'token-1')
    await Promise.all(callers)
    await settled()
    expect(source.status()).toMatchObject({ state: 'fresh', isRenewing: false, waiting: 0 })
  })

  test('of a fresh token names its moments and shows its fingerprint only', async () => {
    const { source, clock, first } = await sourceWithToken({ token_requests: { limit: 5, window: '1h' } }, 60_000, 0)
    const nowMs = clock.epochMs()
    expect(source.status()).toMatchObject({
      state: 'fresh',
      issuedAtEpochMs: nowMs,
      renewAtEpochMs: nowMs + 54_000,
      expiresAtEpochMs: nowMs + 60_000,
      budgetRemaining: 4,
    })
    expect(source.status().fingerprint).toMatch(/^[0-9a-f]{12}$/)
    expect(source.status().fingerprint).toBe(first.fingerprint)
    expect(JSON.stringify(source.status())).not.toContain('token-1')
  })

  test('is stale from the time of renewal on, whether it is idle, being renewed, or its renewal failed', async () => {
    const under = await sourceWithToken({}, 60_000, 0)
    const { source, clock } = under
    await clock.advance(55_000)
    expect(source.status().state).toBe('stale')
    source.current()
    expect(source.status()).toMatchObject({ state: 'stale', isRenewing: true })
    await under.fail(1, unavailable())
    await settled()
    expect(source.status()).toMatchObject({ state: 'stale', isRenewing: false, lastError: { code: 'http_503' }, backOffMs: 250 })
    await clock.advance(5_000)
    expect(source.status().state).toBe('expired')
  })

  test('is stale while a refused token is renewed', async () => {
    const under = await sourceWithToken()
    const { source, first } = under
    const rejection = source.reject(first)
    expect(source.status()).toMatchObject({ state: 'stale', isRenewing: true })
    await under.grant(1, 'token-2')
    await rejection
    await settled()
    expect(source.status()).toMatchObject({ state: 'fresh', isRenewing: false })
  })

  test('remembers the last error until a success', async () => {
    const under = sourceUnderTest()
    const { source, clock } = under
    const failing = source.obtain()
    await under.fail(0, refused('invalid_client'))
    await failing.catch(() => {})
    expect(source.status().lastError).toMatchObject({
      atEpochMs: clock.epochMs(),
      code: 'invalid_client',
      message: expect.any(String) as string,
    })
    await clock.advance(3_600_000)
    expect(source.status()).toMatchObject({ lastError: { code: 'invalid_client' }, backOffMs: 0 })
  })
})

describe('metrics', () => {
  const lookups = 'bearerd_token_lookups_total{credential="main",result='
  const requestsTotal = 'bearerd_token_requests_total{credential="main",outcome='

  test('are there, at zero, before anything happened', async () => {
    const under = sourceUnderTest()
    for (const result of ['hit', 'wait', 'error']) expect(await under.metric(`${lookups}"${result}"}`)).toBe(0)
    for (const outcome of ['success', 'refused', 'unavailable'])
      expect(await under.metric(`${requestsTotal}"${outcome}"}`)).toBe(0)
    expect(await under.metric('bearerd_token_expiry_timestamp_seconds{credential="main"}')).toBe(0)
    expect(await under.metric('bearerd_token_renewal_timestamp_seconds{credential="main"}')).toBe(0)
    expect(await under.metric('bearerd_token_budget_remaining{credential="main"}')).toBeUndefined()
  })

  test('count each caller once, by what it found, and each token request once', async () => {
    const under = sourceUnderTest()
    const failing = Promise.allSettled([under.get(), under.get()])
    await under.fail(0, unavailable())
    await failing
    await under.clock.advance(1_000)
    const waiting = Promise.all([under.get(), under.get(), under.get()])
    await under.grant(1, 'token-1', 60_000)
    await waiting
    for (let call = 0; call < 5; call++) void under.get()
    expect(await under.metric(`${lookups}"hit"}`)).toBe(5)
    expect(await under.metric(`${lookups}"wait"}`)).toBe(3)
    expect(await under.metric(`${lookups}"error"}`)).toBe(2)
    expect(await under.metric(`${requestsTotal}"success"}`)).toBe(1)
    expect(await under.metric(`${requestsTotal}"unavailable"}`)).toBe(1)
    expect(await under.metric(`${requestsTotal}"refused"}`)).toBe(0)
    expect(await under.metric('bearerd_token_request_duration_seconds_count{credential="main"}')).toBe(2)
  })

  test('a spent budget is no token request', async () => {
    const under = await sourceWithToken({ token_requests: { limit: 1, window: '1h' } })
    await under.source.reject(under.first)
    expect(await under.metric(`${requestsTotal}"unavailable"}`)).toBe(0)
    expect(await under.metric('bearerd_token_request_duration_seconds_count{credential="main"}')).toBe(1)
    expect(await under.metric('bearerd_token_rejections_total{credential="main",outcome="budget"}')).toBe(1)
  })

  test('name the moments of expiry, renewal and the last success in seconds since the epoch', async () => {
    const under = sourceUnderTest()
    const waiting = under.source.obtain()
    await settled()
    await under.clock.advance(2_000)
    await under.grant(0, 'token-1', 60_000)
    await waiting
    expect(await under.metric('bearerd_token_last_success_timestamp_seconds{credential="main"}')).toBe(
      under.clock.epochMs() / 1000,
    )
    expect(await under.metric('bearerd_token_expiry_timestamp_seconds{credential="main"}')).toBe(
      (under.clock.epochMs() + 58_000) / 1000,
    )
    expect(await under.metric('bearerd_token_renewal_timestamp_seconds{credential="main"}')).toBe(
      under.source.status().renewAtEpochMs! / 1000,
    )
    expect(await under.metric('bearerd_token_request_duration_seconds_sum{credential="main"}')).toBe(2)
  })
})

test('the log says each thing once: an outage of an hour is no flood', async () => {
  const under = await sourceWithToken({}, 2 * 3_600_000)
  under.answer = () => {
    throw unavailable()
  }
  await useFor(under, 4 * 3_600_000, 500)
  expect(under.log.length).toBeLessThan(400)
  expect(under.log.every(({ credential }) => credential === 'main')).toBe(true)
})

test('an odd lifetime is logged with the token and never with its value', async () => {
  const under = sourceUnderTest()
  const waiting = under.source.obtain()
  await under.grant(0, 'canary-token', undefined, {
    lifetime: grantOf('x').lifetime && { ms: 5_000, source: 'default', oddity: 'the token response names no lifetime' },
  })
  await waiting
  expect(under.log).toMatchObject([{ level: 'warn', lifetime_from: 'default', lifetime_s: 5 }])
  expect(JSON.stringify(under.log)).not.toContain('canary')
})

test('an error inside bearerd is logged under its code, with its stack, and counts as a failure that may pass', async () => {
  const under = sourceUnderTest()
  const refused = expect(under.source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  await under.fail(0, new TypeError('a defect'))
  await refused
  expect(under.log).toMatchObject([
    { level: 'warn', code: 'internal_error', credential: 'main' },
    { level: 'error', error: 'internal_error', credential: 'main', err: { message: 'a defect' } },
  ])
  expect(under.source.status().lastError).toMatchObject({ code: 'internal_error' })
})
