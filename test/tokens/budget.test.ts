import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TokenBudget } from '../../src/tokens/token-budget.ts'
import { grantOf, sourceUnderTest, sourceWithToken, useFor, valueOf } from '../support/tokens-source.ts'
import { settled } from '../support/fake-clock.ts'

describe('the window', () => {
  test('slides: a request becomes free exactly one window after it was spent', () => {
    const budget = new TokenBudget({ limit: 2, window: 1_000 })
    expect(budget.take('callers', 0)).toBe(true)
    expect(budget.take('callers', 600)).toBe(true)
    expect(budget.take('callers', 999)).toBe(false)
    expect(budget.waitMs(999)).toBe(1)
    expect(budget.take('rejection', 1_000)).toBe(true)
    expect(budget.waitMs(1_000)).toBe(600)
    expect(budget.remaining(1_000)).toBe(0)
    expect(budget.remaining(1_600)).toBe(1)
    expect(budget.waitMs(1_600)).toBe(0)
  })

  test('keeps a tenth for callers: renewals ahead of time cannot spend it', () => {
    const budget = new TokenBudget({ limit: 100, window: 1_000 })
    let renewals = 0
    while (budget.take('renewal', 0)) renewals++
    expect(renewals).toBe(90)
    let callers = 0
    while (budget.take(callers % 2 === 0 ? 'callers' : 'rejection', 0)) callers++
    expect(callers).toBe(10)
    expect(budget.remaining(0)).toBe(0)
  })

  test('of one request still lets a token be renewed', () => {
    expect(new TokenBudget({ limit: 1, window: 1_000 }).take('renewal', 0)).toBe(true)
  })

  test('never holds more than the limit in any stretch of its length', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 0, max: 700 }), fc.constantFrom('callers', 'rejection', 'renewal')), {
      maxLength: 200,
    })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), steps, (limit, moves) => {
        const budget = new TokenBudget({ limit, window: 1_000 })
        const spentAt: number[] = []
        let nowMs = 0
        for (const [stepMs, purpose] of moves) {
          nowMs += stepMs
          const remaining = budget.remaining(nowMs)
          const waitMs = budget.waitMs(nowMs)
          if (purpose !== 'renewal') expect(waitMs === 0).toBe(remaining > 0)
          if (budget.take(purpose, nowMs)) spentAt.push(nowMs)
          else if (purpose !== 'renewal')
            expect(new TokenBudget({ limit, window: 1_000 }).take(purpose, nowMs + waitMs)).toBe(true)
          expect(spentAt.filter((at) => at > nowMs - 1_000).length).toBeLessThanOrEqual(limit)
        }
      }),
      { seed: 20_260_101 },
    )
  })
})

describe('a spent budget', () => {
  const budget = { token_requests: { limit: 2, window: '1m' } }

  test('is said to callers without a token, with the time until it is free', async () => {
    const under = sourceUnderTest(budget)
    under.answer = (count) => grantOf(`token-${count}`, 1_000)
    await under.source.obtain()
    await under.clock.advance(10_000)
    await under.source.obtain()
    await under.clock.advance(10_000)
    for (let call = 0; call < 10; call++)
      await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'budget', retryAfterMs: 40_000 })
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.clock.advance(40_000)
    expect(valueOf(await under.source.obtain())).toBe('token-3')
  })

  test('lets a refusal pass and leaves the token in use', async () => {
    const under = await sourceWithToken({ token_requests: { limit: 1, window: '1h' } })
    expect(await under.source.reject(under.first)).toEqual({ outcome: 'budget' })
    expect(under.source.current()).toBe(under.first)
    await settled()
    expect(under.requests).toHaveLength(1)
  })

  test('makes no back-off: the next request is sent as soon as it is free', async () => {
    const under = await sourceWithToken({ token_requests: { limit: 1, window: '1m' } }, 10_000)
    await under.clock.advance(10_000)
    await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'budget' })
    expect(under.source.status()).toMatchObject({ backOffMs: 0, lastError: undefined })
    await under.clock.advance(50_000)
    void under.source.obtain()
    await settled()
    expect(under.requests).toHaveLength(2)
  })

  test('keeps renewals ahead of time from eating what callers need', async () => {
    const under = sourceUnderTest({ token_requests: { limit: 10, window: '1h' }, renew_before: '50%' })
    under.answer = (count) => grantOf(`token-${count}`, 60_000)
    await under.source.obtain()
    await useFor(under, 20 * 60_000, 1_000)
    await settled()
    expect(under.requests).toHaveLength(9)
    expect(valueOf(await under.source.obtain())).toBe('token-10')
  })

  test('is scraped as what is left now, not as what was left at the last token request', async () => {
    const under = await sourceWithToken({ token_requests: { limit: 5, window: '1m' } })
    const series = 'bearerd_token_budget_remaining{credential="main"}'
    expect(await under.metric(series)).toBe(4)
    expect(await under.metric('bearerd_token_budget_limit{credential="main"}')).toBe(5)
    await under.clock.advance(60_000)
    expect(under.source.status().budgetRemaining).toBe(5)
    expect(await under.metric(series)).toBe(5)
  })
})
