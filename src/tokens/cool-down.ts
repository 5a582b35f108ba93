const firstMs = 10_000
const longestMs = 5 * 60_000

/**
 * A pause of 10 seconds that doubles to 5 minutes each time it is needed again. One that has been over for 5 minutes is
 * forgotten, so that rare genuine events do not add up.
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

  /** @returns what undoes this start */
  start(nowMs: number): () => void {
    const [lengthMs, untilMs] = [this.#lengthMs, this.#untilMs]
    const isForgotten = lengthMs === 0 || nowMs >= untilMs + longestMs
    this.#lengthMs = isForgotten ? firstMs : Math.min(lengthMs * 2, longestMs)
    this.#untilMs = nowMs + this.#lengthMs
    return () => {
      this.#lengthMs = lengthMs
      this.#untilMs = untilMs
    }
  }

  end(): void {
    this.#lengthMs = 0
    this.#untilMs = Number.NEGATIVE_INFINITY
  }
}
