import { largestWindow } from './frames.ts'

/** The body of one request on its way out: what waits for a window, and what may still come. */
export class OutgoingBody {
  /** What the upstream will take of it for now (RFC 9113 6.9); below 0 where it has thought better of it. */
  window: number
  /** Bytes that are still to come; undefined where nobody has said how many. */
  #left: number | undefined
  #pieces: Buffer[] = []
  #isEnded = false
  #isEndSent = false

  /** @param left what Content-Length says; undefined where there is none */
  constructor(left: number | undefined, window: number) {
    this.#left = left
    this.window = window
  }

  /** Whether something waits. */
  get isWaiting(): boolean {
    return this.#pieces.length > 0
  }

  /** Whether all of it has been sent, and its end. */
  get isEndSent(): boolean {
    return this.#isEndSent
  }

  /** Whether nothing is left to send but the end. */
  get isEndDue(): boolean {
    return this.#isEnded && !this.#isEndSent && this.#pieces.length === 0
  }

  /** @returns false for a piece beyond the announced length */
  add(piece: Buffer): boolean {
    if (this.#isEnded) return false
    if (this.#left !== undefined) {
      if (piece.length > this.#left) return false
      this.#left -= piece.length
    }
    this.#pieces.push(piece)
    return true
  }

  /** That was all. @returns false when it was less than announced */
  end(): boolean {
    if (this.#left !== undefined && this.#left > 0) return false
    this.#isEnded = true
    return true
  }

  /** Takes a piece to be sent. @returns undefined when nothing waits, or the window is closed */
  take(mostBytes: number): Buffer | undefined {
    const [piece] = this.#pieces
    const bytes = Math.min(mostBytes, this.window)
    if (piece === undefined || bytes <= 0) return undefined
    if (piece.length > bytes) this.#pieces[0] = piece.subarray(bytes)
    else this.#pieces.shift()
    const taken = piece.subarray(0, bytes)
    this.window -= taken.length
    return taken
  }

  /** Takes note that the end has been sent. */
  noteEnd(): void {
    this.#isEndSent = true
  }

  /** Nobody wants what waits any more. */
  drop(): void {
    this.#pieces = []
  }

  /** @returns false for a window that no number can say (RFC 9113 6.9.1) */
  widen(bytes: number): boolean {
    this.window += bytes
    return this.window <= largestWindow
  }
}
