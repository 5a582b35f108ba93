import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import { maybeRounded, rounded, toRfc3339 } from './moments.ts'

/** One finished request. */
export interface RequestStatus {
  readonly id: string
  readonly at: string
  /** The configured name of who called; null where callers are not told apart, or nobody was recognised. */
  readonly caller: string | null
  readonly route: string | null
  readonly method: string
  readonly path: string
  /** With its question mark; null unless `access_log.query` allows it to be shown. */
  readonly query: string | null
  readonly status: number
  readonly duration_ms: number
  readonly token: 'hit' | 'wait' | 'none'
  readonly replay: string | null
  readonly upstream_status: number | null
  readonly upstream_ms: number | null
  /** From its head until it was sent upstream, the last time. */
  readonly sent_after_ms: number | null
  /** The attempt whose token was refused, where there was a replay. */
  readonly first_attempt: {
    readonly status: number
    readonly sent_after_ms: number
    readonly upstream_ms: number
  } | null
  readonly error: string | null
}

/** What is shown of a finished request. */
export function requestStatus(request: RequestRecord): RequestStatus {
  return {
    id: request.id,
    at: toRfc3339(request.atEpochMs),
    caller: request.caller ?? null,
    route: request.route ?? null,
    method: request.method,
    path: request.path,
    query: request.query ?? null,
    status: request.status,
    duration_ms: rounded(request.durationMs),
    token: request.token,
    replay: request.replay ?? null,
    upstream_status: request.upstreamStatus ?? null,
    upstream_ms: maybeRounded(request.upstreamMs),
    sent_after_ms: maybeRounded(request.sentAfterMs),
    first_attempt:
      request.refusedCall === undefined
        ? null
        : {
            status: request.refusedCall.status,
            sent_after_ms: rounded(request.refusedCall.sentAfterMs),
            upstream_ms: rounded(request.refusedCall.upstreamMs),
          },
    error: request.error ?? null,
  }
}
