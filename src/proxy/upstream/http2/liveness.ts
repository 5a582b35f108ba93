import { Watchdog } from '../../message/watchdog.ts'

/** How a connection is asked whether anybody is there. */
export interface LivenessOptions {
  /** How long the answer may take, in milliseconds. */
  readonly pingMs: number
  readonly now: () => number
  readonly ping: () => void
  /** Nothing has come in for so long. */
  readonly onDead: () => void
}

/**
 * After so long without a byte the other side is asked, while somebody waits for it; then after twice as long, because some servers
 * take frequent pings for an attack.
 */
const firstQuietMs = 10_000
const longestQuietMs = 320_000

/** A connection that was quiet for so long is asked along with the next request. */
const trustedMs = 1_000

/**
 * Finds out when a connection is dead of which nobody has said so: its requests need not wait for their own limits, and no others
 * join them. Everything that comes in is a sign of life.
 */
export class Liveness {
  readonly #options: LivenessOptions
  readonly #watchdog = new Watchdog(() => this.#look())
  #quietMs = firstQuietMs
  #heardAtMs: number
  #hasHeard = false
  #isAsked = false

  constructor(options: LivenessOptions) {
    this.#options = options
    this.#heardAtMs = options.now()
  }

  /** Something has come in. */
  onHeard(): void {
    this.#hasHeard = true
    this.#heardAtMs = this.#options.now()
  }

  /** Somebody waits for the other side from here on. */
  start(): void {
    if (!this.#watchdog.isArmed) this.#wait(firstQuietMs)
  }

  /** A request has been written. */
  onRequest(): void {
    if (!this.#isAsked && this.#options.now() - this.#heardAtMs > trustedMs) this.#ask()
  }

  /** Nobody waits any more. */
  stop(): void {
    this.#watchdog.stop()
    this.#isAsked = false
  }

  #wait(quietMs: number): void {
    this.#quietMs = quietMs
    this.#hasHeard = false
    this.#isAsked = false
    this.#watchdog.arm(quietMs)
  }

  #ask(): void {
    this.#hasHeard = false
    this.#isAsked = true
    this.#options.ping()
    this.#watchdog.arm(this.#options.pingMs)
  }

  #look(): void {
    if (!this.#hasHeard && this.#isAsked) this.#options.onDead()
    else if (!this.#hasHeard) this.#ask()
    // What has come in behind a question is most likely the answer, and nothing else.
    else this.#wait(this.#isAsked ? Math.min(2 * this.#quietMs, longestQuietMs) : firstQuietMs)
  }
}
