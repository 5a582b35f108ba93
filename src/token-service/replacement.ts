import { renewalDeadlineMs } from '../proxy/replay/refusal.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { TokenSource } from '../tokens/token-source.ts'
import type { Rejection } from '../tokens/token-supply.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import { isRefused } from './refused-fields.ts'
import type { RefusedFields } from './refused-fields.ts'

/** What there is in place of a refused token, or why there is nothing. */
export type ReplacementOrWhy =
  { readonly token: AccessToken } | { readonly token?: undefined; readonly why: Rejection['outcome'] | 'deadline' }

/**
 * Finds what goes in place of a refused token, by the rules that refusals on routes obey, within their deadline; a renewal that takes
 * longer goes on for the next request.
 */
export async function replacementFor(source: TokenSource, refused: RefusedFields): Promise<ReplacementOrWhy> {
  const deadline = Promise.withResolvers<ReplacementOrWhy>()
  const timer = setTimeout(() => deadline.resolve({ why: 'deadline' }), renewalDeadlineMs)
  try {
    return await Promise.race([replace(source, refused), deadline.promise])
  } finally {
    clearTimeout(timer)
  }
}

async function replace(source: TokenSource, refused: RefusedFields): Promise<ReplacementOrWhy> {
  try {
    let token = source.held ?? (await source.obtain())
    if (!isRefused(token, refused)) {
      token = source.current() ?? (await source.obtain())
      if (!isRefused(token, refused)) {
        // An older one: whoever had it is late, and nothing has to be asked.
        source.noteRejection('newer')
        return { token }
      }
    }
    // Nobody tells what becomes of a replay elsewhere. So the renewal stays unproven: for a while further refusals cause none.
    const rejection = await source.reject(token, false)
    return rejection.token === undefined ? { why: rejection.outcome } : { token: rejection.token }
  } catch (error) {
    if (error instanceof TokenUnavailableError) return { why: error.reason === 'budget' ? 'budget' : 'failed' }
    throw error
  }
}
