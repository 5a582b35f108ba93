import type { FlattenedJWSInput, JSONWebKeySet, JWSHeaderParameters } from 'jose'
import type { LocalJWKSet } from 'jose/jwks/local'

/** The keys of an issuer cannot be had: nothing is known of the caller, and it is not to blame. */
export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable' as const
  readonly retryAfterMs: number

  constructor(retryAfterMs: number) {
    super('the keys of the issuer cannot be had')
    this.retryAfterMs = retryAfterMs
  }
}

/** What the keys of one issuer are fetched with. */
export interface IssuerKeysParts {
  /** Fetches the key set. */
  readonly fetchKeys: () => Promise<unknown>
  /** Told of each fetch that failed. */
  readonly onFailure: (error: unknown) => void
  /** A clock that never goes back, in milliseconds. */
  readonly now: () => number
}

/** Age at which keys are fetched anew, beside the requests. */
const staleMs = 10 * 60_000
/** An issuer that is down this long has nobody's trust any more. */
const longestMs = 24 * 3_600_000
/** Between two fetches, whatever key ids callers make up. */
const pauseMs = 30_000
/** Between two fetches as long as there are no keys at all. */
const firstPauseMs = 5_000

/**
 * The public keys of an issuer (RFC 7517). Fetched with the first token, again when they are old or when a token names a key
 * that is not among them; while the issuer does not answer, those it had go on being used.
 */
export class IssuerKeys {
  readonly #parts: IssuerKeysParts
  #keys: LocalJWKSet | undefined
  #fetchedAtMs = -Infinity
  #triedAtMs = -Infinity
  #pending: Promise<void> | undefined

  constructor(parts: IssuerKeysParts) {
    this.#parts = parts
  }

  /** Finds the key of a token, for jose. @throws KeysUnavailable, or jose's own error when there is no such key */
  readonly keyOf = async (header: JWSHeaderParameters, token: FlattenedJWSInput): ReturnType<LocalJWKSet> => {
    const keys = await this.#current()
    try {
      return await keys(header, token)
    } catch (error) {
      if (codeOf(error) !== 'ERR_JWKS_NO_MATCHING_KEY' || !this.#mayFetch(pauseMs)) throw error
      await this.#fetch()
      return await (this.#keys ?? keys)(header, token)
    }
  }

  async #current(): Promise<LocalJWKSet> {
    const ageMs = this.#parts.now() - this.#fetchedAtMs
    if (ageMs > longestMs) this.#keys = undefined
    if (this.#keys === undefined) {
      if (this.#mayFetch(firstPauseMs)) await this.#fetch()
    } else if (ageMs > staleMs && this.#mayFetch(pauseMs)) {
      void this.#fetch()
    }
    if (this.#keys !== undefined) return this.#keys
    throw new KeysUnavailable(firstPauseMs)
  }

  /** Whether one is under way, which can be joined, or enough time has passed since the last. */
  #mayFetch(pause: number): boolean {
    return this.#pending !== undefined || this.#parts.now() - this.#triedAtMs >= pause
  }

  #fetch(): Promise<void> {
    this.#triedAtMs = this.#parts.now()
    this.#pending ??= this.#replaceKeys().finally(() => (this.#pending = undefined))
    return this.#pending
  }

  async #replaceKeys(): Promise<void> {
    try {
      const { createLocalJWKSet } = await import('jose/jwks/local')
      this.#keys = createLocalJWKSet((await this.#parts.fetchKeys()) as JSONWebKeySet)
      this.#fetchedAtMs = this.#parts.now()
    } catch (error) {
      this.#parts.onFailure(error)
    }
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}
