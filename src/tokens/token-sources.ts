import type { Config, Credential } from '../config/config.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import type { RevokeToken } from '../oauth/revocation.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Clock } from './clock.ts'
import type { TokenStore } from './store/token-store.ts'
import { TokenSource } from './token-source.ts'

/** What the token sources are built from. */
export interface TokenSourcesParts {
  readonly requestGrant: RequestGrant
  readonly revokeToken: RevokeToken
  readonly store: TokenStore
  readonly clock: Clock
  readonly random: () => number
  readonly metrics: Metrics
  readonly log: Log
}

/**
 * The token source of each credential. One for each name: two credentials never share a token, a flight or a back-off, however
 * alike they are.
 */
export class TokenSources {
  readonly #sources: ReadonlyMap<string, TokenSource>
  readonly #clock: Clock

  constructor(credentials: Config['credentials'], { metrics, ...parts }: TokenSourcesParts) {
    this.#clock = parts.clock
    this.#sources = new Map(
      [...credentials.values()].map((credential) => [
        credential.name,
        new TokenSource(credential, { ...parts, metrics: metrics.forCredential(credential.name) }),
      ]),
    )
  }

  /** The source of a credential of the configuration. @throws TypeError for any other */
  of(credential: Credential): TokenSource {
    const source = this.#sources.get(credential.name)
    if (source === undefined) throw new TypeError(`unknown credential ${credential.name}`)
    return source
  }

  /** The source of a name that somebody typed; undefined when there is none. */
  named(name: string): TokenSource | undefined {
    return this.#sources.get(name)
  }

  entries(): Iterable<readonly [name: string, source: TokenSource]> {
    return this.#sources
  }

  /** Hands back the tokens of those credentials that want it (RFC 7009), for as long as it may take. */
  async handBack(longestMs: number): Promise<void> {
    const { promise: isOver, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(longestMs, resolve)
    await Promise.race([isOver, Promise.all([...this.#sources.values()].map(async (source) => await source.handBack()))])
    cancel()
  }

  close(): void {
    for (const source of this.#sources.values()) source.close()
  }
}
