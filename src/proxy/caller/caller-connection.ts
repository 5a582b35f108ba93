import type { Duplex } from 'node:stream'

/** Requests that a caller may send ahead. Nobody does that by the hundred, except to use up memory. */
const longestLine = 100

/**
 * A caller's connection, on which requests are served one after the other: the platform starts a pipelined request while the
 * one before it is still being answered, but only safe requests may run side by side (RFC 9112 9.3.2), and what stands behind a
 * refused request is not to be trusted.
 */
export class CallerConnection {
  readonly #socket: Duplex
  readonly #waiting: (() => Promise<void>)[] = []
  #isBusy = false
  #isEnding = false
  /** The parser has given up: a request that is not there to its end never will be, and nobody is told. */
  isBroken = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Whether a request is being served. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /**
   * Runs a task when its turn comes: at once, or when those before it have ended. Not at all if the connection ends before.
   * @param task must not reject
   */
  run(task: () => Promise<void>): void {
    if (!this.#isBusy) this.#start(task)
    else if (this.#waiting.length < longestLine) this.#waiting.push(task)
    else this.#socket.destroy()
  }

  /** Nothing behind the task under way is looked at any more. */
  end(): void {
    this.#isEnding = true
    this.#waiting.length = 0
  }

  #start(task: () => Promise<void>): void {
    if (this.#isEnding || this.#socket.destroyed) return
    this.#isBusy = true
    void task().then(this.#goOn, this.#goOn)
  }

  readonly #goOn = (): void => {
    this.#isBusy = false
    const next = this.#waiting.shift()
    if (next !== undefined) this.#start(next)
  }
}
