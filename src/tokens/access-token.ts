import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import type { Injection } from '../oauth/injection.ts'
import type { KeptToken, TokenEntry } from './store/token-store.ts'

/** The times of a token, by the monotonic clock. */
export interface TokenTimes {
  readonly issuedAtMs: number
  /** From then on it is renewed while it goes on being used. */
  readonly renewAtMs: number
  readonly expiresAtMs: number
  /** The same moments for people, in milliseconds since the epoch. */
  readonly issuedAtEpochMs: number
  readonly expiresAtEpochMs: number
}

/** An access token (RFC 6749 1.4) in use. It cannot print itself; its fingerprint can be shown. */
export class AccessToken {
  readonly #entry: TokenEntry
  readonly #injection: Injection
  readonly times: TokenTimes
  /** Whether it came from a token request of this process, or from the store, where another one has put it. */
  readonly isOwn: boolean
  /** The first 12 hexadecimal digits of its SHA-256: enough to tell tokens apart, useless for anything else. */
  readonly fingerprint: string

  constructor(entry: TokenEntry, injection: Injection, times: TokenTimes, isOwn: boolean) {
    this.#entry = entry
    this.#injection = injection
    this.times = times
    this.isOwn = isOwn
    this.fingerprint = createHash('sha256').update(entry.accessToken).digest('hex').slice(0, 12)
  }

  /** What it is called in the store. */
  get id(): string {
    return this.#entry.id
  }

  /** It replaced a refused token; whether it helped is not known yet, or another process knows. */
  get isOnProbation(): boolean {
    return this.#entry.isOnProbation
  }

  /** What goes onto the request to the upstream. Call it where it goes on the wire, nowhere else. */
  reveal(): Injection {
    return this.#injection
  }

  /** What a store keeps of it. @param nowMs the time, by the monotonic clock */
  kept(nowMs: number): KeptToken {
    return { ...this.#entry, remainingMs: Math.max(this.times.expiresAtMs - nowMs, 0) }
  }

  /** The token itself, for handing it back. */
  revealValue(): string {
    return this.#entry.accessToken
  }

  /** The token response that granted it, for `{token.FIELD}`. Holds secrets: take a field out of it, log nothing of it. */
  revealFields(): unknown {
    return this.#entry.fields
  }

  /** Whether the other is the same token, perhaps granted again with a new lifetime. */
  isSameAs(other: AccessToken): boolean {
    return this === other || this.isValue(other.#entry.accessToken)
  }

  /** Whether it is the token with this value. */
  isValue(value: string): boolean {
    return this.#entry.accessToken === value
  }

  toString(): string {
    return `[token ${this.fingerprint}]`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}
