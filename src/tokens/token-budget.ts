/** Why a token is asked for: callers have none, a refused one is replaced, or one is renewed ahead of time. */
export type TokenRequestPurpose = 'callers' | 'rejection' | 'renewal'

/** The share of the budget that renewals ahead of time leave for callers who would otherwise have no token. */
const reservedShare = 0.1

/** The provider's limit on token requests, as a sliding window: never more than `limit` in any stretch of `windowMs`. */
export class TokenBudget {
  readonly #limit: number
  readonly #windowMs: number
  readonly #reserve: number
  /** When each request of the current window was made, oldest first. */
  #spentAtMs: number[] = []

  constructor({ limit, window }: { readonly limit: number; readonly window: number }) {
    this.#limit = limit
    this.#windowMs = window
    this.#reserve = limit > 1 ? Math.ceil(limit * reservedShare) : 0
  }

  /** Spends one request if there is one for this purpose. */
  take(purpose: TokenRequestPurpose, nowMs: number): boolean {
    const left = this.remaining(nowMs)
    if (left <= (purpose === 'renewal' ? this.#reserve : 0)) return false
    this.#spentAtMs.push(nowMs)
    return true
  }

  /** Requests left in the window that ends now. */
  remaining(nowMs: number): number {
    this.#spentAtMs = this.#spentAtMs.filter((spentAtMs) => spentAtMs > nowMs - this.#windowMs)
    return this.#limit - this.#spentAtMs.length
  }

  /** Milliseconds until the next request becomes free; 0 when one is. */
  waitMs(nowMs: number): number {
    const oldest = this.#spentAtMs[0]
    return this.remaining(nowMs) > 0 || oldest === undefined ? 0 : oldest + this.#windowMs - nowMs
  }
}
