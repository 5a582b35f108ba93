const firstMs = 10_000
const longestMs = 5 * 60_000

/**
 * Keeps a place that refuses every token from causing a token request per call: 10 seconds, doubling to 5 minutes. A cool-down that has been
 * over for 5 minutes is forgotten, so that rare genuine revocations do not add up.
 */
export class CoolDown {
  #lengthMs = 0
  #untilMs = Number.NEGATIVE_INFINITY

  isActive(nowMs: number): boolean {
    return nowMs < this.#untilMs
  }

  /** Milliseconds until it ends; 0 when it is not active. */
  remainingMs(nowMs: number): number {
    return Math.max(this.#untilMs - nowMs, 0)
  }

  start(nowMs: number): void {
    const isForgotten = this.#lengthMs === 0 || nowMs >= this.#untilMs + longestMs
    this.#lengthMs = isForgotten ? firstMs : Math.min(this.#lengthMs * 2, longestMs)
    this.#untilMs = nowMs + this.#lengthMs
  }

  end(): void {
    this.#lengthMs = 0
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
