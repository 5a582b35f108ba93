/** The state of a credential for people: status page and logs. Moments in milliseconds since the epoch. */
export interface TokenStatus {
  /** `stale`: usable, and to be renewed. */
  readonly state: 'none' | 'fresh' | 'stale' | 'expired'
  readonly fingerprint: string | undefined
  readonly issuedAtEpochMs: number | undefined
  readonly renewAtEpochMs: number | undefined
  readonly expiresAtEpochMs: number | undefined
  readonly isRenewing: boolean
  /** Callers that wait for the token request under way. */
  readonly waiting: number
  readonly lastError: { readonly atEpochMs: number; readonly code: string; readonly message: string } | undefined
  /** Milliseconds until a token request may be made after a failure; 0 when it may be made now. */
  readonly backOffMs: number
  /** Milliseconds for which refusals pass through; 0 when they cause renewals. */
  readonly coolDownMs: number
  /** Token requests left in the current window; undefined without a budget. */
  readonly budgetRemaining: number | undefined
}
