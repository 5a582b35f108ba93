import type { Credential } from '../config/config.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import { foreignCode } from '../oauth/token-error-codes.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant } from '../oauth/token-response.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics } from '../telemetry/credential-metrics.ts'
import type { AccessToken } from './access-token.ts'
import type { Clock } from './clock.ts'
import { storeKeysOf } from './store/store-keys.ts'
import type { TokenRequestFailure } from './store/shared-failure.ts'
import type { KeptToken, StoreEvent, StoreKeys, TokenLock, TokenStore } from './store/token-store.ts'
import type { TokenRequestPurpose } from './token-budget.ts'
import { keptFrom, tokenFrom } from './token-from.ts'
import type { TokenRequester } from './token-requester.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What getting a token takes. */
export interface TokenAcquirerParts {
  readonly store: TokenStore
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly metrics: CredentialMetrics
  readonly log: Log
}

/** How often those who wait for another process look again, should its news be lost. */
const lookAgainMs = 250
/** What a lock may outlive the token requests of its owner by, before nobody believes in it any more. */
const disbeliefMs = 5_000
/** With another client secret, and without the refresh token: so many token requests may follow from one another. */
const mostRequests = 4
/** The share of one's own pause for which others need not try either: the trouble may be that of one replica alone. */
const sharedPause = 0.5
/** How soon a store that did not keep a refresh token is offered it again. */
const keepAgainMs = 1_000
/** So many tokens of no use are looked past, before the store is left aside. */
const mostUnwanted = 4
/** So many tokens that were in use are known again. */
const mostKnown = 16

/** What a token is wanted for. */
export interface Acquisition {
  readonly purpose: TokenRequestPurpose
  /** The token that is there and cannot be gone on with. */
  readonly held: AccessToken | undefined
  /** Is not held up by what others have just been told. */
  readonly isUrgent?: boolean
}

/** Who uses an acquirer. */
export interface TokenHolder {
  /** Something happened to the token, here or in another replica. */
  hear(event: StoreEvent): void
  /** A token request has failed. @returns milliseconds until the next one may be made */
  noteFailure(error: unknown, purpose: TokenRequestPurpose): number
}

/**
 * Gets a token for one credential: from the store, where another replica has put one, or by the one token request of the fleet.
 * While the store does not answer, each replica asks for itself.
 */
export class TokenAcquirer {
  readonly #credential: Credential
  readonly #parts: TokenAcquirerParts
  readonly #requester: TokenRequester
  readonly #holder: TokenHolder
  readonly #identity: Identity
  /** Ids of the tokens that were in use, at the end the one that is. */
  #used: readonly string[] = []
  /** Wakes those who wait for another process. */
  #wake: () => void = () => {}
  #subscription: { readonly key: string; readonly end: () => void } | undefined
  #isClosed = false

  /** @param identity for whom the token is, where a credential has one for each */
  constructor(
    credential: Credential,
    parts: TokenAcquirerParts,
    requester: TokenRequester,
    holder: TokenHolder,
    identity: Identity = nobody,
  ) {
    this.#credential = credential
    this.#parts = parts
    this.#requester = requester
    this.#holder = holder
    this.#identity = identity
    this.#keys()
  }

  /**
   * @returns a token that is another one, unless the token endpoint grants the same again
   * @throws TokenRequestError or TokenUnavailableError when there is none
   */
  async acquire({ purpose, held, isUrgent = false }: Acquisition): Promise<AccessToken> {
    const { store, clock } = this.#parts
    const isForced = isUrgent || purpose === 'operator'
    const givenUpMs = clock.nowMs() + mostRequests * this.#credential.token_request.timeout + disbeliefMs
    let knownId = held?.id
    for (let unwanted = 0; ;) {
      const keys = this.#keys()
      const isBelieved = clock.nowMs() < givenUpMs && unwanted < mostUnwanted
      const claim = isBelieved ? await store.claim(keys, knownId, isForced) : ({ state: 'unavailable' } as const)
      if (claim.state === 'taken') {
        if (claim.failure !== undefined) throw this.#sharedFailure(claim.failure, purpose)
        await this.#news()
      } else if (claim.state !== 'kept') {
        return await this.#ask(purpose, held, keys, claim.state === 'locked' ? claim.lock : undefined)
      } else {
        const { id } = claim.token
        // A store that was away for a while brings back what has been replaced meanwhile, and may have been refused.
        const isFormer = this.#isFormer(id)
        if (isFormer) void store.forget(keys, id)
        // And who says "now" does not mean the token that was there already.
        const isWanted = !isFormer && (purpose !== 'operator' || id === knownId)
        const token = isWanted ? this.#takeOver(claim.token, keys) : undefined
        if (token !== undefined) return token
        knownId = id
        unwanted++
      }
    }
  }

  /** The token that the store has now, unless it is one that has been replaced or cannot be used. */
  async read(): Promise<AccessToken | undefined> {
    const keys = this.#keys()
    const kept = await this.#parts.store.read(keys)
    return kept && !this.#isFormer(kept.id) ? this.#takeOver(kept, keys) : undefined
  }

  /** Takes note of the token that is in use from now on, so that none from before comes back. */
  use({ id }: AccessToken): void {
    this.#used = [...this.#used.filter((former) => former !== id), id].slice(-mostKnown)
  }

  /** Tells the others that a token which replaced a refused one is accepted. */
  accept({ id }: AccessToken): void {
    this.#parts.store.accept(this.#keys(), id)
  }

  /** Has the store keep what it does not have yet, if it does so now. */
  async settle(): Promise<void> {
    await this.#keep(this.#keys())
  }

  /** The store keeps a token no longer. */
  async forget({ id }: AccessToken): Promise<void> {
    await this.#parts.store.forget(this.#keys(), id)
  }

  /** Hears no more of others. */
  close(): void {
    this.#isClosed = true
    this.#subscription?.end()
  }

  /** The names of this moment: secrets in files may have been rotated. What others do is heard under the same. */
  #keys(): StoreKeys {
    const keys = storeKeysOf(this.#credential, this.#identity)
    if (keys.token !== this.#subscription?.key && !this.#isClosed) {
      this.#subscription?.end()
      const end = this.#parts.store.subscribe(keys, (event) => {
        this.#wake()
        this.#holder.hear(event)
      })
      this.#subscription = { key: keys.token, end }
    }
    return keys
  }

  /** @returns undefined for a token that does not fit the recipe of now: it was granted before that changed */
  #takeOver(kept: KeptToken, keys: StoreKeys): AccessToken | undefined {
    const { clock, random } = this.#parts
    try {
      const token = tokenFrom(kept, this.#requester.credential, clock, random(), false)
      this.#catchUp(keys)
      return token
    } catch (error) {
      if (error instanceof TokenRequestError) return undefined
      throw error
    }
  }

  /** Whether a token was in use and has been replaced. */
  #isFormer(id: string): boolean {
    return this.#used.includes(id) && this.#used.at(-1) !== id
  }

  /** Whoever got a token that is taken over has spent of the budget, and may have used up the refresh token that is known here. */
  #catchUp(keys: StoreKeys): void {
    const { store } = this.#parts
    const { grant_type, token_response, token_requests } = this.#credential
    if (grant_type === 'refresh_token' || token_response.refresh_token !== undefined)
      void store.readGrant(keys).then((grant) => this.#requester.memory.recall(grant))
    if (token_requests !== undefined)
      void store.readBudget(keys.budget, token_requests.window).then((agesMs) => agesMs && this.#requester.noteSpent(agesMs))
  }

  /** What another replica has just been told. */
  #sharedFailure({ kind, code, message, retryAfterMs }: TokenRequestFailure, purpose: TokenRequestPurpose): TokenRequestError {
    const error = new TokenRequestError(kind, foreignCode(code), message, retryAfterMs)
    this.#holder.noteFailure(error, purpose)
    return error
  }

  /** Waits until there may be something new. */
  async #news(): Promise<void> {
    const { clock } = this.#parts
    await new Promise<void>((resolve) => {
      const cancel = clock.after(lookAgainMs, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
    this.#wake = () => {}
  }

  async #ask(
    purpose: TokenRequestPurpose,
    held: AccessToken | undefined,
    keys: StoreKeys,
    lock: TokenLock | undefined,
  ): Promise<AccessToken> {
    const { store, clock, random, metrics } = this.#parts
    const refused = purpose === 'rejection' ? held : undefined
    let isRejected = false
    const onSend = (): void => {
      if (refused !== undefined && !isRejected) store.reject(keys, refused.id)
      isRejected = true
    }
    const startedMs = clock.nowMs()
    try {
      const circumstances = { purpose, lock, isStoreShared: store.isShared, budgetKey: keys.budget, onSend }
      const grant = await this.#requester.ask(circumstances)
      const kept = keptFrom(grant, { startedMs, held, isOnProbation: refused !== undefined }, clock)
      const token = tokenFrom(kept, this.#requester.credential, clock, random(), true)
      metrics.countTokenRequest('success')
      this.#logObtained(token, grant)
      const { memory } = this.#requester
      if ((await lock?.publish(kept, memory.entry)) === true) memory.noteKept()
      else this.#keepLater(keys)
      return token
    } catch (error) {
      // A token that one path refused may be all that the other paths have, here and in every other replica.
      if (isRejected && refused !== undefined) store.restore(keys, refused.kept(clock.nowMs()))
      this.#giveUp(error, purpose, lock)
      throw error
    }
  }

  #logObtained({ fingerprint }: AccessToken, { lifetime }: Grant): void {
    const { log } = this.#parts
    const facts = { credential: this.#credential.name, token: fingerprint, lifetime_s: Math.round(lifetime.ms / 1000) }
    if (lifetime.oddity === undefined) log.info(facts, 'token obtained')
    else log.warn({ ...facts, lifetime_from: lifetime.source }, `token obtained, but ${lifetime.oddity}`)
  }

  #giveUp(error: unknown, purpose: TokenRequestPurpose, lock: TokenLock | undefined): void {
    if (error instanceof TokenUnavailableError) {
      lock?.release()
      return
    }
    const pauseMs = this.#holder.noteFailure(error, purpose)
    if (error instanceof TokenRequestError) {
      const { kind, code, message, retryAfterMs } = error
      this.#parts.metrics.countTokenRequest(kind)
      lock?.fail({ kind, code, message, retryAfterMs }, pauseMs * sharedPause)
    } else {
      this.#parts.metrics.countTokenRequest('unavailable')
      lock?.release()
    }
  }

  /**
   * A refresh token that a lasting store does not have yet is all that the next process would live on: it is offered until it is
   * taken.
   */
  #keepLater(keys: StoreKeys): void {
    const { store, clock } = this.#parts
    if (!store.isLasting || this.#isClosed) return
    clock.after(keepAgainMs, () => void this.#keep(keys).then((isDone) => (isDone ? undefined : this.#keepLater(keys))))
  }

  /** @returns whether there is nothing left to be kept */
  async #keep(keys: StoreKeys): Promise<boolean> {
    const { store } = this.#parts
    const { memory } = this.#requester
    if (!store.isLasting || memory.unkept?.refreshToken === undefined) return true
    memory.recall(await store.readGrant(keys))
    const { unkept } = memory
    if (unkept === undefined) return true
    if (!(await store.keepGrant(keys, unkept))) return false
    if (memory.unkept === unkept) memory.noteKept()
    return memory.unkept === undefined
  }
}
