/** How wide the window of a stream is at first: what a caller that does not read makes the gateway hold. */
export const firstReceiveWindow = 128 * 1024

/** How much the upstream may still send, on one stream or on all together (RFC 9113 6.9). */
export class ReceiveWindow {
  readonly #widen: (bytes: number) => void
  #left: number
  #isPaused = false

  /** @param bytes how wide it is at first @param widen tells the upstream that it may send so many bytes more */
  constructor(bytes: number, widen: (bytes: number) => void) {
    this.#left = bytes
    this.#widen = widen
  }

  /** So much has come in. @returns false when it is more than was allowed */
  take(bytes: number): boolean {
    this.#left -= bytes
    return this.#left >= 0
  }

  /** Opens the window to some width once half of that is used up, so that there is not a frame for each frame. */
  open(width: number): void {
    if (this.#isPaused || this.#left > width / 2) return
    this.#widen(width - this.#left)
    this.#left = width
  }

  /** Leaves it as it is until `resume`. */
  pause(): void {
    this.#isPaused = true
  }

  resume(width: number): void {
    this.#isPaused = false
    this.open(width)
  }
}
