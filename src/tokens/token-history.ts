import type { Clock } from './clock.ts'
import type { TokenRequestPurpose } from './token-budget.ts'

/** Something that happened to the token of a credential, for people. Never a secret. */
export interface TokenEvent {
  /** `taken_over`: another replica had got it. */
  readonly type: 'obtained' | 'taken_over' | 'failed'
  /** When it happened; the last time, where it happened several times in a row. */
  readonly atEpochMs: number
  /** How often in a row. */
  readonly count: number
  /** Why a token was wanted; undefined where nobody here had asked. */
  readonly purpose: TokenRequestPurpose | undefined
  /** The route whose upstream had refused the token before. */
  readonly route: string | undefined
  /** Milliseconds that it took, the wait for other replicas included; undefined where nobody here had asked. */
  readonly tookMs: number | undefined
  /** Why there was no token. */
  readonly error: { readonly code: string; readonly message: string } | undefined
}

/** So many events are kept. */
const mostEvents = 8

/** What happened to the token of a credential last; of all its identities, where it has a token for each. */
export class TokenHistory {
  readonly #clock: Pick<Clock, 'epochMs'>
  /** Newest first. */
  #events: readonly TokenEvent[] = []

  constructor(clock: Pick<Clock, 'epochMs'>) {
    this.#clock = clock
  }

  /** A failure that is the one before once more counts with it: many of them would leave nothing else to be seen. */
  add(event: Omit<TokenEvent, 'atEpochMs' | 'count'>): void {
    const [last] = this.#events
    const isRepeated = event.error !== undefined && last?.error?.code === event.error.code
    const before = isRepeated ? this.#events.slice(1) : this.#events
    const count = isRepeated ? last.count + 1 : 1
    this.#events = [{ ...event, atEpochMs: this.#clock.epochMs(), count }, ...before].slice(0, mostEvents)
  }

  /** Newest first. */
  list(): readonly TokenEvent[] {
    return this.#events
  }
}
