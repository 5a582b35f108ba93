/** A timeout that is armed and stopped many times: one timer that is pushed back, not one per byte that arrives. */
export class Watchdog {
  readonly #onTimeout: () => void
  #timer: NodeJS.Timeout | undefined
  #delayMs = 0

  constructor(onTimeout: () => void) {
    this.#onTimeout = onTimeout
  }

  /** Starts over: fires after `delayMs` unless it is armed again or stopped before. */
  arm(delayMs: number): void {
    if (this.#timer !== undefined && this.#delayMs === delayMs) {
      this.#timer.refresh()
      return
    }
    this.stop()
    this.#delayMs = delayMs
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#onTimeout()
    }, delayMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
