/** Counts what happened in the last `windowMs` milliseconds, against a limit that may change at any time. */
export class SlidingWindow {
  readonly #windowMs: number
  #timesMs: number[] = []

  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  /** Lets one more through and counts it, or says false and counts nothing. A limit of null lets everything through. */
  admit(nowMs: number, limit: number | null): boolean {
    // Without a limit nothing is remembered, so that a load test does not fill the memory.
    if (limit === null) return true
    if (this.count(nowMs) >= limit) return false
    this.#timesMs.push(nowMs)
    return true
  }

  /** How many were let through in the window that ends now. */
  count(nowMs: number): number {
    // Times later than now are left from before the clock was set back.
    this.#timesMs = this.#timesMs.filter((timeMs) => timeMs > nowMs - this.#windowMs && timeMs <= nowMs)
    return this.#timesMs.length
  }

  /** When the oldest one that still counts leaves the window; now, when none does. */
  nextFreeMs(nowMs: number): number {
    this.count(nowMs)
    const oldestMs = this.#timesMs[0]
    return oldestMs === undefined ? nowMs : oldestMs + this.#windowMs
  }
}
