import type { Socket } from 'node:net'

/** Who takes connections over. */
export interface ConnectionTaker {
  /** @param onSent told once it is on its way */
  give(socket: Socket, onSent: () => void): void
}

/**
 * The connections of callers, each of which is given to the worker that has the fewest. Applications keep theirs and use them again:
 * were they left to whoever accepts first, one worker would often have nearly all of them.
 */
export class CallerConnections {
  /** The one that was given a connection last is at the end. */
  readonly #workers = new Map<ConnectionTaker, { count: number; readonly unsent: Set<Socket> }>()
  /** While there is no worker. */
  #waiting: Socket[] = []
  #limit: number
  #isClosed = false

  /** @param limit how many there may be in all */
  constructor(limit: number) {
    this.#limit = limit
  }

  set limit(limit: number) {
    this.#limit = limit
  }

  get count(): number {
    let count = this.#waiting.length
    for (const worker of this.#workers.values()) count += worker.count
    return count
  }

  /** A worker is there. */
  add(worker: ConnectionTaker): void {
    this.#workers.set(worker, { count: 0, unsent: new Set() })
    const waiting = this.#waiting
    this.#waiting = []
    for (const socket of waiting) this.#give(socket)
  }

  /** A worker has ended, and its connections with it; those that it was not sent yet go to another. */
  remove(worker: ConnectionTaker): void {
    const unsent = this.#workers.get(worker)?.unsent ?? []
    this.#workers.delete(worker)
    for (const socket of unsent) this.#give(socket)
  }

  /** So many connections of a worker have closed. */
  noteClosed(worker: ConnectionTaker, count: number): void {
    const held = this.#workers.get(worker)
    if (held !== undefined) held.count -= count
  }

  /** There is a new connection, of which nothing has been read. */
  take(socket: Socket): void {
    if (this.count >= this.#limit) socket.destroy()
    else this.#give(socket)
  }

  /** Ends those that no worker has taken, and those that none will. */
  close(): void {
    this.#isClosed = true
    for (const socket of this.#waiting) socket.destroy()
    this.#waiting = []
  }

  #give(socket: Socket): void {
    const worker = this.#leastBusy()
    const held = worker && this.#workers.get(worker)
    if (worker === undefined || held === undefined) {
      if (this.#isClosed) socket.destroy()
      else this.#waiting.push(socket)
      return
    }
    this.#workers.delete(worker)
    this.#workers.set(worker, held)
    held.count++
    held.unsent.add(socket)
    worker.give(socket, () => {
      held.unsent.delete(socket)
      socket.destroy()
    })
  }

  #leastBusy(): ConnectionTaker | undefined {
    let found: ConnectionTaker | undefined
    let fewest = Number.POSITIVE_INFINITY
    for (const [worker, { count }] of this.#workers) {
      if (count >= fewest) continue
      found = worker
      fewest = count
    }
    return found
  }
}
