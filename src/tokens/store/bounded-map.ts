/** A map that holds at most so many entries: the one used longest ago makes room. */
export class BoundedMap<Value> {
  readonly #max: number
  /** In the order of their last use, which is the order in which a Map gives them. */
  readonly #entries = new Map<string, Value>()

  /** @param max entries held at a time, at least one */
  constructor(max: number) {
    this.#max = max
  }

  /** Counts as a use. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key)
    if (value !== undefined) this.#append(key, value)
    return value
  }

  set(key: string, value: Value): void {
    this.#append(key, value)
    if (this.#entries.size <= this.#max) return
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest)
      break
    }
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }

  get size(): number {
    return this.#entries.size
  }

  #append(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
  }
}
