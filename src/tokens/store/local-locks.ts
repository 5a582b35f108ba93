import type { Clock } from '../clock.ts'
import { BoundedMap } from './bounded-map.ts'
import { noteMs } from './shared-failure.ts'
import type { TokenRequestFailure } from './shared-failure.ts'

/** Who of one process is asking for which token, and who has just asked in vain. */
export class LocalLocks {
  readonly #clock: Clock
  readonly #taken = new Set<string>()
  readonly #failures: BoundedMap<{ readonly failure: TokenRequestFailure; readonly untilMs: number }>

  /** @param maxFailures failures remembered at a time */
  constructor(clock: Clock, maxFailures: number) {
    this.#clock = clock
    this.#failures = new BoundedMap(maxFailures)
  }

  /**
   * Takes the lock of a key. No lease: its holder lives as long as it does.
   * @returns a function that ends it and says whether it was still held; undefined when somebody else has it
   */
  take(key: string): (() => boolean) | undefined {
    if (this.#taken.has(key)) return undefined
    this.#taken.add(key)
    let isHeld = true
    return () => {
      const wasHeld = isHeld
      if (isHeld) this.#taken.delete(key)
      isHeld = false
      return wasHeld
    }
  }

  /** The failure that keeps everybody from trying now. */
  failure(key: string): TokenRequestFailure | undefined {
    const noted = this.#failures.get(key)
    if (noted === undefined) return undefined
    const remainingMs = noted.untilMs - this.#clock.nowMs()
    if (remainingMs > 0) return { ...noted.failure, retryAfterMs: noted.failure.retryAfterMs && remainingMs }
    this.#failures.delete(key)
    return undefined
  }

  noteFailure(key: string, failure: TokenRequestFailure, pauseMs: number): void {
    const untilMs = this.#clock.nowMs() + noteMs(failure, pauseMs)
    this.#failures.set(key, { failure, untilMs })
  }

  forgetFailure(key: string): void {
    this.#failures.delete(key)
  }
}
