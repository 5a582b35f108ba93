/**
 * The connections that an upstream may have at a time. Requests beyond that wait in line, first come first served; one whose
 * caller leaves, leaves the line.
 */
export class ConnectionSlots {
  #free: number
  /** In order of arrival. */
  readonly #line = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#free === 0) return false
    this.#free--
    return true
  }

  /**
   * Gets in line for a slot.
   * @param onSlot called when the slot is there and taken
   * @returns the way out of the line; without effect once the slot is taken
   */
  wait(onSlot: () => void): () => void {
    this.#line.add(onSlot)
    return () => void this.#line.delete(onSlot)
  }

  /** Gives a slot back: to the next in line, if there is one. */
  give(): void {
    for (const next of this.#line) {
      this.#line.delete(next)
      next()
      return
    }
    this.#free++
  }
}
