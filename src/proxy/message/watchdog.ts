import { LinkedList } from './linked-list.ts'
import type { ListItem } from './linked-list.ts'

/**
 * How often the clock looks. Timeouts are late by little more than this and never early, which is exact enough for limits on how long
 * others may take, and costs a request no timer of its own.
 */
const tickMs = 50

/**
 * The most that the clock goes forward at once: after a process stood still (no processor, a machine asleep), what has come in
 * meanwhile is looked at before anything is taken for late.
 */
const longestStepMs = 200

/** One timer for all timeouts of the process. It stands still while nothing is watched. */
class SharedClock {
  readonly #watched = new LinkedList<Watchdog>()
  #timer: NodeJS.Timeout | undefined
  #tickedAtMs = 0
  #nowMs = 0

  /** Its own time in milliseconds, which only ever goes forward. */
  now(): number {
    return this.#timer === undefined ? this.#nowMs : this.#nowMs + Math.min(performance.now() - this.#tickedAtMs, longestStepMs)
  }

  watch(watchdog: Watchdog): void {
    this.#watched.add(watchdog)
    if (this.#timer !== undefined) return
    this.#tickedAtMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
  }

  forget(watchdog: Watchdog): void {
    this.#watched.remove(watchdog)
  }

  #tick(): void {
    this.#nowMs = this.now()
    this.#tickedAtMs = performance.now()
    if (this.#watched.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const due: Watchdog[] = []
    for (const watchdog of this.#watched) if (watchdog.dueMs <= this.#nowMs) due.push(watchdog)
    // What one of them does may stop others, or arm them anew.
    for (const watchdog of due) if (watchdog.isArmed && watchdog.dueMs <= this.#nowMs) watchdog.fire()
  }
}

const clock = new SharedClock()

/** A timeout that is armed and stopped many times, at the cost of writing down a number. */
export class Watchdog implements ListItem<Watchdog> {
  readonly #onTimeout: () => void
  #isArmed = false
  /** By the shared clock. */
  dueMs = 0
  previousItem: Watchdog | undefined
  nextItem: Watchdog | undefined

  constructor(onTimeout: () => void) {
    this.#onTimeout = onTimeout
  }

  get isArmed(): boolean {
    return this.#isArmed
  }

  /** Starts over: fires after `delayMs` unless it is armed again or stopped before. */
  arm(delayMs: number): void {
    this.dueMs = clock.now() + delayMs
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
