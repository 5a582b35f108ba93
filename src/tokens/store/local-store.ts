import type { Clock } from '../clock.ts'
import { EventListeners } from './event-listeners.ts'
import { LocalLocks } from './local-locks.ts'
import type { Shelf } from './shelf.ts'
import type { Claim, GrantEntry, KeptToken, StoreEvent, StoreKeys, TokenEntry, TokenLock, TokenStore } from './token-store.ts'

/** The longest that a request waits for what is kept. */
const longestWaitMs = 100
/** A person who has logged in wants to know. */
const longestLoginWaitMs = 5_000

/** What a store that serves one process is made of. */
export interface LocalStoreParts {
  readonly name: 'memory' | 'file'
  readonly isLasting: boolean
  readonly shelf: Shelf
  readonly clock: Clock
  readonly maxTokens: number
}

/** A token store for one process: whoever shares the object shares its locks, what it remembers of failures, and its events. */
export class LocalStore implements TokenStore {
  readonly name: 'memory' | 'file'
  readonly isLasting: boolean
  readonly isShared = false
  readonly #shelf: Shelf
  readonly #locks: LocalLocks
  readonly #events = new EventListeners()

  constructor({ name, isLasting, shelf, clock, maxTokens }: LocalStoreParts) {
    this.name = name
    this.isLasting = isLasting
    this.#shelf = shelf
    this.#locks = new LocalLocks(clock, maxTokens)
  }

  async read(keys: StoreKeys): Promise<KeptToken | undefined> {
    await this.#shelf.catchUp()
    return this.#shelf.token(keys)
  }

  async claim(keys: StoreKeys, knownId: string | undefined, isUrgent = false): Promise<Claim> {
    await this.#shelf.catchUp()
    // One step from here on: nothing is awaited.
    const token = this.#shelf.token(keys)
    if (token !== undefined && token.id !== knownId) return { state: 'kept', token }
    const failure = isUrgent ? undefined : this.#locks.failure(keys.token)
    if (failure !== undefined) return { state: 'taken', failure }
    const end = this.#locks.take(keys.token)
    return end === undefined ? { state: 'taken', failure: undefined } : { state: 'locked', lock: this.#lock(keys, end) }
  }

  async readGrant(keys: StoreKeys): Promise<GrantEntry | undefined> {
    await this.#shelf.catchUp()
    return this.#shelf.grant(keys)
  }

  async readBudget(key: string, windowMs: number): Promise<readonly number[]> {
    await this.#shelf.catchUp()
    // Of nothing, nothing is spent.
    return this.#shelf.spend(key, { limit: 0, windowMs, reserve: 0 }).agesMs
  }

  async keepGrant(keys: StoreKeys, grant: GrantEntry): Promise<boolean> {
    this.#shelf.keepGrant(keys, grant)
    this.#events.tell(keys.token, { type: 'login' })
    return await this.#shelf.saved(longestLoginWaitMs)
  }

  reject(keys: StoreKeys, id: string): void {
    this.#shelf.dropToken(keys, id)
    this.#events.tell(keys.token, { type: 'rejected', id })
  }

  restore(keys: StoreKeys, token: KeptToken): void {
    if (this.#shelf.token(keys) === undefined) this.#shelf.keepToken(keys, token)
    this.#events.tell(keys.token, { type: 'failed' })
  }

  accept(keys: StoreKeys, id: string): void {
    this.#shelf.acquitToken(keys, id)
    this.#events.tell(keys.token, { type: 'accepted', id })
  }

  async forget(keys: StoreKeys, id: string): Promise<void> {
    this.#shelf.dropToken(keys, id)
    await this.#shelf.saved(longestWaitMs)
  }

  subscribe(keys: StoreKeys, listener: (event: StoreEvent) => void): () => void {
    return this.#events.subscribe([keys.token], listener)
  }

  async close(): Promise<void> {
    this.#events.close()
    await this.#shelf.close()
  }

  /** @param end gives the lock back; of no effect the second time */
  #lock(keys: StoreKeys, end: () => boolean): TokenLock {
    const known = this.#shelf.grant(keys)
    return {
      grant: known,
      spend: async (key, terms) => this.#shelf.spend(key, terms),
      publish: async (token: TokenEntry, grant: GrantEntry) => {
        this.#locks.forgetFailure(keys.token)
        this.#shelf.keepToken(keys, token)
        this.#shelf.replaceGrant(keys, grant, known)
        end()
        this.#events.tell(keys.token, { type: 'granted', id: token.id })
        return await this.#shelf.saved(longestWaitMs)
      },
      fail: (failure, pauseMs) => {
        if (!end()) return
        this.#locks.noteFailure(keys.token, failure, pauseMs)
        this.#events.tell(keys.token, { type: 'failed' })
      },
      release: () => void end(),
    }
  }
}
