import { describe, expect, it } from 'vitest'
import { createMemoryStore } from '../../../src/tokens/store/memory-store.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { describeTokenStore } from './contract.ts'
import { freshKeys, grantEntry, locked, publish, tokenEntry } from './entries.ts'

describeTokenStore('memory', 'nothing', async () => {
  const clock = new FakeClock()
  const store = createMemoryStore({ clock, maxTokens: 1_000 })
  return {
    store,
    advance: (ms) => clock.advance(ms),
    epochMs: () => clock.epochMs(),
    close: () => store.close(),
  }
})

describe('tokens in memory', () => {
  it('are bounded in number: the one used longest ago goes first', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore({ clock, maxTokens: 3 })
    const [first, second, third, fourth] = [freshKeys(), freshKeys(), freshKeys(), freshKeys()]
    for (const keys of [first, second, third]) await publish(store, keys, tokenEntry(clock.epochMs()))
    await store.read(first)
    await publish(store, fourth, tokenEntry(clock.epochMs()))
    expect(await store.read(second)).toBeUndefined()
    expect(await store.readGrant(first)).toBeUndefined()
    for (const keys of [first, third, fourth]) expect(await store.read(keys)).toBeDefined()
  })

  it('expire when the machine’s date is set back, too', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore({ clock, maxTokens: 3 })
    const keys = freshKeys()
    await publish(store, keys, tokenEntry(clock.epochMs(), { lifeMs: 1_000 }))
    clock.setDateForward(-3_600_000)
    await clock.advance(1_000)
    expect(await store.read(keys)).toBeUndefined()
  })

  it('need no timer', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore({ clock, maxTokens: 3 })
    const keys = freshKeys()
    await publish(store, keys, tokenEntry(clock.epochMs()))
    const lock = await locked(store, freshKeys())
    lock.fail({ kind: 'refused', code: 'invalid_client', message: 'no' }, 60_000)
    await store.keepGrant(keys, grantEntry(clock.epochMs()))
    expect(clock.pendingTimers).toBe(0)
  })

  it('may be asked for again ten seconds after a refusal at the latest', async () => {
    const clock = new FakeClock()
    const store = createMemoryStore({ clock, maxTokens: 3 })
    const keys = freshKeys()
    const lock = await locked(store, keys)
    lock.fail({ kind: 'refused', code: 'invalid_client', message: 'no' }, 300_000)
    await clock.advance(9_999)
    expect((await store.claim(keys, undefined)).state).toBe('taken')
    await clock.advance(1)
    await locked(store, keys)
  })
})
