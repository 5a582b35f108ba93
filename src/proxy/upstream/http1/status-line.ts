/**
 * Looks at the status lines of answers (RFC 9112 4), of which llhttp lets through what is none: those of RTSP and ICE, and those that
 * end with two returns.
 */
export class StatusLine {
  #at: 'front' | 'line' | 'return' | 'end' = 'front'

  /** To be called for each piece before it is parsed. @returns false when it is not HTTP */
  mayBe(piece: Buffer): boolean {
    let index = 0
    if (this.#at === 'front') {
      // Empty lines in front are ignored by many, and nothing can hide in them.
      while (piece[index] === 0x0d || piece[index] === 0x0a) index++
      if (index === piece.length) return true
      this.#at = 'line'
      if (piece[index] !== 0x48) return false
    }
    if (this.#at === 'line') {
      index = piece.indexOf(0x0d, index) + 1
      if (index === 0) return true
      this.#at = 'return'
    }
    if (this.#at === 'end' || index === piece.length) return true
    this.#at = 'end'
    return piece[index] === 0x0a
  }

  /** Another answer follows. */
  startOver(): void {
    this.#at = 'front'
  }
}
