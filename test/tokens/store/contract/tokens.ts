import { describe, expect, it } from 'vitest'
import { eventually, freshKeys, keptId, locked, publish, tokenEntry } from '../entries.ts'
import type { Bench } from './bench.ts'

/** Keeping tokens. */
export function describeTokens(our: Bench): void {
  describe('keeping a token', () => {
    it('gives the lock to the first who claims where there is nothing', async () => {
      expect(await our.store.read(our.keys)).toBeUndefined()
      const claim = await our.store.claim(our.keys, undefined)
      expect(claim.state).toBe('locked')
      expect(claim.state === 'locked' && claim.lock.grant).toBeUndefined()
    })

    it('gives what was published, with what is left of its life', async () => {
      const published = our.token({ isOnProbation: true })
      expect(await publish(our.store, our.keys, published)).toBe(true)
      await our.under.advance(150)
      const claim = await our.store.claim(our.keys, undefined)
      expect(claim).toEqual({ state: 'kept', token: { ...published, remainingMs: expect.any(Number) as number } })
      const remainingMs = claim.state === 'kept' ? claim.token.remainingMs : 0
      expect(remainingMs).toBeLessThanOrEqual(3_600_000 - 150)
      expect(remainingMs).toBeGreaterThan(3_600_000 - 2_000)
      expect(await our.store.read(our.keys)).toMatchObject({ id: published.id, accessToken: published.accessToken })
    })

    it('counts the life of a token from when it was issued', async () => {
      await publish(our.store, our.keys, tokenEntry(our.under.epochMs() - 1_000_000))
      const remainingMs = (await our.store.read(our.keys))?.remainingMs
      expect(remainingMs).toBeLessThanOrEqual(2_600_000)
      expect(remainingMs).toBeGreaterThan(2_590_000)
    })

    it('does not give a claimant the token it knows, but the lock', async () => {
      const known = our.token()
      await publish(our.store, our.keys, known)
      await locked(our.store, our.keys, known.id)
      expect(keptId(await our.store.claim(our.keys, 'another id'))).toBe(known.id)
    })

    it('gives no expired token', async () => {
      await publish(our.store, our.keys, our.token({ lifeMs: 300 }))
      expect((await our.store.read(our.keys))?.remainingMs).toBeLessThanOrEqual(300)
      await our.under.advance(350)
      expect(await our.store.read(our.keys)).toBeUndefined()
      await locked(our.store, our.keys)
    })

    it('gives no token that had expired when it came', async () => {
      const lock = await locked(our.store, our.keys)
      await lock.publish(tokenEntry(our.under.epochMs() - 5_000, { lifeMs: 4_000 }), our.grant())
      expect(await our.store.read(our.keys)).toBeUndefined()
      await locked(our.store, our.keys)
    })

    it('replaces a token by the next one', async () => {
      const [first, second] = [our.token(), our.token()]
      await publish(our.store, our.keys, first)
      await publish(our.store, our.keys, second, first.id)
      expect(keptId(await our.store.claim(our.keys, first.id))).toBe(second.id)
    })

    it('keeps the tokens of different keys apart', async () => {
      const others = freshKeys()
      const [ours, theirs] = [our.token(), our.token()]
      await publish(our.store, our.keys, ours)
      await publish(our.store, others, theirs)
      expect((await our.store.read(our.keys))?.id).toBe(ours.id)
      expect((await our.store.read(others))?.id).toBe(theirs.id)
      expect(await our.store.read(freshKeys())).toBeUndefined()
    })

    const itIsShared = our.sharing === 'nothing' ? () => {} : it
    itIsShared('gives it to others who use the same place', async () => {
      const other = await our.another()
      const published = our.token()
      await publish(our.store, our.keys, published)
      expect(keptId(await other.claim(our.keys, undefined))).toBe(published.id)
      expect((await other.readGrant(our.keys))?.refreshToken).toBe('canary-refresh-token')
    })
  })

  describe('a token that is refused, accepted or revoked', () => {
    it('is kept no longer once it is refused', async () => {
      const refused = our.token()
      await publish(our.store, our.keys, refused)
      our.store.reject(our.keys, refused.id)
      await eventually(async () => expect(await our.store.read(our.keys)).toBeUndefined())
      await locked(our.store, our.keys)
    })

    it('is there again when its renewal has failed, for as long as it lives', async () => {
      const refused = our.token()
      await publish(our.store, our.keys, refused)
      const kept = await our.store.read(our.keys)
      our.store.reject(our.keys, refused.id)
      await eventually(async () => expect(await our.store.read(our.keys)).toBeUndefined())
      if (kept !== undefined) our.store.restore(our.keys, kept)
      await eventually(async () => expect((await our.store.read(our.keys))?.id).toBe(refused.id))
    })

    it('does not come back in place of another one', async () => {
      const [before, now] = [our.token(), our.token()]
      await publish(our.store, our.keys, before)
      const kept = await our.store.read(our.keys)
      our.store.reject(our.keys, before.id)
      await publish(our.store, our.keys, now)
      if (kept !== undefined) our.store.restore(our.keys, kept)
      await our.under.advance(50)
      expect((await our.store.read(our.keys))?.id).toBe(now.id)
    })

    it('takes no other one with it', async () => {
      const kept = our.token()
      await publish(our.store, our.keys, kept)
      our.store.reject(our.keys, 'the one before')
      await our.store.forget(our.keys, 'the one before')
      await our.under.advance(50)
      expect((await our.store.read(our.keys))?.id).toBe(kept.id)
    })

    it('ends its probation when it is accepted', async () => {
      const renewed = our.token({ isOnProbation: true })
      await publish(our.store, our.keys, renewed)
      our.store.accept(our.keys, 'the one before')
      expect((await our.store.read(our.keys))?.isOnProbation).toBe(true)
      our.store.accept(our.keys, renewed.id)
      await eventually(async () => expect((await our.store.read(our.keys))?.isOnProbation).toBe(false))
      expect(await our.store.read(our.keys)).toMatchObject({
        id: renewed.id,
        accessToken: renewed.accessToken,
        fields: renewed.fields,
      })
    })

    it('is forgotten once it is revoked', async () => {
      const revoked = our.token()
      await publish(our.store, our.keys, revoked)
      await our.store.forget(our.keys, revoked.id)
      expect(await our.store.read(our.keys)).toBeUndefined()
    })
  })
}
