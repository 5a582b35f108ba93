import { describe, expect, it } from 'vitest'
import { eventually, freshKeys, keptId, locked, publish } from '../entries.ts'
import { failure } from './bench.ts'
import type { Bench } from './bench.ts'

/** Who asks, and what the others are told when it was in vain. */
export function describeLocks(our: Bench): void {
  describe('the lock', () => {
    it('goes to one of many who claim at the same time', async () => {
      const stores = [our.store, ...(our.store.isShared && our.under.another !== undefined ? [await our.under.another()] : [])]
      const claims = await Promise.all(
        Array.from({ length: 40 }, async (_, at) => stores[at % stores.length]?.claim(our.keys, undefined)),
      )
      expect(claims.filter((claim) => claim?.state === 'locked')).toHaveLength(1)
      expect(claims.filter((claim) => claim?.state === 'taken')).toHaveLength(39)
    })

    it('is one for each token', async () => {
      await locked(our.store, our.keys)
      await locked(our.store, freshKeys())
      expect(await our.store.claim(our.keys, undefined)).toEqual({ state: 'taken', failure: undefined })
    })

    it('ends with its release', async () => {
      const lock = await locked(our.store, our.keys)
      lock.release()
      await eventually(() => locked(our.store, our.keys))
    })

    it('ends with what is published', async () => {
      const published = our.token()
      await publish(our.store, our.keys, published)
      await locked(our.store, our.keys, published.id)
    })

    it('is not ended by who had it before', async () => {
      const lock = await locked(our.store, our.keys)
      lock.release()
      const next = await eventually(() => locked(our.store, our.keys))
      lock.release()
      lock.fail(failure, 1_000)
      // Long enough for a store that is told from afar.
      await our.under.advance(50)
      expect(await our.store.claim(our.keys, undefined)).toEqual({ state: 'taken', failure: undefined })
      next.release()
      await eventually(() => locked(our.store, our.keys))
    })
  })

  describe('a failure', () => {
    it('is told to who claims next, for as long as it lasts', async () => {
      const lock = await locked(our.store, our.keys)
      lock.fail(failure, 300)
      await eventually(async () => expect(await our.store.claim(our.keys, undefined)).toEqual({ state: 'taken', failure }))
      await our.under.advance(350)
      await locked(our.store, our.keys)
    })

    it('with a Retry-After keeps others waiting for that, and tells what is left of it', async () => {
      const lock = await locked(our.store, our.keys)
      lock.fail({ ...failure, retryAfterMs: 60_000 }, 300)
      await our.under.advance(1_200)
      const claim = await our.store.claim(our.keys, undefined)
      const left = claim.state === 'taken' ? (claim.failure?.retryAfterMs ?? 0) : 0
      expect(left).toBeGreaterThan(50_000)
      expect(left).toBeLessThan(59_000)
    })

    it('does not hold up a claim that is urgent', async () => {
      const lock = await locked(our.store, our.keys)
      lock.fail(failure, 1_000)
      await eventually(async () => expect((await our.store.claim(our.keys, undefined, true)).state).toBe('locked'))
    })

    it('keeps others waiting for a second at most when the token endpoint is unavailable', async () => {
      const lock = await locked(our.store, our.keys)
      lock.fail(failure, 300_000)
      await eventually(async () => expect(await our.store.claim(our.keys, undefined)).toMatchObject({ failure }))
      await our.under.advance(1_050)
      await locked(our.store, our.keys)
    })

    it('keeps nobody from the token that is there', async () => {
      const known = our.token()
      await publish(our.store, our.keys, known)
      const lock = await locked(our.store, our.keys, known.id)
      lock.fail(failure, 1_000)
      await eventually(async () => expect(await our.store.claim(our.keys, known.id)).toMatchObject({ failure }))
      expect(keptId(await our.store.claim(our.keys, undefined))).toBe(known.id)
    })

    it('concerns no other token', async () => {
      const lock = await locked(our.store, our.keys)
      lock.fail(failure, 1_000)
      await locked(our.store, freshKeys())
    })
  })
}
