import type { Clock } from '../../clock.ts'

/**
 * How long one request may still wait for the store. What one wait has used up is not there for the next, so that waits never
 * add up to more.
 */
export class Allowance {
  readonly #clock: Clock
  #remainingMs: number

  constructor(clock: Clock, totalMs: number) {
    this.#clock = clock
    this.#remainingMs = totalMs
  }

  /**
   * Waits for a promise as long as is allowed; what it stands for goes on.
   * @returns undefined when that was not long enough
   */
  async within<Value>(work: Promise<Value>): Promise<Value | undefined> {
    if (this.#remainingMs <= 0) return undefined
    const startedMs = this.#clock.nowMs()
    const cut = cutOff(this.#remainingMs)
    try {
      return await Promise.race([work, cut.passed])
    } finally {
      cut.cancel()
      this.#remainingMs -= this.#clock.nowMs() - startedMs
    }
  }
}

/** A moment after which nobody waits any longer. Keeps the process alive until then, unlike the timers of a clock. */
export function cutOff(delayMs: number): { readonly passed: Promise<undefined>; cancel(): void } {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<undefined>((resolve) => {
    // When the process itself was held up, the answer may be there already: it is read before the check phase of this turn.
    timer = setTimeout(() => setImmediate(resolve, undefined), Math.ceil(delayMs))
  })
  return { passed, cancel: () => clearTimeout(timer) }
}
