import type { Config, Credential } from '../config/config.ts'
import { isSameConfig } from '../config/same-config.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import type { RevokeToken } from '../oauth/revocation.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Clock } from './clock.ts'
import { holdSources, IdentitySources } from './identity-sources.ts'
import type { HeldSources, IdentityStatus } from './identity-sources.ts'
import type { TokenStore } from './store/token-store.ts'
import { TokenSource } from './token-source.ts'

/** Sources that are seen to at the same time, at the end. */
const mostAtATime = 16

/** What the token sources are built from. */
export interface TokenSourcesParts {
  readonly requestGrant: RequestGrant
  readonly revokeToken: RevokeToken
  readonly store: TokenStore
  readonly clock: Clock
  readonly random: () => number
  readonly metrics: Metrics
  readonly log: Log
  /** Tokens held at a time, where there is one for each identity. */
  readonly maxTokens: number
}

/**
 * The token source of each credential, or of each identity of it. One for each name: two credentials never share a token, a
 * flight or a back-off, however alike they are.
 */
export class TokenSources {
  readonly #parts: Omit<TokenSourcesParts, 'maxTokens'>
  readonly #maxTokens: number
  #credentials: Config['credentials'] = new Map()
  /** By credential, those of configurations before included: a request that began with one finishes with it. */
  readonly #byCredential = new WeakMap<Credential, TokenSource | IdentitySources>()
  /** Replaced, with a token request that may be under way. */
  readonly #leaving = new Set<TokenSource>()
  #sources: ReadonlyMap<string, TokenSource> = new Map()
  #perIdentity: ReadonlyMap<string, IdentitySources> = new Map()
  /** Of all identities; made when first needed, because it takes up room from the beginning. */
  #held: HeldSources | undefined

  constructor(credentials: Config['credentials'], { maxTokens, ...parts }: TokenSourcesParts) {
    this.#parts = parts
    this.#maxTokens = maxTokens
    this.#take(credentials)
  }

  /**
   * Takes other credentials into use. Those that say the same keep their sources, with token, flight and all; one that has changed
   * gets a new source, which takes over the kept token where that is still the one. What failed is tried again at once.
   */
  use(credentials: Config['credentials']): void {
    this.#take(credentials)
    for (const source of [...this.#sources.values(), ...this.#perIdentity.values()]) source.tryAgain()
  }

  /**
   * The source of a credential of the configuration, or of one before.
   * @param identity the values of its `identityFields`
   * @throws TypeError for any other
   */
  of(credential: Credential, identity: Identity = nobody): TokenSource {
    const source = this.#byCredential.get(credential)
    if (source === undefined) throw new TypeError(`unknown credential ${credential.name}`)
    return source instanceof TokenSource ? source : source.of(identity)
  }

  /** The source of a name that somebody typed; undefined when there is none, or one for each identity. */
  named(name: string): TokenSource | undefined {
    return this.#sources.get(name)
  }

  /** The state of a credential that has a token for each identity; undefined when it has one for all. */
  identityStatus(name: string): IdentityStatus | undefined {
    return this.#perIdentity.get(name)?.status()
  }

  /** Those with one token for all: nobody can know beforehand for whom else tokens will be wanted. */
  entries(): Iterable<readonly [name: string, source: TokenSource]> {
    return this.#sources
  }

  /** Waits for token requests under way, whose tokens and refresh tokens the store has to keep. @param longestMs at most so long */
  async settle(longestMs: number): Promise<void> {
    await this.#inTurn(longestMs, async (source) => await source.settle())
  }

  /** Hands back the tokens of those credentials that want it (RFC 7009). @param longestMs at most so long */
  async handBack(longestMs: number): Promise<void> {
    await this.#inTurn(longestMs, async (source) => await source.handBack())
  }

  async #inTurn(longestMs: number, run: (source: TokenSource) => Promise<void>): Promise<void> {
    const { promise: end, resolve } = Promise.withResolvers<void>()
    let isOver = false
    const cancel = this.#parts.clock.after(longestMs, () => {
      isOver = true
      resolve()
    })
    const waiting = [...this.#sources.values(), ...(this.#held?.values() ?? []), ...this.#leaving].values()
    const runInTurn = async (): Promise<void> => {
      for (const source of waiting) if (!isOver) await run(source)
    }
    // A few at a time: there may be as many as there are identities.
    await Promise.race([end, Promise.all(Array.from({ length: mostAtATime }, runInTurn))])
    cancel()
  }

  /** Ends the timers of all. */
  close(): void {
    for (const source of [...this.#sources.values(), ...(this.#held?.values() ?? [])]) source.close()
  }

  #take(credentials: Config['credentials']): void {
    const { metrics, ...parts } = this.#parts
    const before = this.#credentials
    const same = new Set(
      [...credentials.keys()].filter((name) => before.has(name) && isSameConfig(before.get(name), credentials.get(name))),
    )
    for (const name of new Set([...before.keys(), ...credentials.keys()])) if (!same.has(name)) metrics.forgetCredential(name)

    const sources = new Map<string, TokenSource>()
    const perIdentity = new Map<string, IdentitySources>()
    for (const [name, credential] of credentials) {
      const [source, identities] = same.has(name) ? [this.#sources.get(name), this.#perIdentity.get(name)] : []
      const ownParts = { ...parts, metrics: metrics.forCredential(name) }
      if (credential.identityFields.length === 0) {
        const kept = source ?? new TokenSource(credential, ownParts)
        sources.set(name, kept)
        this.#byCredential.set(credential, kept)
      } else {
        this.#held ??= holdSources(this.#maxTokens)
        const kept = identities ?? new IdentitySources(credential, ownParts, this.#held)
        perIdentity.set(name, kept)
        this.#byCredential.set(credential, kept)
      }
    }
    // What is under way with one that is not used any more goes on, and whoever waits for it is served.
    for (const [name, source] of this.#sources) if (sources.get(name) !== source) this.#letGo(source)
    for (const [name, identities] of this.#perIdentity)
      if (perIdentity.get(name) !== identities) for (const source of identities.leave()) this.#letGo(source)
    this.#credentials = credentials
    this.#sources = sources
    this.#perIdentity = perIdentity
  }

  #letGo(source: TokenSource): void {
    source.close()
    this.#leaving.add(source)
    void source.settle().finally(() => this.#leaving.delete(source))
  }
}
