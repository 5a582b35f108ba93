import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { grantOf, sourceUnderTest, sourceWithToken, unavailable, useFor, valueOf } from '../support/tokens-source.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

describe('within its renewal time', () => {
  test('a token is renewed once, in the background, and goes on serving meanwhile', async () => {
    const under = await sourceWithToken({}, hour, 0)
    await under.clock.advance(54 * minute + 59_000)
    under.source.current()
    await settled()
    expect(under.requests).toHaveLength(1)
    await under.clock.advance(61_000)
    for (let call = 0; call < 100; call++) expect(under.source.current()).toBe(under.first)
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    await settled()
    expect(valueOf(under.source.current())).toBe('token-2')
    await settled()
    expect(under.requests).toHaveLength(2)
  })

  test('a renewal that hangs is not asked for twice, and the old token serves until it expires', async () => {
    const under = await sourceWithToken({}, hour, 0)
    await useFor(under, hour - 2_000, 1_000)
    await settled()
    expect(under.requests).toHaveLength(2)
    expect(under.source.current()).toBe(under.first)
    await under.clock.advance(2_000)
    expect(under.source.current()).toBeUndefined()
    const waiting = under.source.obtain()
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    expect(valueOf(await waiting)).toBe('token-2')
  })

  test('a token whose renewal fails is used until its exact expiry and never after', async () => {
    const under = await sourceWithToken({}, hour, 0)
    under.answer = () => {
      throw unavailable()
    }
    await useFor(under, hour - 1_000, 1_000, (token) => expect(token).toBe(under.first))
    await under.clock.advance(999)
    expect(under.source.current()).toBe(under.first)
    await under.clock.advance(1)
    expect(under.source.current()).toBeUndefined()
    await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
    const tried = under.requests.length
    expect(tried).toBeGreaterThan(5)
    expect(tried).toBeLessThan(30)
  })

  test('the first success after failed renewals is used at once', async () => {
    const under = await sourceWithToken({}, hour, 0)
    let isDown = true
    under.answer = (count) => {
      if (isDown) throw unavailable()
      return grantOf(`token-${count}`)
    }
    await useFor(under, 57 * minute, 1_000)
    isDown = false
    await useFor(under, 2 * minute, 1_000)
    expect(valueOf(under.source.current())).not.toBe('token-1')
    expect(under.source.status().lastError).toBeUndefined()
  })
})

describe('the timer', () => {
  test('renews a token in use when no caller comes by just then', async () => {
    const under = await sourceWithToken({}, hour, 0)
    await useFor(under, 40 * minute, minute)
    await under.clock.advance(16 * minute)
    await settled()
    expect(under.requests).toHaveLength(2)
  })

  test('leaves an idle token alone, and the next caller after its expiry gets a new one', async () => {
    const under = await sourceWithToken({}, hour)
    await under.clock.advance(10 * day)
    await settled()
    expect(under.requests).toHaveLength(1)
    const next = under.get()
    await under.grant(1, 'token-2')
    expect(valueOf(await next)).toBe('token-2')
  })

  test('stops when a token falls out of use after renewals', async () => {
    const under = await sourceWithToken({}, hour)
    under.answer = (count) => grantOf(`token-${count}`)
    await useFor(under, 3 * hour, minute)
    const used = under.requests.length
    await under.clock.advance(day)
    expect(under.requests.length - used).toBeLessThanOrEqual(1)
  })

  test('fires no earlier than it should for a token of 30 days', async () => {
    const early = await sourceWithToken({}, 30 * day, 1)
    await useFor(early, 29 * day, hour)
    await settled()
    expect(early.requests).toHaveLength(1)
    await useFor(early, 23 * hour + 55 * minute, 5 * minute)
    await settled()
    expect(early.requests).toHaveLength(2)
    expect(early.source.current()).toBe(early.first)
  })

  test('is one, however often a token is renewed', async () => {
    const under = await sourceWithToken({}, minute)
    under.answer = (count) => grantOf(`token-${count}`, minute)
    await useFor(under, hour, 1_000)
    expect(under.clock.pendingTimers).toBeLessThanOrEqual(1)
  })

  test('is gone after close(), also when a request was under way', async () => {
    const idle = await sourceWithToken()
    idle.source.close()
    expect(idle.clock.pendingTimers).toBe(0)
    const busy = sourceUnderTest()
    const waiting = busy.source.obtain()
    busy.source.close()
    await busy.grant(0, 'token-1')
    expect(valueOf(await waiting)).toBe('token-1')
    expect(busy.clock.pendingTimers).toBe(0)
  })
})

describe('renew_before', () => {
  const renewAfter = async (keys: Readonly<Record<string, unknown>>, lifeMs: number, random = 0): Promise<number> => {
    const { source } = await sourceWithToken(keys, lifeMs, random)
    const { renewAtEpochMs, issuedAtEpochMs } = source.status()
    return (renewAtEpochMs ?? 0) - (issuedAtEpochMs ?? 0)
  }

  test.each([
    ['default', {}, hour, 55 * minute],
    ['default of a short life', {}, 10 * minute, 9 * minute],
    ['default of a long life', {}, 30 * day, 30 * day - 5 * minute],
    ['share', { renew_before: '20%' }, hour, 48 * minute],
    ['duration', { renew_before: '30s' }, hour, hour - 30_000],
    ['large share', { renew_before: '80%' }, hour, 12 * minute],
  ])('%s', async (_, keys, lifeMs, afterMs) => {
    expect(await renewAfter(keys, lifeMs)).toBeCloseTo(afterMs, 3)
  })

  test('longer than the life of a token does not make a loop', async () => {
    expect(await renewAfter({ renew_before: '15m' }, 899_000, 1)).toBeGreaterThanOrEqual(449_500)
    const under = await sourceWithToken({ renew_before: '1h' }, minute, 1)
    under.answer = (count) => grantOf(`token-${count}`, minute)
    await useFor(under, 10 * minute, 1_000)
    expect(under.requests.length).toBeLessThanOrEqual(21)
  })

  test('is moved by jitter, only ever earlier, by a tenth of itself', async () => {
    expect(await renewAfter({ renew_before: '100s' }, hour, 0)).toBeCloseTo(hour - 100_000, 3)
    expect(await renewAfter({ renew_before: '100s' }, hour, 1)).toBeCloseTo(hour - 110_000, 3)
    expect(await renewAfter({ renew_before: '90%' }, hour, 1)).toBeGreaterThan(0)
  })
})

test('the life of a token counts from when it was asked for', async () => {
  const under = sourceUnderTest()
  const waiting = under.source.obtain()
  await settled()
  await under.clock.advance(9_000)
  await under.grant(0, 'token-1', 10_000)
  await waiting
  await under.clock.advance(999)
  expect(under.source.current()).toBeDefined()
  await under.clock.advance(1)
  expect(under.source.current()).toBeUndefined()
})

test('the same token, granted again with what is left of its life, makes no loop', async () => {
  const under = sourceUnderTest()
  const startMs = under.clock.nowMs()
  let usedTooLongMs = 0
  // Answers as GoBiz describes it: the current token, with its approximate remaining lifetime in whole seconds.
  under.answer = () => {
    const passedMs = under.clock.nowMs() - startMs
    const leftMs = Math.floor((hour - (passedMs % hour)) / 1_000) * 1_000
    return grantOf(`token-${Math.floor(passedMs / hour)}`, Math.max(leftMs, 1_000))
  }
  await under.source.obtain()
  await useFor(under, 3 * hour, 500, (token) => {
    const number = Number(valueOf(token)?.slice('token-'.length) ?? Number.NaN)
    if (!Number.isNaN(number)) usedTooLongMs = Math.max(usedTooLongMs, under.clock.nowMs() - startMs - (number + 1) * hour)
  })
  expect(under.requests.length).toBeLessThan(30)
  expect(usedTooLongMs).toBeLessThanOrEqual(1_000)
})

test.each([[hour], [-hour], [-20 * day], [400 * day]])(
  'setting the date by %i ms neither expires nor immortalises a token',
  async (jumpMs) => {
    const under = await sourceWithToken({ renew_before: '1s' }, hour)
    under.clock.setDateForward(jumpMs)
    expect(under.source.current()).toBe(under.first)
    await useFor(under, hour - 2_000, minute, (token) => token && expect(token).toBe(under.first))
    await under.clock.advance(minute)
    expect(under.source.current()).toBeUndefined()
  },
)

test('the status names one moment of expiry and one of renewal that fit together after the date was set', async () => {
  const under = await sourceWithToken()
  under.clock.setDateForward(-2 * hour)
  const { renewAtEpochMs, expiresAtEpochMs } = under.source.status()
  expect((expiresAtEpochMs ?? 0) - (renewAtEpochMs ?? 0)).toBeLessThan(10 * minute)
})
