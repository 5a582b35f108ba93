import type { AccessToken } from './access-token.ts'

/** The token that a source has now, and whether it may be used. Whoever watches is told of each change. */
export class CurrentToken {
  #token: AccessToken | undefined
  #isRejected = false
  readonly #watchers = new Set<() => void>()

  get token(): AccessToken | undefined {
    return this.#token
  }

  set token(token: AccessToken | undefined) {
    this.#token = token
    this.#tell()
  }

  /** It was refused and its renewal is under way: new callers wait for that instead of being refused too. */
  get isRejected(): boolean {
    return this.#isRejected
  }

  set isRejected(isRejected: boolean) {
    if (this.#isRejected === isRejected) return
    this.#isRejected = isRejected
    this.#tell()
  }

  /** The token, if it can be used at this time of the monotonic clock. */
  usable(nowMs: number): AccessToken | undefined {
    const token = this.#token
    return token === undefined || this.#isRejected || nowMs >= token.times.expiresAtMs ? undefined : token
  }

  /** Has a listener told of each change. @returns a function that ends it */
  watch(listener: () => void): () => void {
    this.#watchers.add(listener)
    return () => this.#watchers.delete(listener)
  }

  #tell(): void {
    for (const listener of this.#watchers) listener()
  }
}
