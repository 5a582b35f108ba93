import type { StoreEvent } from './token-store.ts'

type Listener = (event: StoreEvent) => void

/** Who wants to hear of which entries; told soon, but never from within the call that made it happen. */
export class EventListeners {
  readonly #byDigest = new Map<string, Set<Listener>>()

  /** @param digests of the entries @returns a function that ends it */
  subscribe(digests: readonly string[], listener: Listener): () => void {
    // A listener of its own, so that whoever subscribes twice is told twice, and ends one of the two.
    const own: Listener = (event) => listener(event)
    for (const digest of digests) this.#byDigest.set(digest, (this.#byDigest.get(digest) ?? new Set()).add(own))
    return () => {
      for (const digest of digests) {
        const listeners = this.#byDigest.get(digest)
        listeners?.delete(own)
        if (listeners?.size === 0) this.#byDigest.delete(digest)
      }
    }
  }

  tell(digest: string, event: StoreEvent): void {
    const listeners = this.#byDigest.get(digest)
    for (const listener of listeners ?? []) {
      queueMicrotask(() => {
        if (listeners?.has(listener) === true) listener(event)
      })
    }
  }

  /** Nobody is told anything any more. */
  close(): void {
    for (const listeners of this.#byDigest.values()) listeners.clear()
    this.#byDigest.clear()
  }
}
