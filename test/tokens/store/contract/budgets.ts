import { describe, expect, it } from 'vitest'
import type { TokenStore } from '../../../../src/tokens/store/token-store.ts'
import { budgetOf, freshKeys, locked } from '../entries.ts'
import type { Bench } from './bench.ts'

/** Spending budgets. */
export function describeBudgets(our: Bench): void {
  describe('a budget', () => {
    const spend = async (terms: ReturnType<typeof budgetOf>, at: TokenStore = our.store, key = our.keys.budget) =>
      (await locked(at, freshKeys())).spend(key, terms)

    it('is spent once for each token request, and never beyond its limit', async () => {
      const verdicts = await Promise.all(Array.from({ length: 8 }, () => spend(budgetOf(5))))
      expect(verdicts.filter((verdict) => verdict?.isSpent === true)).toHaveLength(5)
      expect((await spend(budgetOf(5)))?.agesMs).toHaveLength(5)
    })

    it('can be looked at without spending of it', async () => {
      expect(await our.store.readBudget(our.keys.budget, 3_600_000)).toEqual([])
      await spend(budgetOf(5))
      for (let look = 0; look < 3; look++)
        expect(await our.store.readBudget(our.keys.budget, 3_600_000)).toEqual([expect.any(Number)])
    })

    it('slides: what was spent comes back a window later', async () => {
      const terms = budgetOf(2, 400)
      expect((await spend(terms))?.isSpent).toBe(true)
      await our.under.advance(200)
      expect((await spend(terms))?.isSpent).toBe(true)
      expect((await spend(terms))?.isSpent).toBe(false)
      await our.under.advance(250)
      expect((await spend(terms))?.isSpent).toBe(true)
    })

    it('leaves the reserve untouched', async () => {
      expect((await spend(budgetOf(2, 60_000, 1)))?.isSpent).toBe(true)
      expect((await spend(budgetOf(2, 60_000, 1)))?.isSpent).toBe(false)
      expect((await spend(budgetOf(2, 60_000, 0)))?.isSpent).toBe(true)
      expect((await spend(budgetOf(2, 60_000, 0)))?.isSpent).toBe(false)
    })

    it('says how long ago each was spent, this one included, oldest first', async () => {
      const terms = budgetOf(2)
      await spend(terms)
      await our.under.advance(200)
      const ages = (await spend(terms))?.agesMs ?? []
      expect(ages).toHaveLength(2)
      expect(ages[0]).toBeGreaterThanOrEqual(195)
      expect(ages[0]).toBeLessThan(2_000)
      expect(ages[1]).toBeGreaterThanOrEqual(0)
      expect(ages[1]).toBeLessThan(1_000)
      const refusal = await spend(terms)
      expect(refusal).toMatchObject({ isSpent: false })
      expect(refusal?.agesMs).toHaveLength(2)
    })

    it('is a budget of its own for each client', async () => {
      expect((await spend(budgetOf(1)))?.isSpent).toBe(true)
      expect((await spend(budgetOf(1), our.store, freshKeys().budget))?.isSpent).toBe(true)
    })

    const itIsShared = our.sharing === 'everything' ? it : () => {}
    itIsShared('is one for all who share the store', async () => {
      const other = await our.another()
      expect((await spend(budgetOf(1)))?.isSpent).toBe(true)
      expect((await spend(budgetOf(1), other))?.isSpent).toBe(false)
    })
  })
}
