import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Secret } from '../../config/secret.ts'

/** How long a key that was taken out of its file may still be used. */
const rereadMs = 1_000
/** How soon a file is looked for again that is gone. */
const lookAgainMs = 100

/**
 * The keys of callers. Kept as digests under a random value of this process: how long a comparison takes says nothing about a
 * key, and a dump of the memory holds none beyond what the configuration itself holds.
 */
export class ApiKeys<Owner extends { readonly api_key?: Secret | undefined }> {
  readonly #salt = randomBytes(32).toString('base64')
  readonly #now: () => number
  readonly #isSame: (one: Buffer, other: Buffer) => boolean
  readonly #entries: { readonly owner: Owner; readonly key: Secret; digest: Buffer }[]
  #readAtMs: number

  /**
   * @param owners those without a key are passed over
   * @param now a clock that never goes back, in milliseconds
   * @param isSame compares in constant time
   */
  constructor(
    owners: readonly Owner[],
    now: () => number = () => performance.now(),
    isSame: (one: Buffer, other: Buffer) => boolean = timingSafeEqual,
  ) {
    this.#now = now
    this.#isSame = isSame
    this.#readAtMs = now()
    this.#entries = owners.flatMap((owner) =>
      owner.api_key === undefined ? [] : [{ owner, key: owner.api_key, digest: this.#digest(owner.api_key.reveal()) }],
    )
  }

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** Whose key this is. It is compared with every key, whichever it is equal to. */
  ownerOf(shown: string): Owner | undefined {
    this.#reread()
    const digest = this.#digest(shown)
    let found: Owner | undefined
    for (const entry of this.#entries) if (this.#isSame(entry.digest, digest)) found ??= entry.owner
    return found
  }

  #reread(): void {
    const nowMs = this.#now()
    if (nowMs - this.#readAtMs < rereadMs) return
    this.#readAtMs = nowMs
    for (const entry of this.#entries) {
      const key = entry.key.revealPresent()
      // Whoever takes a key away means that it opens nothing any more. One that is only being written is there in a moment.
      entry.digest = key === undefined ? randomBytes(entry.digest.length) : this.#digest(key)
      if (key === undefined) this.#readAtMs = nowMs - rereadMs + lookAgainMs
    }
  }

  #digest(key: string): Buffer {
    // As text, which is made twice as fast as bytes.
    return Buffer.from(hash('sha256', this.#salt + key, 'base64'), 'latin1')
  }
}
