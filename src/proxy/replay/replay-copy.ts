/** The memory that copies of request bodies may take in the whole process. */
export class ReplayMemory {
  readonly #limit: number
  #used = 0

  /** @param limit bytes */
  constructor(limit: number) {
    this.#limit = limit
  }

  get usedBytes(): number {
    return this.#used
  }

  take(bytes: number): boolean {
    if (this.#used + bytes > this.#limit) return false
    this.#used += bytes
    return true
  }

  give(bytes: number): void {
    this.#used -= bytes
  }
}

/** Pieces smaller than this are gathered, so that a body of single bytes does not cost a hundred times its size. */
const smallPiece = 4_096
const blockSize = 16_384

/**
 * A copy of a request body, kept while the first attempt streams. Past its own limit or the process-wide one the copy is dropped:
 * the replay is abandoned, never the request.
 */
export class ReplayCopy {
  readonly #memory: ReplayMemory
  readonly #limit: number
  #pieces: Buffer[] = []
  /** The last piece while it is a block with room left; `#filled` bytes of it are taken. */
  #block: Buffer | undefined
  #filled = 0
  #bytes = 0
  #isWhole = true

  /** @param limit bytes */
  constructor(memory: ReplayMemory, limit: number) {
    this.#memory = memory
    this.#limit = limit
  }

  /** Whether it holds every byte so far. */
  get isWhole(): boolean {
    return this.#isWhole
  }

  add(chunk: Buffer): void {
    if (!this.#isWhole) return
    if (this.#bytes + chunk.length > this.#limit || !this.#memory.take(chunk.length)) {
      this.drop()
      return
    }
    this.#bytes += chunk.length
    if (chunk.length >= smallPiece) {
      this.#closeBlock()
      this.#pieces.push(chunk)
    } else {
      this.#gather(chunk)
    }
  }

  /** The pieces, in order. */
  pieces(): readonly Buffer[] {
    return this.#block === undefined ? this.#pieces : [...this.#pieces, this.#block.subarray(0, this.#filled)]
  }

  /** Frees the memory; from now on there is no copy. */
  drop(): void {
    this.#memory.give(this.#bytes)
    this.#bytes = 0
    this.#pieces = []
    this.#block = undefined
    this.#isWhole = false
  }

  #gather(chunk: Buffer): void {
    if (this.#block !== undefined && this.#filled + chunk.length > this.#block.length) this.#closeBlock()
    // The first block is only as large as the body's first piece: most bodies come in one.
    const isFirst = this.#pieces.length === 0 && this.#filled === 0
    // The first from the platform's pool: memory of its own costs a small body more than everything else about it.
    this.#block ??= isFirst ? Buffer.allocUnsafe(Math.max(chunk.length, 512)) : Buffer.allocUnsafeSlow(blockSize)
    chunk.copy(this.#block, this.#filled)
    this.#filled += chunk.length
  }

  #closeBlock(): void {
    if (this.#block === undefined) return
    this.#pieces.push(this.#block.subarray(0, this.#filled))
    this.#block = undefined
    this.#filled = 0
  }
}
