import type { Clock } from './clock.ts'

/**
 * When a token is renewed ahead of its expiry: by the next request that uses it after that time, or by a timer when none comes
 * by just then. Idle credentials are not kept warm, unless that is asked for.
 */
export class RenewalSchedule {
  readonly #clock: Clock
  readonly #renew: () => void
  #renewAtMs = Number.POSITIVE_INFINITY
  /** When a renewal may next be started: at `renewAtMs`, and later again after a failure. */
  #nextMs = Number.POSITIVE_INFINITY
  #setAtMs = 0
  #lastUsedMs = Number.NEGATIVE_INFINITY
  #isKeptWarm = false
  #isClosed = false
  #cancelTimer: () => void = () => {}

  /** @param renew starts a renewal, if one may be started */
  constructor(clock: Clock, renew: () => void) {
    this.#clock = clock
    this.#renew = renew
  }

  /** When the current token becomes stale, by the monotonic clock; infinite without a token. */
  get renewAtMs(): number {
    return this.#renewAtMs
  }

  get isKeptWarm(): boolean {
    return this.#isKeptWarm
  }

  /** The token is used now. */
  use(nowMs: number): void {
    this.#lastUsedMs = nowMs
    if (nowMs >= this.#nextMs) this.#renew()
  }

  /** There is a new token. @param renewAtMs when it becomes stale */
  set(renewAtMs: number, nowMs: number): void {
    this.#renewAtMs = renewAtMs
    this.#setAtMs = nowMs
    this.#nextAt(renewAtMs)
  }

  /** No renewal before this time, and one then if the token is in use. */
  postpone(untilMs: number): void {
    this.#nextAt(Number.isFinite(this.#renewAtMs) ? Math.max(this.#renewAtMs, untilMs) : untilMs)
  }

  /** From now on the token is renewed even when nobody uses it. */
  keepWarm(): void {
    this.#isKeptWarm = true
    if (!Number.isFinite(this.#nextMs)) this.#nextAt(this.#clock.nowMs())
  }

  /** Ends the timer for good. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
  }

  #nextAt(nextMs: number): void {
    this.#nextMs = nextMs
    this.#cancelTimer()
    if (this.#isClosed) return
    this.#cancelTimer = this.#clock.after(nextMs - this.#clock.nowMs(), () => {
      const isIdle = this.#lastUsedMs < (this.#setAtMs + this.#clock.nowMs()) / 2
      if (this.#isKeptWarm || !isIdle) this.#renew()
    })
  }
}
