import { expect, test } from 'vitest'
import { replacementFor } from '../../src/token-service/replacement.ts'
import type { RefusedFields } from '../../src/token-service/refused-fields.ts'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { FleetUnderTest } from '../support/tokens-fleet.ts'
import { grantOf, sourceWithToken, valueOf } from '../support/tokens-source.ts'

/**
 * Other proxies tell of a refusal, and never of what became of the replay. A second report, of the new token, is the only sign that a renewal was
 * fruitless, and it may come from a place that refuses every token.
 */

const fieldsWith = (token: AccessToken): RefusedFields => new Map([['authorization', `Bearer ${valueOf(token)}`]])

async function start(isRefused: (value: string | undefined) => boolean) {
  const under = await sourceWithToken({}, 24 * 3_600_000)
  under.answer = (count) => grantOf(`token-${count}`, 24 * 3_600_000)
  const call = async (): Promise<'accepted' | 'accepted again' | 'refused'> => {
    const token = await under.get()
    if (!isRefused(valueOf(token))) return 'accepted'
    const { token: other } = await replacementFor(under.source, fieldsWith(token))
    return other !== undefined && !isRefused(valueOf(other)) ? 'accepted again' : 'refused'
  }
  return { under, call }
}

test('a path that always answers 401, called every second for an hour, costs a handful of token requests', async () => {
  const { under, call } = await start(() => true)
  const hour = async (): Promise<number> => {
    const before = under.requests.length
    for (let second = 0; second < 3_600; second++) {
      expect(await call()).toBe('refused')
      await under.clock.advance(1_000)
    }
    return under.requests.length - before
  }
  // At once, after 10, 20, 40, 80, 160 seconds, and then every 5 minutes.
  expect(await hour()).toBe(16)
  expect(await hour()).toBe(12)
})

test('a token that is withdrawn now and then is replaced at once, each time', async () => {
  let live = 'token-1'
  const { under, call } = await start((value) => value !== live)
  for (let hour = 2; hour < 8; hour++) {
    expect(await call()).toBe('accepted')
    await under.clock.advance(3_600_000)
    live = `token-${hour}`
    expect(await call()).toBe('accepted again')
  }
  expect(under.requests).toHaveLength(7)
})

test('the refusals that are reported here do not hold up those on routes, which show whether a new token helps', async () => {
  const { under, call } = await start(() => true)
  await call()
  expect(await call()).toBe('refused')
  expect(under.requests).toHaveLength(2)
  const token = await under.get()
  const rejection = await under.source.reject(token, true)
  expect(rejection.outcome).toBe('renewed')
  if (rejection.token === undefined) throw new Error('there is no other token')
  under.source.replayed(rejection, true)
  // And what they show counts for both.
  const { token: other } = await replacementFor(under.source, fieldsWith(rejection.token))
  expect(other && valueOf(other)).toBe('token-4')
})

test('a process that has had no token yet knows the one that was refused from the store', async () => {
  const fleet = new FleetUnderTest(2)
  const [first, second] = fleet.replicas
  if (first === undefined || second === undefined) throw new Error('there are no replicas')
  const granted = fleet.get(first)
  await fleet.clock.advance(100)
  const replacement = replacementFor(second, fieldsWith(await granted))
  await fleet.clock.advance(100)
  const { token } = await replacement
  expect(token && valueOf(token)).toBe('token-2')
  expect(fleet.requests).toHaveLength(2)
})
