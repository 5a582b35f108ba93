import { longestTimerMs } from '../config/quantities.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import { noticeInterruption } from './interruption.ts'
import type { OpenTokens } from './open-tokens.ts'

/**
 * Does something with tokens until it is done or interrupted, and then closes them. Token requests under way are waited for, so that
 * no refresh token is lost.
 * @param what is interrupted, for the message
 * @param work its signal is aborted with the error that says why: nobody waits for it any longer
 * @throws OperationError when it is interrupted, else what the work throws
 */
export async function useTokens<Result>(
  opened: OpenTokens,
  what: string,
  work: (tokens: TokenSources, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interruption = noticeInterruption(what, longestTimerMs)
  const { promise: interrupted, reject } = Promise.withResolvers<never>()
  interruption.signal.addEventListener('abort', () => reject(interruption.signal.reason as Error))
  try {
    return await Promise.race([work(opened.tokens, interruption.signal), interrupted])
  } finally {
    interruption.end()
    opened.tokens.close()
    await opened.settle()
    await opened.close()
  }
}
