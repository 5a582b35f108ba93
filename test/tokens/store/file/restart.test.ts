import { describe, expect, it } from 'vitest'
import type { StoreKeys } from '../../../../src/tokens/store/token-store.ts'
import { budgetOf, freshKeys, grantEntry, locked, publish, tokenEntry } from '../entries.ts'
import { placeWithToken, somePlace } from './place.ts'

describe('a restart', () => {
  it('loses neither tokens nor refresh tokens', async () => {
    const place = await somePlace()
    const keys = freshKeys()
    const [token, grant] = [tokenEntry(place.clock.epochMs()), grantEntry(place.clock.epochMs())]
    const before = await place.open()
    expect(await (await locked(before, keys)).publish(token, grant)).toBe(true)
    await before.close()
    await place.clock.advance(600_000)
    const after = await place.open()
    expect(await after.claim(keys, undefined)).toEqual({ state: 'kept', token: { ...token, remainingMs: 3_000_000 } })
    expect(await after.readGrant(keys)).toEqual(grant)
    expect(place.log).toEqual([])
  })

  it('does not bring back what was refused, revoked or replaced', async () => {
    const place = await somePlace()
    const [refused, revoked, replaced] = [freshKeys(), freshKeys(), freshKeys()]
    const before = await place.open()
    for (const keys of [refused, revoked, replaced]) {
      await publish(before, keys, tokenEntry(place.clock.epochMs(), { id: 'one' }))
    }
    before.reject(refused, 'one')
    await before.forget(revoked, 'one')
    await publish(before, replaced, tokenEntry(place.clock.epochMs(), { id: 'two' }), 'one')
    await before.close()
    const after = await place.open()
    expect(await after.read(refused)).toBeUndefined()
    expect(await after.read(revoked)).toBeUndefined()
    expect((await after.read(replaced))?.id).toBe('two')
  })

  it('gives no budget back', async () => {
    const place = await somePlace()
    const { budget } = freshKeys()
    const before = await place.open()
    await (await locked(before, freshKeys())).spend(budget, budgetOf(1))
    await before.close()
    await place.clock.advance(10_000)
    const verdict = await (await locked(await place.open(), freshKeys())).spend(budget, budgetOf(1))
    expect(verdict).toEqual({ isSpent: false, agesMs: [10_000] })
  })

  it('clears away what has expired with the next write', async () => {
    const place = await somePlace()
    const store = await place.open()
    for (let count = 0; count < 5; count++) {
      await publish(store, freshKeys(), tokenEntry(place.clock.epochMs(), { lifeMs: 1_000 }))
    }
    await place.clock.advance(1_000)
    await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
    expect((await place.text()).match(/"token:/g)).toHaveLength(1)
  })

  it('keeps no more tokens than are to be held', async () => {
    const place = await somePlace()
    const store = await place.open({ maxTokens: 3 })
    const all: StoreKeys[] = []
    for (let count = 0; count < 10; count++) {
      const keys = freshKeys()
      all.push(keys)
      await publish(store, keys, tokenEntry(place.clock.epochMs()))
      await place.clock.advance(1)
    }
    expect((await place.text()).match(/"token:/g)).toHaveLength(3)
    expect((await place.text()).match(/"grant:/g)).toHaveLength(3)
    expect(await store.read(all[0] ?? freshKeys())).toBeUndefined()
    expect(await store.read(all[9] ?? freshKeys())).toBeDefined()
  })
})

describe('a date that is wrong', () => {
  it('makes no token live longer when it is set back while the gateway runs', async () => {
    const place = await somePlace()
    const keys = freshKeys()
    const store = await place.open()
    await publish(store, keys, tokenEntry(place.clock.epochMs(), { lifeMs: 100_000 }))
    await place.clock.advance(50_000)
    place.clock.setDateForward(-50_000)
    expect((await store.read(keys))?.remainingMs).toBe(50_000)
    await place.clock.advance(50_000)
    expect(await store.read(keys)).toBeUndefined()
  })

  it('gives a token from a little in the future its whole life and no more, and one from far in the future none', async () => {
    const place = await somePlace()
    const [near, far] = [freshKeys(), freshKeys()]
    const store = await place.open()
    await publish(store, near, tokenEntry(place.clock.epochMs() + 59_000, { lifeMs: 100_000 }))
    await publish(store, far, tokenEntry(place.clock.epochMs() + 61_000, { lifeMs: 100_000 }))
    await store.close()
    const after = await place.open()
    expect((await after.read(near))?.remainingMs).toBe(100_000)
    expect(await after.read(far)).toBeUndefined()
  })

  it('ends tokens early rather than late when it is set forward', async () => {
    const place = await somePlace()
    const { keys, store } = await placeWithToken(place)
    place.clock.setDateForward(3_600_000)
    expect(await store.read(keys)).toBeUndefined()
  })

  it('gives no budget back when it is set back', async () => {
    const place = await somePlace()
    const { budget } = freshKeys()
    const store = await place.open()
    const spend = async () => (await locked(store, freshKeys())).spend(budget, budgetOf(1, 60_000))
    expect((await spend())?.isSpent).toBe(true)
    place.clock.setDateForward(-3_600_000)
    expect((await spend())?.isSpent).toBe(false)
    await place.clock.advance(60_000)
    expect((await spend())?.isSpent).toBe(true)
  })
})
