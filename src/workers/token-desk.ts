import type { Config } from '../config/config.ts'
import { nobody } from '../oauth/identity.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { TokenSource } from '../tokens/token-source.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import type { Replacement } from '../tokens/token-supply.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import { messageOf, tokenOf } from './token-message.ts'
import type { TokenMessage } from './token-message.ts'
import type { FromWorker, Obtained, RejectedToken, RejectionMessage, SupplyName } from './vocabulary.ts'
import { keyOf } from './worker-tokens.ts'

/** What a desk works with. */
export interface TokenDeskParts {
  readonly tokens: TokenSources
  /** The credentials of a configuration so far; undefined for one that is too long ago. */
  readonly credentials: (generation: number) => Config['credentials'] | undefined
  /** Tells the worker what a token is now. */
  readonly tell: (supply: SupplyName, token: TokenMessage | null) => void
}

type Replayed = FromWorker['notes']['replayed']

/** Where one worker asks for tokens, and is told of those that it uses. It decides nothing: the token sources do. */
export class TokenDesk {
  readonly #parts: TokenDeskParts
  readonly #watched = new Map<string, { readonly source: TokenSource; readonly end: () => void }>()
  /** Handed out, and no word yet of their replays. */
  readonly #replacements = new Map<number, { readonly source: TokenSource; readonly replacement: Replacement }>()
  #handedOut = 0
  #isClosed = false

  constructor(parts: TokenDeskParts) {
    this.#parts = parts
  }

  /** Tells the worker beforehand what the tokens of a configuration are, so that a hit is one from the first request on. */
  present(generation: number): void {
    for (const [credential, { identityFields }] of this.#parts.credentials(generation) ?? [])
      if (identityFields.length === 0) this.#sourceOf({ generation, credential, identity: nobody })
  }

  /** Tells no more of the tokens of other configurations. */
  keepOnly(generation: number): void {
    for (const key of this.#watched.keys()) if (!key.startsWith(`[${generation},`)) this.#endWatch(key)
  }

  /** A request has no token: it gets the one that is there, or waits for one. */
  async obtain(supply: SupplyName): Promise<Obtained> {
    const source = this.#sourceOf(supply)
    if (source === undefined) {
      const message = `no token for the credential ${supply.credential}: the configuration has changed too often since the request began`
      return { unavailable: { reason: 'unavailable', message, retryAfterMs: 0 } }
    }
    try {
      return { token: messageOf(source.current() ?? (await source.obtain())) }
    } catch (error) {
      if (!(error instanceof TokenUnavailableError)) throw error
      const { reason, message, retryAfterMs } = error
      return { unavailable: { reason, message, retryAfterMs } }
    }
  }

  async reject({ supply, token, canReplay, route }: RejectedToken): Promise<RejectionMessage> {
    const source = this.#sourceOf(supply)
    if (source === undefined) return { outcome: 'failed' }
    const rejection = await source.reject(tokenOf(token), canReplay, route)
    if (rejection.token === undefined) return { outcome: rejection.outcome }
    const { outcome, isCause } = rejection
    const number = ++this.#handedOut
    this.#replacements.set(number, { source, replacement: rejection })
    if (this.#isClosed) this.replayed({ replacement: number, end: 'none' })
    return { outcome, token: messageOf(rejection.token), isCause, replacement: number }
  }

  replayed({ replacement: number, end }: Replayed): void {
    const handedOut = this.#replacements.get(number)
    if (handedOut === undefined) return
    this.#replacements.delete(number)
    const { source, replacement } = handedOut
    if (end === 'none') source.notReplayed(replacement)
    else source.replayed(replacement, end === 'accepted')
  }

  used(supply: SupplyName): void {
    this.#sourceOf(supply)?.used()
  }

  pointless(supply: SupplyName): void {
    this.#sourceOf(supply)?.noteRejection('pointless')
  }

  dropped(supply: SupplyName): void {
    this.#endWatch(keyOf(supply))
  }

  /** The worker has ended: of the replays that it has begun nobody will ever know. */
  close(): void {
    this.#isClosed = true
    for (const key of this.#watched.keys()) this.#endWatch(key)
    for (const replacement of this.#replacements.keys()) this.replayed({ replacement, end: 'none' })
  }

  /**
   * The source as it is now: the one of an identity may have had to make room, and a new one be in its place.
   * @returns undefined when the configuration is too long ago
   */
  #sourceOf(supply: SupplyName): TokenSource | undefined {
    const credential = this.#parts.credentials(supply.generation)?.get(supply.credential)
    if (credential === undefined) return undefined
    const source = this.#parts.tokens.of(credential, supply.identity)
    const key = keyOf(supply)
    const watched = this.#watched.get(key)
    if (watched?.source === source || this.#isClosed) return source
    watched?.end()
    let last: AccessToken | undefined | null = null
    const end = source.watch((token) => {
      if (token === last) return
      last = token
      this.#parts.tell(supply, token === undefined ? null : messageOf(token))
    })
    this.#watched.set(key, { source, end })
    return source
  }

  #endWatch(key: string): void {
    this.#watched.get(key)?.end()
    this.#watched.delete(key)
  }
}
