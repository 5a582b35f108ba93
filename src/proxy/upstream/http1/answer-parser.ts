import { trimOws } from '../../message/fields.ts'
import { framingOf } from './answer-head.ts'
import type { AnswerFraming, AnswerHead } from './answer-head.ts'
import { largestPiece, llhttp, resultCode } from './llhttp.ts'
import type { ParserEvents } from './llhttp.ts'
import { StatusLine } from './status-line.ts'

/** Who is told what an answer consists of. */
export interface AnswerListener {
  /**
   * A head is there: of an interim answer (RFC 9110 15.2), or of the final one.
   * @returns whether a body may follow: after HEAD there is none, whatever the fields say (RFC 9112 6.3, rule 1). `stop` when
   * nothing that follows is of interest
   */
  onHead(head: AnswerHead, framing: AnswerFraming): 'body' | 'no_body' | 'stop'
  /** @param piece is overwritten after the call */
  onBody(piece: Buffer): void
  /**
   * The answer is whole.
   * @param trailers name, value, name, value, ...
   * @param keepsAlive whether the upstream will take another request on this connection (RFC 9112 9.3)
   */
  onEnd(trailers: readonly string[], keepsAlive: boolean): void
}

/** Why the parser reads no further. */
export type ParserStop =
  /** It is not HTTP: llhttp's name for what is wrong. */
  | { readonly malformed: string }
  /** The answer has ended, or the listener said `stop`: what stands behind that. */
  | { readonly rest: Buffer }

/**
 * The largest head of an answer, and all of its trailers: larger than a request's, because it is the provider's business how large
 * its cookies are.
 */
const largestHeadBytes = 64 * 1024

/** What a field takes up beside its name and value: colon, space and line break. */
const fieldOverhead = 4

/** How much of a piece is made a string at once, to cut names and values out of; heads are seldom longer. */
const textBytes = 4_096

const nothing = Buffer.alloc(0)

/** Reads the answers on one connection, one at a time. Heads and chunks are llhttp's; a body of known length is only counted. */
export class AnswerParser implements ParserEvents {
  readonly #listener: AnswerListener
  readonly #parser = llhttp.alloc()
  readonly #statusLine = new StatusLine()
  #isRunning = false
  #isFreed = false
  #piece: Buffer = nothing
  #text = ''
  #reason = ''
  #fields: string[] = []
  #last: 'name' | 'value' = 'value'
  #headBytes = 0
  #isTooLarge = false
  #isInterim = false
  /** It has stopped behind an interim answer, to go on from there. */
  #isBetween = false
  #isInBody = false
  /** Bytes of the body that have not come yet, where Content-Length says so. */
  #left = 0

  constructor(listener: AnswerListener) {
    this.#listener = listener
  }

  /**
   * Reads what has come in.
   * @returns why it has stopped; undefined when it wants more
   */
  read(bytes: Buffer): ParserStop | undefined {
    for (let rest = bytes; ;) {
      const piece = rest.length > largestPiece ? rest.subarray(0, largestPiece) : rest
      const at = this.#isInBody && this.#left > 0 ? this.#count(piece) : this.#parse(piece)
      if (typeof at === 'string') return { malformed: at }
      if (at === undefined && piece.length === rest.length) return undefined
      rest = rest.subarray(at ?? largestPiece)
      if (at !== undefined && !this.#isBetween) return { rest }
      this.#isBetween = false
    }
  }

  /**
   * The upstream has ended the connection cleanly, which is the end of a body that nothing else delimits (RFC 9112 6.3, rule 8).
   * @returns whether it was one
   */
  finish(): boolean {
    const isEnd = this.#isInBody && this.#left === 0 && llhttp.needsEnd(this.#parser)
    if (isEnd) this.#end()
    return isEnd
  }

  /** To be called once, when the connection is closed. */
  free(): void {
    if (this.#isFreed) return
    this.#isFreed = true
    if (!this.#isRunning) llhttp.free(this.#parser)
  }

  /** @returns where the answer ended, or what is wrong with it */
  #parse(piece: Buffer): number | string | undefined {
    if (!this.#statusLine.mayBe(piece)) return 'HPE_INVALID_CONSTANT'
    this.#piece = piece
    this.#text = ''
    this.#isRunning = true
    let code: number
    try {
      code = llhttp.execute(this.#parser, piece, this)
    } finally {
      this.#isRunning = false
      this.#piece = nothing
    }
    if (this.#isFreed) {
      llhttp.free(this.#parser)
      return piece.length
    }
    if (code === resultCode.ok) return undefined
    if (code !== resultCode.paused && code !== resultCode.pausedForUpgrade)
      return this.#isTooLarge ? 'HPE_HEADER_OVERFLOW' : llhttp.nameOf(code)
    const at = llhttp.stoppedAt(this.#parser)
    llhttp.reset(this.#parser)
    return at
  }

  #count(piece: Buffer): number | undefined {
    const body = piece.length > this.#left ? piece.subarray(0, this.#left) : piece
    this.#left -= body.length
    this.#listener.onBody(body)
    if (this.#left > 0 || this.#isFreed) return undefined
    this.#end()
    if (!this.#isFreed) llhttp.reset(this.#parser)
    return body.length
  }

  #end(): void {
    const trailers = this.#takeFields()
    const keepsAlive = llhttp.keepsAlive(this.#parser)
    this.#startOver()
    this.#listener.onEnd(trailers, keepsAlive)
  }

  #startOver(): void {
    this.#statusLine.startOver()
    this.#reason = ''
    this.#fields = []
    this.#last = 'value'
    this.#headBytes = 0
    this.#isInBody = false
    this.#left = 0
  }

  onReason(start: number, end: number): number {
    this.#reason += this.#cut(start, end)
    return this.#grow(end - start)
  }

  onFieldName(start: number, end: number): number {
    const text = this.#cut(start, end)
    // A name or a value that stands at the border of two pieces comes in two.
    if (this.#last === 'name') this.#append(text)
    else this.#fields.push(text)
    this.#last = 'name'
    return this.#grow(end - start)
  }

  onFieldValue(start: number, end: number): number {
    const text = this.#cut(start, end)
    const isNew = this.#last === 'name'
    if (isNew) this.#fields.push(text)
    else this.#append(text)
    this.#last = 'value'
    return this.#grow(end - start + (isNew ? fieldOverhead : 0))
  }

  onHeadersComplete(status: number): number {
    const head = { status, reason: this.#reason, version: llhttp.version(this.#parser), fields: this.#takeFields() }
    const framing = framingOf(head)
    this.#isInterim = status >= 100 && status < 200 && status !== 101
    const follows = this.#listener.onHead(head, framing)
    if (follows === 'stop') return resultCode.paused
    if (this.#isInterim || follows === 'no_body') return resultCode.skipBody
    this.#isInBody = true
    if (framing.codings.length === 0) this.#left = framing.contentLength ?? 0
    return resultCode.ok
  }

  onBody(start: number, end: number): number {
    if (this.#left > 0) this.#left -= end - start
    this.#listener.onBody(this.#piece.subarray(start, end))
    return resultCode.ok
  }

  onMessageComplete(): number {
    if (this.#isInterim) {
      this.#isInterim = false
      this.#startOver()
      // Behind one with `close` llhttp would read no further, but only the final answer has the last word on that (RFC 9112 9.6).
      this.#isBetween = !this.#isFreed
      return resultCode.paused
    }
    this.#end()
    // What stands behind the answer belongs to nobody.
    return resultCode.paused
  }

  /** The string of some bytes of a head. */
  #cut(start: number, end: number): string {
    if (end > textBytes) return this.#piece.toString('latin1', start, end)
    if (this.#text === '') this.#text = this.#piece.toString('latin1', 0, textBytes)
    return this.#text.slice(start, end)
  }

  #append(text: string): void {
    if (text !== '') this.#fields.push(`${this.#fields.pop() ?? ''}${text}`)
  }

  #grow(bytes: number): number {
    this.#headBytes += bytes
    this.#isTooLarge = this.#headBytes > largestHeadBytes
    return this.#isTooLarge ? resultCode.failed : resultCode.ok
  }

  /** From here on fields are trailers, which have a limit of their own. */
  #takeFields(): string[] {
    const fields = this.#fields
    this.#fields = []
    this.#last = 'value'
    this.#headBytes = 0
    for (let index = 1; index < fields.length; index += 2) {
      const value = fields[index] as string
      if (value.endsWith(' ') || value.endsWith('\t')) fields[index] = trimOws(value)
    }
    return fields
  }
}
