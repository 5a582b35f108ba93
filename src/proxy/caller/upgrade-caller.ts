import type { Duplex } from 'node:stream'

/** What a caller may send ahead of the 101; it should send nothing. */
const earlyBytes = 64 * 1024

/**
 * The caller's side of an upgrade while the upstream's word is awaited. The connection is read, because otherwise nobody would
 * notice that the caller has left; what it sends ahead is kept and goes on only after the 101 (RFC 9931).
 */
export class UpgradeCaller {
  readonly socket: Duplex
  readonly #chunks: Buffer[] = []
  readonly #onEnd: () => void
  #bytes = 0

  /**
   * @param head bytes that came with the request
   * @param onGone called when the caller leaves
   */
  constructor(socket: Duplex, head: Buffer, onGone: () => void) {
    this.socket = socket
    this.#onEnd = () => {
      onGone()
      // The platform has let go of the connection and would leave our side of it open for good.
      socket.destroy()
    }
    if (head.length > 0) this.#keep(head)
    socket.on('data', this.#keep)
    socket.once('end', this.#onEnd)
  }

  /** Ends the watch and hands over what was sent ahead. */
  takeOver(): Buffer {
    this.socket.off('data', this.#keep)
    this.socket.off('end', this.#onEnd)
    this.socket.pause()
    return Buffer.concat(this.#chunks)
  }

  readonly #keep = (chunk: Buffer): void => {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes > earlyBytes) this.socket.pause()
  }
}
