import { describe, expect, test } from 'vitest'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { settled } from '../support/fake-clock.ts'
import { refused, sourceWithToken, unavailable, useFor, valueOf } from '../support/tokens-source.ts'
import type { SourceUnderTest } from '../support/tokens-source.ts'

const rejections = (under: SourceUnderTest, outcome: string): Promise<number | undefined> =>
  under.metric(`bearerd_token_rejections_total{credential="main",outcome="${outcome}"}`)

/** Has a token refused and replaced by the next one. */
async function replaceIn(under: SourceUnderTest, token: AccessToken, next: string, isAccepted = true): Promise<AccessToken> {
  const rejection = under.source.reject(token)
  await under.grant(-1, next)
  const replacement = await rejection
  if (replacement.token === undefined) throw new Error('not renewed')
  under.source.replayed(replacement, isAccepted)
  return replacement.token
}

describe('a refused token', () => {
  test('is renewed once for 500 refusals at the same time', async () => {
    const under = await sourceWithToken()
    const refusals = Array.from({ length: 500 }, () => under.source.reject(under.first))
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    const answers = await Promise.all(refusals)
    expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(new Set(['renewed']))
    expect(new Set(answers.map(({ token }) => valueOf(token)))).toEqual(new Set(['token-2']))
    expect(await rejections(under, 'renewed')).toBe(500)
  })

  test('costs a straggler nothing, however late, because a newer one is there', async () => {
    const under = await sourceWithToken()
    const second = await replaceIn(under, under.first, 'token-2')
    for (let late = 0; late < 100; late++)
      expect(await under.source.reject(under.first)).toMatchObject({ outcome: 'newer', token: second })
    const third = await replaceIn(under, second, 'token-3')
    expect(await under.source.reject(under.first)).toMatchObject({ outcome: 'newer', token: third })
    await settled()
    expect(under.requests).toHaveLength(3)
  })

  test('is renewed when the newer one has expired meanwhile', async () => {
    const under = await sourceWithToken()
    const refusal = under.source.reject(under.first)
    await under.grant(1, 'token-2', 10_000)
    await refusal
    await under.clock.advance(10_000)
    const late = under.source.reject(under.first)
    await settled()
    expect(under.requests).toHaveLength(3)
    await under.grant(2, 'token-3')
    expect(await late).toMatchObject({ outcome: 'renewed' })
  })

  test('joins a background renewal that is under way', async () => {
    const under = await sourceWithToken({}, 3_600_000, 0)
    await under.clock.advance(56 * 60_000)
    under.source.current()
    await settled()
    expect(under.requests).toHaveLength(2)
    const refusals = [under.source.reject(under.first), under.source.reject(under.first)]
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    for (const { outcome, token } of await Promise.all(refusals))
      expect([outcome, valueOf(token)]).toEqual(['renewed', 'token-2'])
  })

  test('is not given to callers who come while it is renewed: they wait for the new one', async () => {
    const under = await sourceWithToken()
    const refusal = under.source.reject(under.first)
    expect(under.source.current()).toBeUndefined()
    const callers = Array.from({ length: 50 }, () => under.get())
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    await refusal
    expect(new Set((await Promise.all(callers)).map(valueOf))).toEqual(new Set(['token-2']))
  })

  test.each([
    ['an outage', unavailable()],
    ['a refusal', refused()],
    ['a defect', new Error('x')],
  ])('is used again until its expiry when its renewal fails: %s', async (_, error) => {
    const under = await sourceWithToken({}, 60_000)
    const refusal = under.source.reject(under.first)
    const waiting = [under.get(), under.get()]
    await under.fail(1, error)
    expect(await refusal).toEqual({ outcome: 'failed' })
    expect(await Promise.all(waiting)).toEqual([under.first, under.first])
    expect(under.source.current()).toBe(under.first)
    await under.clock.advance(59_999)
    expect(under.source.current()).toBe(under.first)
    await under.clock.advance(1)
    expect(under.source.current()).toBeUndefined()
  })

  test('causes no token request in a back-off', async () => {
    const under = await sourceWithToken()
    const refusal = under.source.reject(under.first)
    await under.fail(1, unavailable())
    await refusal
    for (let call = 0; call < 20; call++) expect(await under.source.reject(under.first)).toEqual({ outcome: 'back_off' })
    await settled()
    expect(under.requests).toHaveLength(2)
    expect(under.source.current()).toBe(under.first)
  })

  test('younger than min_reissue_interval causes no token request', async () => {
    const under = await sourceWithToken({ min_reissue_interval: '30s' })
    await under.clock.advance(29_999)
    expect(await under.source.reject(under.first)).toEqual({ outcome: 'too_young' })
    await settled()
    expect(under.requests).toHaveLength(1)
    expect(under.source.current()).toBe(under.first)
    await under.clock.advance(1)
    await replaceIn(under, under.first, 'token-2')
    await settled()
    expect(under.requests).toHaveLength(2)
  })
})

describe('the cool-down', () => {
  /** Refuses a token, has it renewed, and has the replay refused too. */
  const fruitless = (under: SourceUnderTest, token: AccessToken, next: string): Promise<AccessToken> =>
    replaceIn(under, token, next, false)

  test('starts at 10 s after a refused replay, doubles to 5 min, and lets refusals pass meanwhile', async () => {
    const under = await sourceWithToken({}, 24 * 3_600_000)
    let token = under.first
    for (const [index, lengthMs] of [10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000].entries()) {
      token = await fruitless(under, token, `token-${index + 2}`)
      expect(under.source.status().coolDownMs).toBe(lengthMs)
      await under.clock.advance(lengthMs - 1)
      expect(await under.source.reject(token)).toEqual({ outcome: 'cool_down' })
      expect(under.source.current()).toBe(token)
      await settled()
      expect(under.requests).toHaveLength(index + 2)
      await under.clock.advance(1)
    }
  })

  test('is started once by 500 refused replays of one token', async () => {
    const under = await sourceWithToken()
    const token = await fruitless(under, under.first, 'token-2')
    for (let replay = 0; replay < 499; replay++) under.source.replayed({ token: token, isCause: true }, false)
    await under.clock.advance(5_000)
    under.source.replayed({ token: token, isCause: true }, false)
    expect(under.source.status().coolDownMs).toBe(5_000)
  })

  test('ends with a replay that is accepted, and begins anew at 10 s', async () => {
    const under = await sourceWithToken()
    const second = await fruitless(under, under.first, 'token-2')
    await under.clock.advance(10_000)
    const third = await fruitless(under, second, 'token-3')
    expect(under.source.status().coolDownMs).toBe(20_000)
    under.source.replayed({ token: third, isCause: true }, true)
    expect(under.source.status().coolDownMs).toBe(0)
    await fruitless(under, third, 'token-4')
    expect(under.source.status().coolDownMs).toBe(10_000)
  })

  test('starts once when the endpoint grants the same token to any number of refusals', async () => {
    const under = await sourceWithToken()
    const refusals = Array.from({ length: 50 }, () => under.source.reject(under.first))
    await under.grant(1, 'token-1', 600_000)
    for (const answer of await Promise.all(refusals)) expect(answer).toEqual({ outcome: 'same_token' })
    expect(under.source.status().coolDownMs).toBe(10_000)
    expect(valueOf(under.source.current())).toBe('token-1')
    expect(await under.source.reject(under.first)).toEqual({ outcome: 'cool_down' })
    await under.clock.advance(10_000)
    const again = under.source.reject(under.source.current() ?? under.first)
    await under.grant(2, 'token-1', 600_000)
    await again
    expect(under.source.status().coolDownMs).toBe(20_000)
    await settled()
    expect(under.requests).toHaveLength(3)
  })

  test('does not hinder a renewal ahead of expiry, nor one after it', async () => {
    const under = await sourceWithToken({}, 5_000)
    const second = under.source.reject(under.first)
    await under.grant(1, 'token-2', 5_000)
    under.source.replayed({ token: (await second).token ?? under.first, isCause: true }, false)
    expect(under.source.status().coolDownMs).toBe(10_000)
    await under.clock.advance(5_000)
    const waiting = under.get()
    await under.grant(-1, 'token-3')
    expect(valueOf(await waiting)).toBe('token-3')
  })
})

test('a replay with a token that is no longer current says nothing about the current one', async () => {
  const under = await sourceWithToken()
  const second = await replaceIn(under, under.first, 'token-2')
  const third = await replaceIn(under, second, 'token-3')
  under.source.replayed({ token: third, isCause: true }, true)
  under.source.replayed({ token: second, isCause: true }, false)
  expect(under.source.status().coolDownMs).toBe(0)
  await useFor(under, 1_000, 100)
  await settled()
  expect(under.source.current()).toBe(third)
})
