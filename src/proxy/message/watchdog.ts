/**
 * How often the clock looks. Timeouts are late by less than two of these and never early, which is exact enough for limits on how
 * long others may take, and costs a request no timer of its own.
 */
const tickMs = 50

/** One timer for all timeouts of the process. It stands still while nothing is watched. */
class SharedClock {
  readonly #watched = new Set<Watchdog>()
  #timer: NodeJS.Timeout | undefined
  ticks = 0

  watch(watchdog: Watchdog): void {
    this.#watched.add(watchdog)
    this.#timer ??= setInterval(() => this.#tick(), tickMs).unref()
  }

  forget(watchdog: Watchdog): void {
    this.#watched.delete(watchdog)
  }

  #tick(): void {
    if (this.#watched.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    this.ticks++
    for (const watchdog of this.#watched) if (watchdog.dueAt <= this.ticks) watchdog.fire()
  }
}

const clock = new SharedClock()

/** A timeout that is armed and stopped many times, at the cost of writing down a number. */
export class Watchdog {
  readonly #onTimeout: () => void
  #isArmed = false
  /** In ticks of the shared clock. */
  dueAt = 0

  constructor(onTimeout: () => void) {
    this.#onTimeout = onTimeout
  }

  /** Starts over: fires after `delayMs` unless it is armed again or stopped before. */
  arm(delayMs: number): void {
    // The tick under way counts as none.
    this.dueAt = clock.ticks + Math.ceil(delayMs / tickMs) + 1
    if (this.#isArmed) return
    this.#isArmed = true
    clock.watch(this)
  }

  stop(): void {
    if (!this.#isArmed) return
    this.#isArmed = false
    clock.forget(this)
  }

  /** For the clock. */
  fire(): void {
    this.stop()
    this.#onTimeout()
  }
}
