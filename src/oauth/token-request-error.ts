import type { ForeignCode, TokenErrorCode } from './token-error-codes.ts'

/**
 * A token request that brought no token. `kind` decides what follows: `refused` means that the token endpoint understood and
 * said no, so that asking again soon is pointless; `unavailable` means that it may work in a moment.
 * The proxy maps it to `token_refused` (502) or `token_unavailable` (503).
 */
export class TokenRequestError extends Error {
  override name = 'TokenRequestError' as const
  readonly kind: 'refused' | 'unavailable'
  /** The endpoint's own `error` code (RFC 6749 5.2), the platform's, or one of ours; safe to show. */
  readonly code: TokenErrorCode | `http_${number}` | ForeignCode
  /** What the endpoint's Retry-After asked for, in milliseconds. */
  readonly retryAfterMs: number | undefined

  /** @param message for people; never holds a secret or a part of the answer's body */
  constructor(kind: TokenRequestError['kind'], code: TokenRequestError['code'], message: string, retryAfterMs?: number) {
    super(message)
    this.kind = kind
    this.code = code
    this.retryAfterMs = retryAfterMs
  }
}
