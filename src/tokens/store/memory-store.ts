import type { Clock } from '../clock.ts'
import { BoundedMap } from './bounded-map.ts'
import { LocalStore } from './local-store.ts'
import type { Shelf } from './shelf.ts'
import { spendFrom } from './sliding-budget.ts'
import type { BudgetTerms, BudgetVerdict, GrantEntry, KeptToken, StoreKeys, TokenEntry, TokenStore } from './token-store.ts'

/**
 * Keeps tokens in the memory of the process. Expiry is by the monotonic clock, and nothing waits for a timer.
 * @param maxTokens tokens held at a time, and as much of everything else; what was used longest ago goes first
 */
export function createMemoryStore({ clock, maxTokens }: { readonly clock: Clock; readonly maxTokens: number }): TokenStore {
  const shelf = new MemoryShelf(clock, maxTokens)
  return new LocalStore({ name: 'memory', isLasting: false, shelf, clock, maxTokens })
}

class MemoryShelf implements Shelf {
  readonly #clock: Clock
  readonly #tokens: BoundedMap<{ readonly token: TokenEntry; readonly expiresAtMs: number }>
  readonly #grants: BoundedMap<GrantEntry>
  readonly #budgets: BoundedMap<readonly number[]>

  constructor(clock: Clock, maxTokens: number) {
    this.#clock = clock
    this.#tokens = new BoundedMap(maxTokens)
    this.#grants = new BoundedMap(maxTokens)
    this.#budgets = new BoundedMap(maxTokens)
  }

  async catchUp(): Promise<void> {}

  token(keys: StoreKeys): KeptToken | undefined {
    const kept = this.#tokens.get(keys.token)
    if (kept === undefined) return undefined
    const remainingMs = kept.expiresAtMs - this.#clock.nowMs()
    if (remainingMs > 0) return { ...kept.token, remainingMs }
    this.#tokens.delete(keys.token)
    return undefined
  }

  keepToken(keys: StoreKeys, token: TokenEntry): void {
    const ageMs = Math.max(this.#clock.epochMs() - token.issuedAtEpochMs, 0)
    this.#tokens.set(keys.token, { token, expiresAtMs: this.#clock.nowMs() + token.lifeMs - ageMs })
  }

  dropToken(keys: StoreKeys, id: string): void {
    if (this.#tokens.get(keys.token)?.token.id === id) this.#tokens.delete(keys.token)
  }

  acquitToken(keys: StoreKeys, id: string): void {
    const kept = this.#tokens.get(keys.token)
    if (kept?.token.id === id) this.#tokens.set(keys.token, { ...kept, token: { ...kept.token, isOnProbation: false } })
  }

  grant(keys: StoreKeys): GrantEntry | undefined {
    return this.#grants.get(keys.grant)
  }

  replaceGrant(keys: StoreKeys, grant: GrantEntry, known: GrantEntry | undefined): void {
    const present = this.#grants.get(keys.grant)
    if (present === undefined || present === known) this.keepGrant(keys, grant)
  }

  keepGrant(keys: StoreKeys, grant: GrantEntry): void {
    this.#grants.set(keys.grant, grant)
  }

  spend(key: string, terms: BudgetTerms): BudgetVerdict {
    const { verdict, spentAtMs } = spendFrom(this.#budgets.get(key) ?? [], terms, this.#clock.nowMs())
    this.#budgets.set(key, spentAtMs)
    return verdict
  }

  async saved(): Promise<boolean> {
    return true
  }

  async close(): Promise<void> {}
}
