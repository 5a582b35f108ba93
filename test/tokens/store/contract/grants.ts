import { describe, expect, it } from 'vitest'
import { freshKeys, locked, publish } from '../entries.ts'
import type { Bench } from './bench.ts'

/** Remembering grants. */
export function describeGrants(our: Bench): void {
  describe('what is remembered of grants', () => {
    it('is there under the lock and without it', async () => {
      const remembered = our.grant()
      const lock = await locked(our.store, our.keys)
      await lock.publish(our.token({ id: 'first' }), remembered)
      expect((await locked(our.store, our.keys, 'first')).grant).toEqual(remembered)
      expect(await our.store.readGrant(our.keys)).toEqual(remembered)
      expect(await our.store.readGrant(freshKeys())).toBeUndefined()
    })

    it('may lack everything but its date', async () => {
      const empty = {
        refreshToken: undefined,
        firstRefreshToken: undefined,
        lifetimeMs: undefined,
        writtenAtEpochMs: our.under.epochMs(),
      }
      expect(await our.store.keepGrant(our.keys, empty)).toBe(true)
      expect(await our.store.readGrant(our.keys)).toEqual(empty)
    })

    it('outlives the token', async () => {
      const published = our.token({ lifeMs: 200 })
      await publish(our.store, our.keys, published)
      our.store.reject(our.keys, published.id)
      await our.under.advance(250)
      expect((await our.store.readGrant(our.keys))?.refreshToken).toBe('canary-refresh-token')
    })

    it('is replaced with each token request', async () => {
      await publish(our.store, our.keys, our.token({ id: 'first' }))
      const lock = await locked(our.store, our.keys, 'first')
      await our.under.advance(5)
      await lock.publish(our.token({ id: 'second' }), our.grant('canary-refresh-token-2'))
      expect((await our.store.readGrant(our.keys))?.refreshToken).toBe('canary-refresh-token-2')
    })

    it('can be kept without a token request, and is there at the next one', async () => {
      const login = { ...our.grant('canary-login'), firstRefreshToken: undefined }
      expect(await our.store.keepGrant(our.keys, login)).toBe(true)
      expect((await locked(our.store, our.keys)).grant).toEqual(login)
    })

    it('of a login is not lost to a token request that began before it', async () => {
      await publish(our.store, our.keys, our.token({ id: 'first' }))
      const lock = await locked(our.store, our.keys, 'first')
      await our.under.advance(5)
      await our.store.keepGrant(our.keys, { ...our.grant('canary-login'), firstRefreshToken: undefined })
      await our.under.advance(5)
      await lock.publish(our.token({ id: 'second' }), our.grant('canary-refresh-token-2'))
      expect((await our.store.read(our.keys))?.id).toBe('second')
      expect((await our.store.readGrant(our.keys))?.refreshToken).toBe('canary-login')
    })
  })
}
