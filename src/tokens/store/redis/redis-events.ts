import { EventListeners } from '../event-listeners.ts'
import type { Sealing } from '../sealing.ts'
import type { StoreEvent, StoreKeys } from '../token-store.ts'

/**
 * Tells everybody who shares a Redis what happens to tokens. Messages are sealed: who can write to the channel but does not have
 * the key can forge none and learns nothing.
 */
export class RedisEvents {
  readonly #sealing: Sealing
  readonly #channel: string
  readonly #listeners = new EventListeners()

  constructor(sealing: Sealing, channel: string) {
    this.#sealing = sealing
    this.#channel = channel
  }

  /** A message, as the last two values of a script that tells it. */
  message(keys: StoreKeys, event: StoreEvent): readonly [channel: string, message: string] {
    // A login concerns all tokens that come from its grant.
    const digest = event.type === 'login' ? keys.grant : keys.token
    return [this.#channel, this.#sealing.seal(this.#channel, JSON.stringify({ digest, event }))]
  }

  /** Has a listener told. @returns a function that ends it */
  subscribe({ token, grant }: StoreKeys, listener: (event: StoreEvent) => void): () => void {
    return this.#listeners.subscribe([token, grant], listener)
  }

  /** Takes a message from the channel; one that is not ours is ignored. */
  receive(message: string): void {
    const text = this.#sealing.open(this.#channel, message)
    if (text === undefined) return
    // It was sealed with our key, and so written by us.
    const { digest, event } = JSON.parse(text) as { readonly digest: string; readonly event: StoreEvent }
    // Not at once: the client library would take an error of ours for one of the connection.
    this.#listeners.tell(digest, event)
  }
}
