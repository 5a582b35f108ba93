/**
 * There is no valid token. The proxy maps `reason` to an answer: `refused` to 502 `token_refused`, `unavailable` to 503
 * `token_unavailable`, `budget` to 503 `token_budget_exhausted`.
 */
export class TokenUnavailableError extends Error {
  override name = 'TokenUnavailableError' as const
  readonly reason: 'refused' | 'unavailable' | 'budget'
  /** Milliseconds until it is worth asking again. */
  readonly retryAfterMs: number

  /** @param message for people; never holds a secret */
  constructor(reason: 'refused' | 'unavailable' | 'budget', message: string, retryAfterMs: number, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}
