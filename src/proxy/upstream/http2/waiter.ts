import type { LinkedList, ListItem } from '../../message/linked-list.ts'
import { Watchdog } from '../../message/watchdog.ts'
import type { RequestCarrier } from '../request-carrier.ts'
import type { OnCarrier } from '../upstream-pool.ts'

/** How long a request waits, and what for. */
export interface Patience {
  /** In milliseconds. */
  readonly waitMs: number
  /** So much longer, once, while a connection is being made. */
  readonly connectMs: number
  readonly isConnecting: () => boolean
  /** What it is told then. */
  readonly tooLate: () => Error
}

/** A request that waits for something to carry it. Is told once. */
export class Waiter implements ListItem<Waiter> {
  readonly #done: OnCarrier
  #line: LinkedList<Waiter> | undefined
  readonly #watchdog: Watchdog
  #stop: (() => void) | undefined
  #isSettled = false
  previousItem: Waiter | undefined
  nextItem: Waiter | undefined

  /** Gets in line. */
  constructor(done: OnCarrier, line: LinkedList<Waiter>, { waitMs, connectMs, isConnecting, tooLate }: Patience) {
    this.#done = done
    this.#line = line
    let isLate = false
    this.#watchdog = new Watchdog(() => {
      if (isLate || !isConnecting()) this.settle(tooLate())
      else this.#watchdog.arm(connectMs)
      isLate = true
    })
    this.#watchdog.arm(waitMs)
    line.add(this)
  }

  /** It waits for this from here on, not in the line. @param stop gives it up */
  begin(stop: () => void): void {
    this.#leaveLine()
    this.#stop = stop
  }

  settle(error: Error | null, carrier?: RequestCarrier, isReused = false): void {
    this.#leaveLine()
    if (this.#isSettled) return
    this.#isSettled = true
    this.#stop = undefined
    this.#done(error, carrier, isReused)
  }

  /** Wants nothing any more. */
  leave(): void {
    this.#leaveLine()
    this.#isSettled = true
    this.#stop?.()
    this.#stop = undefined
  }

  #leaveLine(): void {
    this.#watchdog.stop()
    this.#line?.remove(this)
    this.#line = undefined
  }
}
