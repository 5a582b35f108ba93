import type { BudgetTerms, BudgetVerdict } from './store/token-store.ts'

/** Why a token is asked for: callers have none, a refused one is replaced, it is renewed ahead of time, or an operator says so. */
export type TokenRequestPurpose = 'callers' | 'rejection' | 'renewal' | 'operator'

/** The share of the budget that renewals ahead of time leave for callers who would otherwise have no token. */
const reservedShare = 0.1

/**
 * The provider's limit on token requests, as a sliding window: never more than `limit` in any stretch of `windowMs`. The window
 * is kept in the store, for all replicas; what is known of it here is what counts while the store does not answer.
 */
export class TokenBudget {
  /** Requests that fit into the window. */
  readonly limit: number
  readonly #windowMs: number
  readonly #reserve: number
  /** When each request of the current window was made, oldest first. */
  #spentAtMs: number[] = []
  /** Those of them that the store was not asked for. */
  #aloneAtMs: number[] = []

  constructor({ limit, window }: { readonly limit: number; readonly window: number }) {
    this.limit = limit
    this.#windowMs = window
    this.#reserve = limit > 1 ? Math.ceil(limit * reservedShare) : 0
  }

  /** What the store is asked with. */
  termsFor(purpose: TokenRequestPurpose): BudgetTerms {
    return { limit: this.limit, windowMs: this.#windowMs, reserve: this.#reserveFor(purpose) }
  }

  /** Whether what is known here allows a request; a store can only know of more. */
  allows(purpose: TokenRequestPurpose, nowMs: number): boolean {
    return this.remaining(nowMs) > this.#reserveFor(purpose)
  }

  /**
   * Takes over what the store knows of the window; what was spent without asking it comes on top. A store that knows of less than
   * was known here has lost it, as a Redis that was restarted does: then what is known here stays.
   * @returns whether one request was spent there
   */
  follow({ isSpent, agesMs }: BudgetVerdict, nowMs: number): boolean {
    const startMs = nowMs - this.#windowMs
    this.#aloneAtMs = this.#aloneAtMs.filter((spentAtMs) => spentAtMs > startMs)
    const known = this.#spentAtMs.filter((spentAtMs) => spentAtMs > startMs)
    if (isSpent) known.push(nowMs)
    const told = [...agesMs.map((ageMs) => nowMs - ageMs), ...this.#aloneAtMs].sort((a, b) => a - b)
    this.#spentAtMs = told.length < known.length ? known : told
    return isSpent
  }

  /** Spends one request if there is one for this purpose, without asking the store. */
  take(purpose: TokenRequestPurpose, nowMs: number): boolean {
    if (!this.allows(purpose, nowMs)) return false
    this.#spentAtMs.push(nowMs)
    this.#aloneAtMs.push(nowMs)
    return true
  }

  /** Requests left in the window that ends now. */
  remaining(nowMs: number): number {
    const startMs = nowMs - this.#windowMs
    // Nearly always nothing has become free since the last look.
    if ((this.#spentAtMs[0] ?? nowMs) <= startMs) this.#spentAtMs = this.#spentAtMs.filter((spentAtMs) => spentAtMs > startMs)
    return Math.max(this.limit - this.#spentAtMs.length, 0)
  }

  /** Milliseconds until the next request becomes free; 0 when one is. */
  waitMs(nowMs: number): number {
    const oldest = this.#spentAtMs[0]
    return this.remaining(nowMs) > 0 || oldest === undefined ? 0 : oldest + this.#windowMs - nowMs
  }

  #reserveFor(purpose: TokenRequestPurpose): number {
    return purpose === 'renewal' ? this.#reserve : 0
  }
}
