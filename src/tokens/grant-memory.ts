import { createHash } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { GrantEntry } from './store/token-store.ts'

/** What is remembered of a credential's grants for the next one: the refresh token, and how long tokens live. */
export class GrantMemory {
  readonly #credential: Credential
  readonly #epochMs: () => number
  #entry: GrantEntry = { refreshToken: undefined, firstRefreshToken: undefined, lifetimeMs: undefined, writtenAtEpochMs: 0 }

  /** @param epochMs the time in milliseconds since the epoch */
  constructor(credential: Credential, epochMs: () => number) {
    this.#credential = credential
    this.#epochMs = epochMs
  }

  get entry(): GrantEntry {
    return this.#entry
  }

  /** What a token request needs of it. */
  get previous(): PreviousGrant {
    const { refreshToken, lifetimeMs } = this.#entry
    return { refreshToken, lifetimeMs }
  }

  /**
   * Takes over what the store remembers, unless this process knows something later; and forgets what followed from another first
   * refresh token: who configures a new one means that one.
   */
  recall(kept: GrantEntry | undefined): void {
    if (kept !== undefined && kept.writtenAtEpochMs >= this.#entry.writtenAtEpochMs) this.#entry = kept
    const firstRefreshToken = this.#firstRefreshToken()
    if (this.#entry.firstRefreshToken !== firstRefreshToken) {
      this.#entry = { ...this.#entry, refreshToken: undefined, firstRefreshToken }
    }
  }

  /** Takes note of a grant. */
  keep({ refreshToken, lifetime }: Grant): void {
    const lifetimeMs = lifetime.source === 'response' ? lifetime.ms : this.#entry.lifetimeMs
    this.#entry = { ...this.#entry, refreshToken, lifetimeMs, writtenAtEpochMs: this.#epochMs() }
  }

  /** The token endpoint does not take it any more. */
  forgetRefreshToken(): void {
    this.#entry = { ...this.#entry, refreshToken: undefined, writtenAtEpochMs: this.#epochMs() }
  }

  /** A digest: the store need not know the token itself twice. */
  #firstRefreshToken(): string | undefined {
    const { grant_type, variables } = this.#credential
    const first = grant_type === 'refresh_token' ? variables['refresh_token']?.reveal() : undefined
    return first === undefined ? undefined : createHash('sha256').update(first).digest('hex')
  }
}
