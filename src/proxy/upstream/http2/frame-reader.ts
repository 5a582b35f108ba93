import { flag, frameType, largestFrame } from './frames.ts'
import { Http2Error } from './http2-error.ts'

/** Who is told what comes in on a connection. Bytes are overwritten after each call. */
export interface FrameListener {
  /** A frame of a body begins. @param length of all of it, padding included, which is what the windows count (RFC 9113 6.9.1) */
  onData(stream: number, length: number): void
  /** A piece of that body, without padding. */
  onDataPiece(stream: number, piece: Buffer): void
  /** The frame of a body is over. */
  onDataEnd(stream: number, isEnd: boolean): void
  /** A whole block of fields. @param isEnd whether nothing follows on the stream */
  onHeaders(stream: number, block: Buffer, isEnd: boolean): void
  /** Any other frame, but none of HEADERS, CONTINUATION and DATA. */
  onFrame(type: number, flags: number, stream: number, payload: Buffer): void
}

/** The largest block of fields, as it comes: decoded it is larger, and that has a limit of its own. */
const largestBlock = 64 * 1024

/** So many frames may carry one block: full ones would be four. */
const mostContinuations = 64

const headBytes = 9

/**
 * Cuts what comes in on a connection into frames (RFC 9113 4.1), wherever the pieces end. Bodies go on as they come; other frames
 * are kept until they are whole, and blocks of fields are put together, within limits.
 */
export class FrameReader {
  readonly #listener: FrameListener
  #isStopped = false
  /** A head or a payload of which not everything has come. */
  readonly #kept = Buffer.allocUnsafeSlow(largestFrame)
  #keptBytes = 0
  /** Where in the piece that is being read the last gathering has ended. */
  #gatheredTo = 0
  // The frame under way.
  #isInFrame = false
  #type = 0
  #flags = 0
  #stream = 0
  /** Bytes of its payload that are still to come; of a body without the padding. */
  #left = 0
  #padding = 0
  #isPaddingKnown = true
  // The block of fields under way.
  #blockStream = 0
  #block: Buffer[] = []
  #blockBytes = 0
  #isBlockEnd = false

  constructor(listener: FrameListener) {
    this.#listener = listener
  }

  /** Reads no further, also of the piece that is being read. */
  stop(): void {
    this.#isStopped = true
  }

  /** Reads what has come in. @throws Http2Error or CompressionError, after which the connection is of no use */
  read(bytes: Buffer): void {
    let at = 0
    while (!this.#isStopped) {
      if (!this.#isInFrame) {
        const head = this.#gather(bytes, at, headBytes)
        at = this.#gatheredTo
        if (head === undefined) return
        this.#begin(head)
      } else if (this.#type === frameType.data) {
        if (at === bytes.length && this.#left + this.#padding > 0) return
        at = this.#readData(bytes, at)
      } else {
        const payload = this.#gather(bytes, at, this.#left)
        at = this.#gatheredTo
        if (payload === undefined) return
        this.#isInFrame = false
        this.#dispatch(payload)
      }
    }
  }

  /** So many bytes in one piece, once all of them are there. */
  #gather(bytes: Buffer, at: number, length: number): Buffer | undefined {
    const missing = length - this.#keptBytes
    if (this.#keptBytes === 0 && bytes.length - at >= length) {
      this.#gatheredTo = at + length
      return bytes.subarray(at, at + length)
    }
    const copied = bytes.copy(this.#kept, this.#keptBytes, at, Math.min(at + missing, bytes.length))
    this.#keptBytes += copied
    this.#gatheredTo = at + copied
    if (copied < missing) return undefined
    this.#keptBytes = 0
    return this.#kept.subarray(0, length)
  }

  #begin(head: Buffer): void {
    const length = head.readUIntBE(0, 3)
    this.#type = head[3] as number
    this.#flags = head[4] as number
    this.#stream = head.readUInt32BE(5) & 0x7fffffff
    if (length > largestFrame) throw new Http2Error('FRAME_SIZE_ERROR', `a frame has ${length} bytes`)
    if (this.#blockStream !== 0 && (this.#type !== frameType.continuation || this.#stream !== this.#blockStream))
      throw new Http2Error('PROTOCOL_ERROR', 'a block of fields is interrupted')
    this.#isInFrame = true
    this.#left = length
    this.#padding = 0
    if (this.#type !== frameType.data) return
    if (this.#stream === 0) throw new Http2Error('PROTOCOL_ERROR', 'DATA stands on no stream')
    this.#isPaddingKnown = (this.#flags & flag.padded) === 0
    if (!this.#isPaddingKnown && length === 0) throw new Http2Error('FRAME_SIZE_ERROR', 'DATA is too short for its padding')
    this.#listener.onData(this.#stream, length)
  }

  /** @returns up to where the piece was read */
  #readData(bytes: Buffer, start: number): number {
    let at = start
    if (!this.#isPaddingKnown) {
      this.#padding = bytes[at++] as number
      this.#left -= 1 + this.#padding
      if (this.#left < 0) throw new Http2Error('PROTOCOL_ERROR', 'the padding of DATA is longer than the frame')
      this.#isPaddingKnown = true
    }
    const end = Math.min(at + this.#left, bytes.length)
    if (end > at) {
      this.#left -= end - at
      this.#listener.onDataPiece(this.#stream, bytes.subarray(at, end))
      at = end
    }
    if (this.#left === 0 && this.#padding > 0) {
      const skipped = Math.min(this.#padding, bytes.length - at)
      this.#padding -= skipped
      at += skipped
    }
    if (this.#left + this.#padding === 0) {
      this.#isInFrame = false
      if (!this.#isStopped) this.#listener.onDataEnd(this.#stream, (this.#flags & flag.endStream) !== 0)
    }
    return at
  }

  #dispatch(payload: Buffer): void {
    const type = this.#type
    if (type === frameType.headers) this.#beginBlock(payload)
    else if (type !== frameType.continuation) this.#listener.onFrame(type, this.#flags, this.#stream, payload)
    else if (this.#blockStream === 0) throw new Http2Error('PROTOCOL_ERROR', 'CONTINUATION continues nothing')
    else this.#addToBlock(payload)
  }

  /** RFC 9113 6.2. */
  #beginBlock(payload: Buffer): void {
    if (this.#stream === 0) throw new Http2Error('PROTOCOL_ERROR', 'HEADERS stands on no stream')
    const isPadded = (this.#flags & flag.padded) !== 0
    const start = (isPadded ? 1 : 0) + ((this.#flags & flag.priority) === 0 ? 0 : 5)
    if (payload.length < start) throw new Http2Error('FRAME_SIZE_ERROR', 'HEADERS is too short')
    const end = payload.length - (isPadded ? (payload[0] as number) : 0)
    if (end < start) throw new Http2Error('PROTOCOL_ERROR', 'the padding of HEADERS is longer than the frame')
    this.#blockStream = this.#stream
    this.#isBlockEnd = (this.#flags & flag.endStream) !== 0
    this.#addToBlock(payload.subarray(start, end))
  }

  #addToBlock(part: Buffer): void {
    const isWhole = (this.#flags & flag.endHeaders) !== 0
    if (isWhole && this.#block.length === 0) {
      this.#endBlock(part)
      return
    }
    this.#blockBytes += part.length
    if (this.#blockBytes > largestBlock || this.#block.length > mostContinuations)
      throw new Http2Error('ENHANCE_YOUR_CALM', 'a block of fields has no end')
    this.#block.push(isWhole ? part : Buffer.from(part))
    if (isWhole) this.#endBlock(Buffer.concat(this.#block))
  }

  #endBlock(block: Buffer): void {
    const stream = this.#blockStream
    this.#blockStream = 0
    this.#block = []
    this.#blockBytes = 0
    this.#listener.onHeaders(stream, block, this.#isBlockEnd)
  }
}
