import { createHash } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { GrantEntry } from './store/token-store.ts'

const nothing: GrantEntry = { refreshToken: undefined, firstRefreshToken: undefined, lifetimeMs: undefined, writtenAtEpochMs: 0 }

/**
 * What is remembered of a credential's grants for the next one: the refresh token, and how long tokens live.
 *
 * What the store has counts, unless this process has something that the store was never given; and even then what somebody else
 * has written there since (a login, another replica) counts more. Never a date decides: those of several machines differ.
 */
export class GrantMemory {
  readonly #credential: Credential
  readonly #epochMs: () => number
  #entry = nothing
  /** Whether the store has been given the entry. */
  #isKept = true
  /** Whether it came from a token request of this process. */
  #isOwn = false
  /** What the store held when it was looked at last: what is there instead, somebody else has written. */
  #seen: GrantEntry | undefined
  /** A refresh token that the token endpoint does not take any more. */
  #refused: string | undefined

  /** @param epochMs the time in milliseconds since the epoch */
  constructor(credential: Credential, epochMs: () => number) {
    this.#credential = credential
    this.#epochMs = epochMs
  }

  get entry(): GrantEntry {
    return this.#entry
  }

  /** Whether the entry came from a token request of this process. */
  get isOwn(): boolean {
    return this.#isOwn
  }

  /** What a token request needs of it. */
  get previous(): PreviousGrant {
    const { refreshToken, firstRefreshToken, lifetimeMs } = this.#entry
    // Who configures another first refresh token means that one, not what followed from the one before.
    const isUsable = refreshToken !== this.#refused && firstRefreshToken === this.#firstRefreshToken()
    return { refreshToken: isUsable ? refreshToken : undefined, lifetimeMs }
  }

  /** The store has been looked at. @param kept what it holds */
  recall(kept: GrantEntry | undefined): void {
    const isByOthers = kept !== undefined && !isSame(kept, this.#entry) && (this.#isKept || !isSame(kept, this.#seen))
    if (isByOthers) {
      this.#entry = kept
      this.#isKept = true
      this.#isOwn = false
    }
    this.#seen = kept
  }

  /** Takes note of a grant. */
  keep({ refreshToken, lifetime }: Grant): void {
    const lifetimeMs = lifetime.source === 'response' ? lifetime.ms : this.#entry.lifetimeMs
    const firstRefreshToken = this.#firstRefreshToken()
    this.#entry = { refreshToken, firstRefreshToken, lifetimeMs, writtenAtEpochMs: this.#epochMs() }
    this.#isKept = false
    this.#isOwn = true
  }

  /** The store has been given the entry. */
  noteKept(): void {
    this.#isKept = true
    this.#seen = this.#entry
  }

  /** What a store that has been looked at should still be given; undefined when there is nothing. */
  get unkept(): GrantEntry | undefined {
    return this.#isKept ? undefined : this.#entry
  }

  /** The token endpoint does not take it any more. */
  forgetRefreshToken(): void {
    this.#refused = this.#entry.refreshToken
  }

  /** A digest: the store need not know the token itself twice. */
  #firstRefreshToken(): string | undefined {
    const { grant_type, variables } = this.#credential
    const first = grant_type === 'refresh_token' ? variables['refresh_token']?.reveal() : undefined
    return first === undefined ? undefined : createHash('sha256').update(first).digest('hex')
  }
}

function isSame(one: GrantEntry, other: GrantEntry | undefined): boolean {
  return (
    one.refreshToken === other?.refreshToken &&
    one.firstRefreshToken === other?.firstRefreshToken &&
    one.lifetimeMs === other?.lifetimeMs &&
    one.writtenAtEpochMs === other?.writtenAtEpochMs
  )
}
