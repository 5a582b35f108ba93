import { expect, test } from 'vitest'
import { TokenUnavailableError } from '../../src/tokens/token-unavailable-error.ts'
import { settled } from '../support/fake-clock.ts'
import { refused, sourceUnderTest, sourceWithToken, unavailable, valueOf } from '../support/tokens-source.ts'

test('a hit is synchronous and starts nothing', async () => {
  const { source, first, requests } = await sourceWithToken()
  for (let call = 0; call < 100; call++) expect(source.current()).toBe(first)
  await settled()
  expect(requests).toHaveLength(1)
})

test('500 callers of a cold start share one token request', async () => {
  const under = sourceUnderTest()
  const callers = Array.from({ length: 500 }, () => under.get())
  await settled()
  expect(under.requests).toHaveLength(1)
  await under.grant(0, 'token-1')
  const tokens = new Set(await Promise.all(callers))
  expect(tokens.size).toBe(1)
  expect(valueOf([...tokens][0])).toBe('token-1')
  await settled()
  expect(under.requests).toHaveLength(1)
})

test('500 callers of an expired token share one token request', async () => {
  const under = await sourceWithToken({}, 60_000)
  await under.clock.advance(60_000)
  const callers = Array.from({ length: 500 }, () => under.get())
  await settled()
  expect(under.requests).toHaveLength(2)
  await under.grant(1, 'token-2')
  expect(new Set((await Promise.all(callers)).map(valueOf))).toEqual(new Set(['token-2']))
})

test('a caller that leaves ends nothing for the others', async () => {
  const under = sourceUnderTest()
  const leaving = AbortSignal.abort()
  await Promise.race([under.get(), Promise.reject(leaving.reason as Error)]).catch(() => {})
  const staying = under.get()
  await under.grant(0, 'token-1')
  expect(valueOf(await staying)).toBe('token-1')
  await settled()
  expect(under.requests).toHaveLength(1)
})

test('a token that nobody waits for any more is kept for the next one', async () => {
  const under = sourceUnderTest()
  void under.get()
  await under.grant(0, 'token-1')
  await settled()
  expect(valueOf(under.source.current())).toBe('token-1')
})

test('a failure is told to every waiter, costs one token request and is remembered', async () => {
  const under = sourceUnderTest()
  const callers = Array.from({ length: 50 }, () => under.get())
  await under.fail(0, unavailable('http_503'))
  const outcomes = await Promise.allSettled(callers)
  expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true)
  for (let call = 0; call < 50; call++) {
    await expect(under.get()).rejects.toMatchObject({ reason: 'unavailable', cause: { code: 'http_503' } })
  }
  await settled()
  expect(under.requests).toHaveLength(1)
})

test('the pause tells how long it still lasts, and ends by itself', async () => {
  const under = sourceUnderTest({}, 1)
  const failing = under.source.obtain()
  await under.fail(0, unavailable())
  await expect(failing).rejects.toMatchObject({ retryAfterMs: 500 })
  await under.clock.advance(300)
  await expect(under.source.obtain()).rejects.toMatchObject({ retryAfterMs: 200 })
  await under.clock.advance(200)
  const next = under.source.obtain()
  await settled()
  expect(under.requests).toHaveLength(2)
  await under.grant(1, 'token-2')
  expect(valueOf(await next)).toBe('token-2')
  expect(under.source.status()).toMatchObject({ state: 'fresh', lastError: undefined, backOffMs: 0 })
})

test('the pauses of an outage double up to a minute, and longer and from ten seconds for a refusal', async () => {
  const pausesOf = async (thrown: Error, count: number): Promise<number[]> => {
    const under = sourceUnderTest({}, 1)
    const pauses: number[] = []
    for (let failure = 0; failure < count; failure++) {
      const failing = under.source.obtain()
      await under.fail(-1, thrown)
      const reason: unknown = await failing.catch((caught: unknown) => caught)
      pauses.push((reason as TokenUnavailableError).retryAfterMs)
      await under.clock.advance(pauses.at(-1) ?? 0)
    }
    await settled()
    expect(under.requests).toHaveLength(count)
    return pauses
  }
  expect(await pausesOf(unavailable(), 10)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000])
  expect(await pausesOf(refused(), 8)).toEqual([10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000, 300_000])
})

test('jitter shortens a pause to no less than half', async () => {
  const under = sourceUnderTest({}, 0)
  const failing = under.source.obtain()
  await under.fail(0, unavailable())
  await expect(failing).rejects.toMatchObject({ retryAfterMs: 250 })
})

test('Retry-After is honoured where it is longer, and does not shorten a pause', async () => {
  const long = sourceUnderTest({}, 1)
  const failing = long.source.obtain()
  await long.fail(0, unavailable('rate_limited', 90_000))
  await expect(failing).rejects.toMatchObject({ retryAfterMs: 90_000 })
  await long.clock.advance(89_999)
  await expect(long.source.obtain()).rejects.toBeInstanceOf(TokenUnavailableError)
  await settled()
  expect(long.requests).toHaveLength(1)

  const short = sourceUnderTest({}, 1)
  const again = short.source.obtain()
  await short.fail(0, unavailable('rate_limited', 0))
  await expect(again).rejects.toMatchObject({ retryAfterMs: 500 })
})

test('a first refusal after an outage pauses as a first refusal does', async () => {
  const under = sourceUnderTest({}, 1)
  for (let failure = 0; failure < 6; failure++) {
    const failing = under.source.obtain()
    await under.fail(-1, unavailable())
    await failing.catch(() => {})
    await under.clock.advance(60_000)
  }
  const failing = under.source.obtain()
  await under.fail(-1, refused())
  await expect(failing).rejects.toMatchObject({ reason: 'refused', retryAfterMs: 10_000 })
})

test.each([[new Error('canary-client-secret in a stack')], [new TypeError('x')], ['a text'], [undefined], [null]])(
  'whatever is thrown, callers get a reason and the source recovers: %s',
  async (thrown) => {
    const under = sourceUnderTest()
    const failing = under.source.obtain()
    await under.fail(0, thrown)
    const error: unknown = await failing.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TokenUnavailableError)
    expect(error).toMatchObject({ reason: 'unavailable' })
    expect((error as Error).message).not.toContain('canary')
    await under.clock.advance(60_000)
    const next = under.source.obtain()
    await under.grant(1, 'token-2')
    expect(valueOf(await next)).toBe('token-2')
  },
)

test('a token whose injection is not possible is a failure, not a token', async () => {
  const under = sourceUnderTest({
    inject: [
      { header: 'Authorization', value: 'Bearer {access_token}' },
      { header: 'X', value: '{token.instance}' },
    ],
  })
  const failing = under.source.obtain()
  await under.grant(0, 'token-1')
  await expect(failing).rejects.toMatchObject({ reason: 'unavailable' })
  expect(under.source.current()).toBeUndefined()
  expect(await under.metric('bearerd_token_requests_total{credential="main",outcome="unavailable"}')).toBe(1)
  expect(await under.metric('bearerd_token_requests_total{credential="main",outcome="success"}')).toBe(0)
})

test('renew() asks at once, through a pause, while the old token goes on', async () => {
  const under = await sourceWithToken()
  const renewed = under.source.renew()
  const joined = under.source.renew()
  expect(under.source.current()).toBe(under.first)
  await settled()
  expect(under.requests).toHaveLength(2)
  await under.fail(1, unavailable())
  await expect(renewed).rejects.toBeInstanceOf(TokenUnavailableError)
  await expect(joined).rejects.toBeInstanceOf(TokenUnavailableError)
  const again = under.source.renew()
  await under.grant(2, 'token-3')
  expect(valueOf(await again)).toBe('token-3')
  expect(valueOf(under.source.current())).toBe('token-3')
})
