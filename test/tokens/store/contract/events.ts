import { describe, expect, it } from 'vitest'
import type { StoreEvent, StoreKeys, TokenStore } from '../../../../src/tokens/store/token-store.ts'
import { eventually, freshKeys, locked, publish } from '../entries.ts'
import { failure } from './bench.ts'
import type { Bench } from './bench.ts'

/** Telling the others. */
export function describeEvents(our: Bench): void {
  describe('events', () => {
    const listen = (at: TokenStore, of: StoreKeys): { readonly heard: StoreEvent[]; end(): void } => {
      const heard: StoreEvent[] = []
      return { heard, end: at.subscribe(of, (event) => heard.push(event)) }
    }

    it('reach everybody who listens, whoever caused them', async () => {
      const stores = [
        our.store,
        our.store,
        ...(our.store.isShared && our.under.another !== undefined ? [await our.under.another()] : []),
      ]
      const listeners = stores.map((each) => listen(each, our.keys))
      await our.store.readGrant(our.keys)
      await publish(our.store, our.keys, our.token({ id: 'one' }))
      our.store.reject(our.keys, 'one')
      our.store.accept(our.keys, 'two')
      await eventually(async () => expect(await our.store.read(our.keys)).toBeUndefined())
      const lock = await locked(our.store, our.keys)
      lock.fail(failure, 10)
      await our.store.keepGrant(our.keys, our.grant('canary-login'))
      const expected = [
        { type: 'granted', id: 'one' },
        { type: 'rejected', id: 'one' },
        { type: 'accepted', id: 'two' },
        { type: 'failed' },
        { type: 'login' },
      ]
      for (const { heard } of listeners) {
        await eventually(() => expect(heard).toHaveLength(expected.length))
        expect(heard).toEqual(expect.arrayContaining(expected))
        expect(heard[0]).toEqual(expected[0])
      }
    })

    it('come later than the call that caused them returns', async () => {
      const { heard } = listen(our.store, our.keys)
      our.store.reject(our.keys, 'one')
      expect(heard).toEqual([])
      await eventually(() => expect(heard).toHaveLength(1))
    })

    it('reach nobody who listens for other tokens, or no longer', async () => {
      const [others, ended, lasting] = [listen(our.store, freshKeys()), listen(our.store, our.keys), listen(our.store, our.keys)]
      ended.end()
      ended.end()
      our.store.reject(our.keys, 'one')
      await eventually(() => expect(lasting.heard).toHaveLength(1))
      expect([...others.heard, ...ended.heard]).toEqual([])
    })
  })
}
