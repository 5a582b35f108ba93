import type { Duplex } from 'node:stream'

/**
 * After so long a connection serves no further request, so that a change in DNS is followed. Less by chance, so that connections
 * that were made together do not end together.
 */
const longestAgeMs = 300_000
const jitter = 0.2

/** Knows which connections of a pool may serve another request. Never ends one that serves a request. */
export class ConnectionAges {
  readonly #random: () => number
  readonly #longestMs: number
  readonly #isIdle: (socket: Duplex) => boolean
  readonly #open = new Set<Duplex>()
  readonly #retired = new Set<Duplex>()

  /**
   * @param isIdle whether a connection is in the pool, waiting for a request
   * @param longestMs how old a connection becomes, at most
   */
  constructor(isIdle: (socket: Duplex) => boolean, random: () => number = Math.random, longestMs = longestAgeMs) {
    this.#isIdle = isIdle
    this.#random = random
    this.#longestMs = longestMs
  }

  /** From now on it grows old. */
  add(socket: Duplex): void {
    this.#open.add(socket)
    const timer = setTimeout(() => this.retire(socket), this.#longestMs * (1 - jitter * this.#random()))
    timer.unref()
    socket.once('close', () => {
      clearTimeout(timer)
      this.#open.delete(socket)
      this.#retired.delete(socket)
    })
  }

  /** Asked after each request: without cost until something has been retired. */
  mayGoOn(socket: Duplex): boolean {
    return this.#retired.size === 0 || !this.#retired.has(socket)
  }

  /** Ends idle connections, and each of the others once its request is done. */
  retireAll(): void {
    for (const socket of this.#open) this.retire(socket)
  }

  /** Ends one when it is idle, or once its request is done. */
  retire(socket: Duplex): void {
    this.#retired.add(socket)
    if (this.#isIdle(socket)) socket.destroy()
  }
}
