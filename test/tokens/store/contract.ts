import { afterEach, beforeEach, describe, it } from 'vitest'
import type { StoreEvent } from '../../../src/tokens/store/token-store.ts'
import { Bench, failure } from './contract/bench.ts'
import type { Sharing, StoreUnderTest } from './contract/bench.ts'
import { describeBudgets } from './contract/budgets.ts'
import { describeEvents } from './contract/events.ts'
import { describeGrants } from './contract/grants.ts'
import { describeLocks } from './contract/locks.ts'
import { describeTokens } from './contract/tokens.ts'
import { budgetOf, freshKeys, locked, publish } from './entries.ts'

/**
 * What every token store does, whatever it keeps things in.
 * @param sharing what others can get at: nothing, what is kept, or locks and budgets too
 * @param open gives a store at an empty place
 */
export function describeTokenStore(name: string, sharing: Sharing, open: () => Promise<StoreUnderTest>): void {
  describe(`the ${name} store`, () => {
    const our = new Bench(sharing)
    beforeEach(async () => our.setUp(await open()))
    afterEach(() => our.under.close())

    describeTokens(our)
    describeLocks(our)
    describeGrants(our)
    describeEvents(our)
    describeBudgets(our)

    it('goes on answering, and never throws, after it is closed', async () => {
      const published = our.token()
      await publish(our.store, our.keys, published)
      const lock = await locked(our.store, our.keys, published.id)
      const other = await locked(our.store, freshKeys())
      const heard: StoreEvent[] = []
      await our.store.close()
      await our.store.close()
      const end = our.store.subscribe(our.keys, (event) => heard.push(event))
      await lock.spend(our.keys.budget, budgetOf(1))
      await lock.publish(our.token(), our.grant())
      other.fail(failure, 1_000)
      other.release()
      await our.store.read(our.keys)
      await our.store.claim(our.keys, undefined)
      await our.store.readGrant(our.keys)
      await our.store.keepGrant(our.keys, our.grant())
      our.store.reject(our.keys, published.id)
      our.store.accept(our.keys, published.id)
      await our.store.forget(our.keys, published.id)
      end()
    })
  })
}
