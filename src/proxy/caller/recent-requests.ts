import type { RefusedCall } from './exchange.ts'

/** One finished exchange, for the status page. Never a secret, a body or a field. Times in milliseconds. */
export interface RequestRecord {
  readonly id: string
  readonly atEpochMs: number
  /** The configured name of who called; undefined where callers are not told apart, or nobody was recognised. */
  readonly caller: string | undefined
  readonly route: string | undefined
  readonly method: string
  /** Without the query. */
  readonly path: string
  /** With its question mark; undefined where the configuration does not allow it to be told. */
  readonly query: string | undefined
  readonly status: number
  readonly durationMs: number
  readonly token: 'hit' | 'wait' | 'none'
  readonly replay: string | undefined
  readonly upstreamStatus: number | undefined
  readonly upstreamMs: number | undefined
  /** From the request's head until it was sent upstream, the last time. */
  readonly sentAfterMs: number | undefined
  /** The attempt whose token was refused, where there was a replay. */
  readonly refusedCall: RefusedCall | undefined
  readonly error: string | undefined
}

/** So many exchanges are kept. */
export const mostRecent = 200

/** The last exchanges. */
export class RecentRequests {
  readonly #ring: RequestRecord[] = []
  #next = 0

  add(record: RequestRecord): void {
    this.#ring[this.#next] = record
    this.#next = (this.#next + 1) % mostRecent
  }

  /** Newest first. */
  list(): RequestRecord[] {
    return [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)].toReversed()
  }
}
