import type { TokenRequestError } from '../oauth/token-request-error.ts'

const unavailable = { firstMs: 500, longestMs: 60_000 }
/** A refusal is an answer: asking again soon brings the same one, and may lock the client out. */
const refused = { firstMs: 10_000, longestMs: 5 * 60_000 }
/** Nobody is asked before a person has logged in, so looking again soon costs nothing, and finds what another process has kept. */
const loginMs = 1_000

/**
 * How long to wait after a failed token request: doubling from one failure to the next, with jitter (so that replicas that
 * failed together do not come back together), and never less than the endpoint's own Retry-After.
 * @param failures failures in a row, this one included
 * @param random from 0 to 1
 * @returns milliseconds
 */
export function backOffMs({ kind, code, retryAfterMs }: TokenRequestError, failures: number, random: number): number {
  if (code === 'login_required') return loginMs
  const { firstMs, longestMs } = kind === 'refused' ? refused : unavailable
  const fullMs = Math.min(firstMs * 2 ** Math.min(failures - 1, 30), longestMs)
  return Math.max(fullMs / 2 + (fullMs / 2) * random, retryAfterMs ?? 0)
}
