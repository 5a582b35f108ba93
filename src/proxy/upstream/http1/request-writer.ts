import type { Socket } from 'node:net'
import type { UpstreamRequest } from '../upstream-request.ts'

/**
 * Makes the head of a request as it stands on the wire (RFC 9112 2.1, 3, 5). What came from a caller has been through the parser;
 * what is our own is checked here, so that whatever a token or a configuration holds, nothing is ever split in two.
 * @returns to be sent as latin1, so that bytes over 0x7f stay what they were (RFC 9110 5.5)
 * @throws TypeError for a control byte in a field, or for what is not visible ASCII in the target
 */
export function headOf({ method, target, fields }: Pick<UpstreamRequest, 'method' | 'target' | 'fields'>): string {
  if (forbiddenInTarget.test(target)) throw new TypeError('the request target holds a byte that must not stand there')
  let head = `${method} ${target} HTTP/1.1\r\n`
  for (let index = 0; index < fields.length; index += 2) {
    const value = fields[index + 1] as string
    if (forbiddenInValue.test(value)) throw new TypeError(`the field ${fields[index]} holds a control byte`)
    head += `${fields[index]}: ${value}\r\n`
  }
  return `${head}\r\n`
}

const forbiddenInTarget = /[^\x21-\x7e]/
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/

/** Up to here a piece is written as a string. */
const smallPiece = 8 * 1024

const lastChunk = '0\r\n\r\n'

/** Writes one request: its head, and its body in the framing that the head announces (RFC 9112 6). */
export class RequestWriter {
  readonly #socket: Socket
  /** Undefined once it has been written. */
  #head: string | undefined
  readonly #isChunked: boolean
  /** Bytes of the body that are still to come, where the head announces a number. */
  #left: number
  #isEnded = false

  /**
   * Writes nothing yet.
   * @param head as `headOf` makes it
   * @param contentLength what it announces: bytes, or undefined for chunks
   */
  constructor(socket: Socket, head: string, contentLength: number | undefined) {
    this.#socket = socket
    this.#head = head
    this.#isChunked = contentLength === undefined
    this.#left = contentLength ?? 0
  }

  /** Whether anything of it has been given to the connection. */
  get isBegun(): boolean {
    return this.#head === undefined
  }

  /** Whether all of it has been given to the connection. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Writes the head, unless it has gone out: for a caller that thinks before its body. */
  flushHead(): void {
    this.#writeText('')
  }

  /** @returns false when the connection can take no more for now */
  write(piece: Buffer): boolean {
    // A chunk of no length would be the last (RFC 9112 7.1).
    if (piece.length === 0) return !this.#socket.writableNeedDrain
    if (!this.#isChunked && piece.length > this.#left) {
      this.#socket.destroy()
      return false
    }
    this.#left -= piece.length
    // Head, size and piece leave in one system call; what is small as one string, which costs less than several buffers.
    if (piece.length <= smallPiece) {
      const text = piece.toString('latin1')
      this.#writeText(this.#isChunked ? `${piece.length.toString(16)}\r\n${text}\r\n` : text)
    } else {
      this.#socket.cork()
      this.#writeText(this.#isChunked ? `${piece.length.toString(16)}\r\n` : '')
      this.#socket.write(piece)
      if (this.#isChunked) this.#socket.write('\r\n', 'latin1')
      this.#socket.uncork()
    }
    return !this.#socket.writableNeedDrain
  }

  /** That was the body. */
  end(): void {
    this.#isEnded = true
    if (this.#isChunked) this.#writeText(lastChunk)
    // More or fewer bytes than announced would be read as another request: the parser sees to it, and this makes sure.
    else if (this.#left > 0) this.#socket.destroy()
    else this.flushHead()
  }

  /** Writes the head, unless it has gone out, and some text in one piece. */
  #writeText(text: string): void {
    const whole = this.#head === undefined ? text : `${this.#head}${text}`
    this.#head = undefined
    if (whole !== '') this.#socket.write(whole, 'latin1')
  }
}
