import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import type { Injection } from '../oauth/injection.ts'

/** The times of a token, by the monotonic clock. */
export interface TokenTimes {
  readonly issuedAtMs: number
  readonly expiresAtMs: number
  /** The same moment for people, in milliseconds since the epoch. */
  readonly issuedAtEpochMs: number
  readonly expiresAtEpochMs: number
}

/** An access token (RFC 6749 1.4) in use. It cannot print itself; its fingerprint can be shown. */
export class AccessToken {
  readonly #value: string
  readonly #injection: Injection
  readonly times: TokenTimes
  /** The first 12 hexadecimal digits of its SHA-256: enough to tell tokens apart, useless for anything else. */
  readonly fingerprint: string

  constructor(value: string, injection: Injection, times: TokenTimes) {
    this.#value = value
    this.#injection = injection
    this.times = times
    this.fingerprint = createHash('sha256').update(value).digest('hex').slice(0, 12)
  }

  /** What goes onto the request to the upstream. Call it where it goes on the wire, nowhere else. */
  reveal(): Injection {
    return this.#injection
  }

  /** Whether the other is the same token, perhaps granted again with a new lifetime. */
  isSameAs(other: AccessToken): boolean {
    return this === other || this.#value === other.#value
  }

  /** Whether it is the token with this value. */
  isValue(value: string): boolean {
    return this.#value === value
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
