const firstMs = 10_000
const longestMs = 5 * 60_000

/**
 * Keeps a place that refuses every token from causing a token request per call. It starts when a renewal was fruitless (the
 * replay was refused too, or the endpoint gave the same token again), doubles each time, and ends with a replay that is accepted.
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
    this.#lengthMs = this.#lengthMs === 0 ? firstMs : Math.min(this.#lengthMs * 2, longestMs)
    this.#untilMs = nowMs + this.#lengthMs
  }

  end(): void {
    this.#lengthMs = 0
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
