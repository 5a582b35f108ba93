import type { AccessToken } from './access-token.ts'
import type { Clock } from './clock.ts'
import type { Failure } from './failure-memory.ts'
import type { TokenEvent } from './token-history.ts'

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
  readonly lastError:
    | {
        readonly atEpochMs: number
        readonly kind: Failure['error']['kind']
        readonly code: string
        readonly message: string
      }
    | undefined
  /** Milliseconds until a token request may be made after a failure; 0 when it may be made now. */
  readonly backOffMs: number
  /** Milliseconds for which refusals pass through; 0 when they cause renewals. */
  readonly coolDownMs: number
  /** Token requests left in the current window; undefined without a budget. */
  readonly budgetRemaining: number | undefined
  /** What happened last, newest first. */
  readonly history: readonly TokenEvent[]
}

/** What a token source knows of its token. */
export interface TokenFacts extends Pick<TokenStatus, 'isRenewing' | 'waiting' | 'coolDownMs' | 'budgetRemaining' | 'history'> {
  readonly token: AccessToken | undefined
  /** Refused, and about to be replaced. */
  readonly isRejected: boolean
  readonly failure: Failure | undefined
}

/** Says for people what a token source knows. */
export function tokenStatus({ token, isRejected, failure, ...facts }: TokenFacts, clock: Clock): TokenStatus {
  const nowMs = clock.nowMs()
  const toEpoch = (ms: number): number => clock.epochMs() + (ms - nowMs)
  const times = token?.times
  return {
    state: stateOf(times, isRejected, nowMs),
    fingerprint: token?.fingerprint,
    issuedAtEpochMs: times && toEpoch(times.issuedAtMs),
    renewAtEpochMs: times && toEpoch(times.renewAtMs),
    expiresAtEpochMs: times && toEpoch(times.expiresAtMs),
    lastError: failure && {
      atEpochMs: failure.atEpochMs,
      kind: failure.error.kind,
      code: failure.error.code,
      message: failure.error.message,
    },
    backOffMs: Math.max((failure?.untilMs ?? nowMs) - nowMs, 0),
    ...facts,
  }
}

function stateOf(times: AccessToken['times'] | undefined, isRejected: boolean, nowMs: number): TokenStatus['state'] {
  if (times === undefined) return 'none'
  if (nowMs >= times.expiresAtMs) return 'expired'
  return nowMs >= times.renewAtMs || isRejected ? 'stale' : 'fresh'
}
