import type { TokenRequestError } from '../../oauth/token-request-error.ts'

/** Why a token request failed, as it is told to other replicas: never a secret. */
export interface TokenRequestFailure {
  readonly kind: TokenRequestError['kind']
  readonly code: string
  readonly message: string
  /** What the endpoint's Retry-After asks for from now on, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/** Past this no pause is believed, in milliseconds. */
export const longestNoteMs = 5 * 60_000

/** How long others may be kept from trying for themselves: the network trouble of one replica may be its own. */
const longestMs = { refused: 10_000, unavailable: 1_000 } as const satisfies Record<TokenRequestFailure['kind'], number>

/**
 * How long a failure is noted for others: the pause of the one that failed, within limits; or what the endpoint itself asked for.
 * @param pauseMs milliseconds
 * @returns milliseconds
 */
export function noteMs({ kind, retryAfterMs }: TokenRequestFailure, pauseMs: number): number {
  return Math.min(Math.max(Math.min(pauseMs, longestMs[kind]), retryAfterMs ?? 0), longestNoteMs)
}
