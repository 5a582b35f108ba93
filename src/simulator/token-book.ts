/** An access token that the simulator issued. */
export interface IssuedToken {
  readonly value: string
  /** Space-separated, as granted; may be empty. */
  readonly scope: string
  /** Everything that shaped the grant, so that `same_token` never mixes two of them. */
  readonly grantKey: string
  readonly issuedAtMs: number
  readonly expiresAtMs: number
}

/** The access tokens of one provider, oldest first. */
export class TokenBook {
  readonly #tokens = new Map<string, IssuedToken>()

  /** Enters a token. Past `maxLive` tokens the oldest die; null: no limit. */
  enter(token: IssuedToken, maxLive: number | null): void {
    this.#forgetExpired(token.issuedAtMs)
    this.#tokens.set(token.value, token)
    if (maxLive === null) return
    for (const value of this.#tokens.keys()) {
      if (this.#tokens.size <= maxLive) return
      this.#tokens.delete(value)
    }
  }

  /** The token of this value, if it lives. */
  find(value: string, nowMs: number): IssuedToken | undefined {
    const token = this.#tokens.get(value)
    return token !== undefined && isLive(token, nowMs) ? token : undefined
  }

  /** A token that lives and was granted for the same. */
  findByGrant(grantKey: string, nowMs: number): IssuedToken | undefined {
    return this.#live(nowMs).find((token) => token.grantKey === grantKey)
  }

  /** Number of tokens that live. */
  liveCount(nowMs: number): number {
    return this.#live(nowMs).length
  }

  /** Kills one token, if it is known (RFC 7009 does not want the difference told). */
  revoke(value: string): void {
    this.#tokens.delete(value)
  }

  /** Kills every token; returns how many lived. */
  revokeAll(nowMs: number): number {
    const revoked = this.liveCount(nowMs)
    this.#tokens.clear()
    return revoked
  }

  #live(nowMs: number): IssuedToken[] {
    return [...this.#tokens.values()].filter((token) => isLive(token, nowMs))
  }

  // Lives differ, so an expired token may stay behind a longer-lived one: that costs memory, never correctness.
  #forgetExpired(nowMs: number): void {
    for (const token of this.#tokens.values()) {
      if (isLive(token, nowMs)) return
      this.#tokens.delete(token.value)
    }
  }
}

function isLive(token: IssuedToken, nowMs: number): boolean {
  return nowMs < token.expiresAtMs
}
