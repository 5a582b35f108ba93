import { AnswerBody } from '../http1/answer-body.ts'
import type { BodySource } from '../http1/answer-body.ts'
import type { ConnectionUser } from '../http1/connection.ts'
import { InvalidAnswerError } from '../http1/invalid-answer-error.ts'
import type { RequestCarrier } from '../request-carrier.ts'
import type { UpstreamRequest } from '../upstream-request.ts'
import { announcedLength, answerHead, malformedFields } from './answer-fields.ts'
import type { BodySender } from './frame-writer.ts'
import type { ErrorName } from './http2-error.ts'
import { nameOfCode, RequestEndedError } from './http2-error.ts'
import { OutgoingBody } from './outgoing-body.ts'
import { firstReceiveWindow, ReceiveWindow } from './receive-window.ts'
import { requestFields } from './request-fields.ts'
import type { StreamHost } from './stream-host.ts'

/**
 * One request and its answer on a connection of HTTP/2 (RFC 9113 5.1). It is over when both have come to their end, in whichever
 * order, or when either side resets it; the connection goes on.
 */
export class Http2Stream implements RequestCarrier, BodySource, BodySender {
  readonly #host: StreamHost<Http2Stream>
  #user: ConnectionUser | undefined
  #fields: readonly string[] = []
  #isHead = false
  /** 0 until its head has been sent. */
  id = 0
  outgoing: OutgoingBody
  #receivedBefore = 0
  #isClosed = false
  // The answer.
  readonly #window: ReceiveWindow
  #body: AnswerBody | undefined
  #hasHead = false
  #isAnswered = false
  #mayHaveBody = true
  /** Bytes of the body that have not come yet, where Content-Length says so. */
  #left: number | undefined

  constructor(host: StreamHost<Http2Stream>) {
    this.#host = host
    this.outgoing = new OutgoingBody(0, 0)
    this.#window = new ReceiveWindow(firstReceiveWindow, (bytes) => host.widen(this.id, bytes))
  }

  /** For whoever ends the request early: others go on. */
  readonly isShared = true

  get hasReceived(): boolean {
    return this.#host.bytesReceived !== this.#receivedBefore
  }

  get hasWritten(): boolean {
    return this.id !== 0
  }

  get isRequestWritten(): boolean {
    return this.outgoing.isEndSent
  }

  get isFull(): boolean {
    return this.outgoing.isWaiting || this.#host.isFull
  }

  begin(user: ConnectionUser, request: UpstreamRequest): void {
    this.#user = user
    this.#fields = requestFields(request)
    this.#isHead = request.method === 'HEAD'
    this.#receivedBefore = this.#host.bytesReceived
    this.outgoing = new OutgoingBody(request.contentLength, this.#host.sendWindow)
    if (this.#host.isFull) this.#host.wait(this)
  }

  flushHead(): void {
    this.#open(false)
  }

  write(piece: Buffer): boolean {
    if (this.#isClosed) return false
    if (piece.length > 0) {
      if (!this.outgoing.add(piece)) {
        this.destroy()
        return false
      }
      this.#open(false)
      this.#host.send(this)
    }
    return !this.isFull
  }

  end(): void {
    if (this.#isClosed) return
    // Fewer bytes than announced: the parser sees to it, and this makes sure.
    if (!this.outgoing.end()) this.destroy()
    else if (this.id === 0) {
      this.outgoing.noteEnd()
      this.#open(true)
    } else this.#host.send(this)
  }

  /** Ends the request and its answer. @param isSuspect whether the connection has kept somebody waiting for too long */
  destroy(isSuspect = false): void {
    if (this.#isClosed) return
    this.#host.reset(this, 'CANCEL')
    if (isSuspect) this.#host.drain()
    this.fail(undefined)
  }

  /** For the body: what comes from now on is not made room for. */
  pause(): void {
    this.#window.pause()
  }

  /** For the body. */
  resume(): void {
    if (!this.#isClosed && !this.#isAnswered) this.#window.resume(this.#host.receiveWindow)
  }

  /** For the writer. */
  onSent(): void {
    this.#user?.onProgress()
  }

  /** For the writer. */
  onWritable(): void {
    this.#user?.onWritable()
  }

  /** For the writer. */
  onEndSent(): void {
    this.#finish()
  }

  /** For the connection: a block of fields. @param isTooLarge whether some of them are missing */
  onFields(fields: readonly string[], isTooLarge: boolean, isEnd: boolean): void {
    if (isTooLarge) this.#refuse('its fields take up more than 64 KiB')
    else if (this.#isAnswered) this.#refuse('fields follow behind its end')
    else if (this.#hasHead) this.#onTrailers(fields, isEnd)
    else this.#onHead(fields, isEnd)
  }

  /** For the connection: a frame of the body. @param length with its padding */
  onData(length: number): void {
    if (!this.#window.take(length)) this.#refuse('its body is larger than the window', 'FLOW_CONTROL_ERROR')
    else if (!this.#hasHead) this.#refuse('its body comes before its head')
    else if (this.#isAnswered) this.#refuse('its body goes on behind its end')
  }

  /** For the connection. @param piece is overwritten after the call */
  onDataPiece(piece: Buffer): void {
    if (this.#isClosed) return
    if (!this.#mayHaveBody) this.#refuse('it has a body, which it must not have')
    else if (this.#left !== undefined && piece.length > this.#left) this.#refuse('its body is longer than its Content-Length')
    else {
      if (this.#left !== undefined) this.#left -= piece.length
      this.#body?.push(Buffer.from(piece))
    }
  }

  /** For the connection: a frame of the body is over. */
  onDataEnd(isEnd: boolean): void {
    if (this.#isClosed) return
    if (isEnd) this.#onEnd([])
    else this.#window.open(this.#host.receiveWindow)
  }

  /** For the connection: the upstream has ended the stream. */
  onReset(code: number): void {
    const name = nameOfCode(code)
    // The answer is whole; only the rest of the request is not wanted (RFC 9113 8.1).
    if (this.#isAnswered) this.fail(undefined)
    else if (name === 'REFUSED_STREAM' && !this.#hasHead) {
      this.#host.drain()
      this.fail(new RequestEndedError(name, true))
    } else this.fail(new RequestEndedError(name, false))
  }

  /** It is over, whatever was under way. @param error why, where that is known */
  fail(error: Error | undefined): void {
    if (this.#isClosed) return
    const body = this.#body
    const user = this.#close()
    if (body !== undefined) body.fail(error)
    else if (!this.#isAnswered) user?.onBroken(error)
    user?.onDone()
  }

  #open(isEnd: boolean): void {
    if (this.id !== 0 || this.#isClosed) return
    this.id = this.#host.open(this, this.#fields, isEnd)
    // The head itself may have been what was too much for the connection.
    if (this.#host.isFull) this.#host.wait(this)
  }

  #onHead(fields: readonly string[], isEnd: boolean): void {
    const head = answerHead(fields)
    if ('malformed' in head) {
      this.#refuse(head.malformed)
      return
    }
    if (head.status < 200) {
      if (isEnd) this.#refuse('it ends with an interim answer')
      else this.#user?.onInterim(head)
      return
    }
    const length = announcedLength(head.fields)
    if (typeof length === 'object') {
      this.#refuse(length.malformed)
      return
    }
    // RFC 9110 6.4.1.
    this.#mayHaveBody = !this.#isHead && head.status !== 204 && head.status !== 304
    if (this.#mayHaveBody) this.#left = length
    this.#hasHead = true
    this.#body = new AnswerBody(this)
    this.#user?.onAnswer(head, this.#body, undefined)
    if (isEnd && !this.#isClosed) this.#onEnd([])
  }

  #onTrailers(fields: readonly string[], isEnd: boolean): void {
    const malformed = isEnd ? malformedFields(fields) : 'fields stand within its body'
    if (malformed === undefined) this.#onEnd(fields)
    else this.#refuse(malformed)
  }

  #onEnd(trailers: readonly string[]): void {
    if (this.#left !== undefined && this.#left > 0) {
      this.#refuse('its body is shorter than its Content-Length')
      return
    }
    const body = this.#body
    this.#body = undefined
    this.#isAnswered = true
    body?.finish(trailers)
    this.#finish()
  }

  /** Is over once the request, too, has come to its end. */
  #finish(): void {
    if (!this.#isAnswered || !this.outgoing.isEndSent || this.#isClosed) return
    this.#close()?.onDone()
  }

  /** The answer is none (RFC 9113 8.1.1). */
  #refuse(malformed: string, code: ErrorName = 'PROTOCOL_ERROR'): void {
    if (this.#isClosed) return
    this.#host.reset(this, code)
    this.fail(new InvalidAnswerError(malformed))
  }

  #close(): ConnectionUser | undefined {
    this.#isClosed = true
    const user = this.#user
    this.#user = undefined
    this.#body = undefined
    this.#host.leave(this)
    return user
  }
}
