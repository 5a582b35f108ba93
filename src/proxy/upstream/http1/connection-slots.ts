import { LinkedList } from '../../message/linked-list.ts'
import type { ListItem } from '../../message/linked-list.ts'

/**
 * The connections that an upstream may have at a time. Requests beyond that wait in line, first come first served; one whose
 * caller leaves, leaves the line.
 */
export class ConnectionSlots {
  #count: number
  /** Below 0 where there are fewer of them than are taken. */
  #free: number
  /** In order of arrival. */
  readonly #line = new LinkedList<Waiting>()

  constructor(count: number) {
    this.#count = count
    this.#free = count
  }

  /** From now on there are more, or fewer; those that are taken are not taken away. */
  resize(count: number): void {
    this.#free += count - this.#count
    this.#count = count
    for (let next = this.#line.first; next !== undefined && this.#free > 0; next = this.#line.first) {
      this.#free--
      this.#leave(next)
      next.onSlot()
    }
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#free <= 0) return false
    this.#free--
    return true
  }

  /**
   * Gets in line for a slot.
   * @param onSlot called when the slot is there and taken
   * @returns the way out of the line; without effect once the slot is taken
   */
  wait(onSlot: () => void): () => void {
    const waiting = new Waiting(onSlot)
    this.#line.add(waiting)
    return () => this.#leave(waiting)
  }

  /** Gives a slot back: to the next in line, if there is one. */
  give(): void {
    const next = this.#line.first
    if (next === undefined || this.#free < 0) {
      this.#free++
      return
    }
    this.#leave(next)
    next.onSlot()
  }

  #leave(waiting: Waiting): void {
    if (!waiting.isInLine) return
    waiting.isInLine = false
    this.#line.remove(waiting)
  }
}

/** One who stands in the line. */
class Waiting implements ListItem<Waiting> {
  readonly onSlot: () => void
  isInLine = true
  previousItem: Waiting | undefined
  nextItem: Waiting | undefined

  constructor(onSlot: () => void) {
    this.onSlot = onSlot
  }
}
