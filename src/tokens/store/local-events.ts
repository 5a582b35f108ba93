import type { StoreEvent, StoreKeys } from './token-store.ts'

type Listener = (event: StoreEvent) => void

/** Tells those of one process what happens to tokens: soon, but never from within the call that made it happen. */
export class LocalEvents {
  readonly #listeners = new Map<string, Set<Listener>>()

  /** @returns a function that ends it */
  subscribe({ token }: StoreKeys, listener: Listener): () => void {
    const listeners = this.#listeners.get(token) ?? new Set()
    // A listener of its own, so that whoever subscribes twice is told twice, and ends one of the two.
    const own: Listener = (event) => listener(event)
    this.#listeners.set(token, listeners.add(own))
    return () => {
      listeners.delete(own)
      if (listeners.size === 0 && this.#listeners.get(token) === listeners) this.#listeners.delete(token)
    }
  }

  tell({ token }: StoreKeys, event: StoreEvent): void {
    const listeners = this.#listeners.get(token)
    for (const listener of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(listener) === true) listener(event)
      })
    }
  }

  /** Nobody is told anything any more. */
  close(): void {
    for (const listeners of this.#listeners.values()) listeners.clear()
    this.#listeners.clear()
  }
}
