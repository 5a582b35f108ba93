import type { Duplex } from 'node:stream'

/**
 * A caller's connection, on which requests are served one after the other: the platform starts a pipelined request while the one before it is still
 * being answered, but only safe requests may run side by side (RFC 9112 9.3.2), and what stands behind a refused request is not to be trusted.
 */
export class CallerConnection {
  readonly #socket: Duplex
  readonly #waiting: (() => Promise<void>)[] = []
  #isBusy = false
  #isEnding = false

  constructor(socket: Duplex) {
    this.#socket = socket
  }

  /** Runs a task when its turn comes: at once, or when those before it have ended. Not at all if the connection ends before. */
  run(task: () => Promise<void>): void {
    if (this.#isBusy) this.#waiting.push(task)
    else this.#start(task)
  }

  /** Nothing behind the task under way is looked at any more. */
  end(): void {
    this.#isEnding = true
    this.#waiting.length = 0
  }

  #start(task: () => Promise<void>): void {
    if (this.#isEnding || this.#socket.destroyed) return
    this.#isBusy = true
    void task().finally(() => {
      this.#isBusy = false
      const next = this.#waiting.shift()
      if (next !== undefined) this.#start(next)
    })
  }
}
