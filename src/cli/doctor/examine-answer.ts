import type { Socket } from 'node:net'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import { askHead } from '../../network/ask-head.ts'
import type { Way } from './examine-way.ts'
import type { Finding } from './finding.ts'
import type { TimedDate } from './examine-clock.ts'
import { answerFailure } from './way-failure.ts'

/** What an upstream is asked with. */
export interface AnswerQuestion {
  readonly way: Way
  readonly upstream: Pick<UpstreamUrl, 'authority' | 'basePath'>
  readonly userAgent: string
  readonly limitMs: number
  /** Milliseconds since the epoch. */
  readonly nowEpochMs: () => number
}

/**
 * Asks whether there is HTTP at the end of a way: HEAD for the base path, without a token and without any field of the
 * configuration, so that it changes nothing and costs nothing. Any answer will do.
 * @param socket is closed
 */
export async function examineAnswer(
  socket: Socket,
  { way, upstream, userAgent, limitMs, nowEpochMs }: AnswerQuestion,
): Promise<{ readonly finding: Finding; readonly dated: TimedDate | undefined }> {
  const path = upstream.basePath === '' ? '/' : upstream.basePath
  const sentEpochMs = nowEpochMs()
  const startedMs = performance.now()
  try {
    const { status, date } = await askHead(socket, { authority: upstream.authority, path, userAgent }, limitMs)
    const took_ms = Math.round(performance.now() - startedMs)
    return {
      finding: {
        check: 'answer',
        verdict: 'ok',
        message: `reached: ${status} to HEAD ${path} without a token, in ${took_ms} ms`,
        facts: { status, took_ms },
      },
      dated: { date, sentEpochMs, answeredEpochMs: nowEpochMs() },
    }
  } catch (error) {
    const { hostname, port } = way.place
    const message = answerFailure(error, { hostname, port, key: way.key }, way.tlsKey, limitMs)
    return { finding: { check: 'answer', verdict: 'failed', message }, dated: undefined }
  }
}
