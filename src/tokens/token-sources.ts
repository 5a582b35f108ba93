import type { Config, Credential } from '../config/config.ts'
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

/** Tokens that are handed back at the same time. */
const handedBackTogether = 16

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
  readonly #sources = new Map<string, TokenSource>()
  readonly #perIdentity = new Map<string, IdentitySources>()
  /** Of all identities. */
  readonly #held: HeldSources | undefined
  readonly #clock: Clock

  constructor(credentials: Config['credentials'], { metrics, maxTokens, ...parts }: TokenSourcesParts) {
    this.#clock = parts.clock
    // It takes up room from the beginning.
    let held: HeldSources | undefined
    for (const credential of credentials.values()) {
      const { name, identityFields } = credential
      const sourceParts = { ...parts, metrics: metrics.forCredential(name) }
      if (identityFields.length === 0) this.#sources.set(name, new TokenSource(credential, sourceParts))
      else this.#perIdentity.set(name, new IdentitySources(credential, sourceParts, (held ??= holdSources(maxTokens))))
    }
    this.#held = held
  }

  /**
   * The source of a credential of the configuration.
   * @param identity the values of its `identityFields`
   * @throws TypeError for any other
   */
  of(credential: Credential, identity: Identity = nobody): TokenSource {
    const source = this.#sources.get(credential.name) ?? this.#perIdentity.get(credential.name)?.of(identity)
    if (source === undefined) throw new TypeError(`unknown credential ${credential.name}`)
    return source
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

  /** Hands back the tokens of those credentials that want it (RFC 7009), for as long as it may take. */
  async handBack(longestMs: number): Promise<void> {
    const { promise: end, resolve } = Promise.withResolvers<void>()
    let isOver = false
    const cancel = this.#clock.after(longestMs, () => {
      isOver = true
      resolve()
    })
    const waiting = [...this.#sources.values(), ...(this.#held?.values() ?? [])].values()
    const handBackInTurn = async (): Promise<void> => {
      for (const source of waiting) if (!isOver) await source.handBack()
    }
    // A few at a time: there may be as many as there are identities.
    await Promise.race([end, Promise.all(Array.from({ length: handedBackTogether }, handBackInTurn))])
    cancel()
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
    this.#held?.clear()
  }
}
