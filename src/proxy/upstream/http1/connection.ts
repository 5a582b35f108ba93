import type { Socket } from 'node:net'
import { errorCode } from '../../../network/error-code.ts'
import { Watchdog } from '../../message/watchdog.ts'
import type { RequestCarrier } from '../request-carrier.ts'
import type { UpstreamRequest } from '../upstream-request.ts'
import { AnswerBody } from './answer-body.ts'
import type { BodySource } from './answer-body.ts'
import { findInvalid } from './answer-head.ts'
import type { AnswerFraming, AnswerHead } from './answer-head.ts'
import { AnswerParser } from './answer-parser.ts'
import type { AnswerListener } from './answer-parser.ts'
import { readOnAfterFailedWrite } from './failed-write.ts'
import { InvalidAnswerError } from './invalid-answer-error.ts'
import { keepPiece } from './piece-memory.ts'
import { RequestWriter } from './request-writer.ts'

/** The connection after a 101, and the bytes that came right behind it. */
export interface Tunnel {
  readonly socket: Socket
  readonly head: Buffer
}

/** Who has a request answered on a connection. */
export interface ConnectionUser {
  /** Whether a 101 is wanted. */
  readonly wantsUpgrade: boolean
  /** 1xx, but not 101. */
  onInterim(head: AnswerHead): void
  /** The head of the answer, checked. */
  onAnswer(head: AnswerHead, body: AnswerBody, tunnel: Tunnel | undefined): void
  /** Something of what waits has gone out, where others on the connection go out in between. */
  onProgress(): void
  /** The connection can take more of the request again. */
  onWritable(): void
  /**
   * The connection has ended before there was an answer.
   * @param error what of the answer is not HTTP, what the platform says, or nothing where it was a clean end
   */
  onBroken(error: Error | undefined): void
  /** Request and answer are done with. The connection is closed, or has been given back. */
  onDone(): void
}

/** Whose connection it is. */
export interface ConnectionOwner {
  /**
   * Nobody uses it any more.
   * @param keepAliveS seconds for which the upstream says it keeps it
   * @returns milliseconds for which it is kept for another request; undefined when it is not
   */
  keep(connection: Connection, keepAliveS: number | undefined): number | undefined
  /** It is closed. */
  forget(connection: Connection): void
}

/** How long an answer may take to be there after the upstream has stopped reading the request. */
const lastAnswerMs = 1_000

/**
 * One connection to an upstream, on which requests are answered one at a time: never a second before the first is over, so that no
 * answer can ever be taken for that of another request (RFC 9112 9.3.2 would allow it).
 *
 * It is idle, or has a user, or is closed. The user's request is over when it has been written to its end and its answer has come
 * to its end, in whichever order.
 */
export class Connection implements RequestCarrier, AnswerListener, BodySource {
  readonly #socket: Socket
  readonly #owner: ConnectionOwner
  readonly #parser: AnswerParser
  /** Whether what comes in must be copied before it may be kept. */
  readonly #isOverwritten: boolean
  /** Ends it when it has been idle for long enough, or when no answer follows a failed write. */
  readonly #watchdog = new Watchdog(() => this.#close(this.#error))
  #isClosed = false
  #isPaused = false
  #error: Error | undefined
  // What is under way, if anything is.
  #user: ConnectionUser | undefined
  #request: RequestWriter | undefined
  #body: AnswerBody | undefined
  #upgrade: AnswerHead | undefined
  #isHead = false
  #hasReceived = false
  #isAnswered = false
  #trailers: readonly string[] = []
  /** Whether it may serve another request after this one (RFC 9112 9.3). */
  #goesOn = false
  #keepAliveS: number | undefined

  /** Takes over an established connection. @param isRead whether somebody calls `receive` with what comes in */
  constructor(socket: Socket, isRead: boolean, owner: ConnectionOwner) {
    this.#socket = socket
    this.#owner = owner
    this.#isOverwritten = isRead
    this.#parser = new AnswerParser(this)
    readOnAfterFailedWrite(socket, (error) => this.#onWriteFailed(error))
    socket.on('error', (error) => (this.#error = error))
    socket.on('end', () => this.#onEnd())
    socket.on('close', () => this.#close(this.#error))
    socket.on('drain', () => this.#user?.onWritable())
    if (!isRead) socket.on('data', this.receive)
  }

  /** Whether it can be used. An idle one may have ended without anybody having been told yet. */
  get isOpen(): boolean {
    return !this.#isClosed && !this.#socket.destroyed && !this.#socket.readableEnded
  }

  /** One request at a time. */
  get isShared(): boolean {
    return false
  }

  /** Whether anything of an answer to the request under way has come in. */
  get hasReceived(): boolean {
    return this.#hasReceived
  }

  /** Whether anything of the request under way has been written. */
  get hasWritten(): boolean {
    return this.#request?.isBegun === true
  }

  /**
   * Starts with a request, of which nothing is written yet.
   * @param head as it stands on the wire
   */
  begin(user: ConnectionUser, { method, contentLength }: UpstreamRequest, head: string): void {
    this.#request = new RequestWriter(this.#socket, head, contentLength)
    this.#watchdog.stop()
    this.#user = user
    this.#isHead = method === 'HEAD'
    this.#hasReceived = false
    this.#isAnswered = false
    this.#keepAliveS = undefined
  }

  /** Writes the head of the request, if it has not gone out yet. */
  flushHead(): void {
    this.#request?.flushHead()
  }

  /** Writes a piece of the request's body. @returns false when the connection can take no more until `onWritable` */
  write(piece: Buffer): boolean {
    return this.#request?.write(piece) ?? false
  }

  /** The request's body has come to its end. */
  end(): void {
    this.#request?.end()
    this.#finish()
  }

  /** Whether the request has been given to the connection to its end. */
  get isRequestWritten(): boolean {
    return this.#request?.isEnded === true
  }

  /** Whether the connection takes more of the request for now. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** What came in. @param bytes may be overwritten after the call */
  readonly receive = (bytes: Buffer): void => {
    // Nobody has asked for anything yet, or for anything more: what this is the answer to, nobody can tell.
    if (this.#user === undefined || this.#isAnswered || !this.hasWritten) {
      this.destroy()
      return
    }
    this.#hasReceived = true
    const stop = this.#parser.read(bytes)
    if (stop === undefined || this.#isClosed) return
    if ('malformed' in stop) this.#close(new InvalidAnswerError(stop.malformed))
    else if (this.#upgrade === undefined) this.#finishAnswer(stop.rest.length === 0)
    else this.#handOver(this.#user, this.#upgrade, Buffer.from(stop.rest))
  }

  /** For the parser. */
  onHead(head: AnswerHead, framing: AnswerFraming): 'body' | 'no_body' | 'stop' {
    const user = this.#user
    if (user === undefined) return 'stop'
    if (head.status >= 100 && head.status < 200 && head.status !== 101) {
      user.onInterim(head)
      return 'no_body'
    }
    const invalid = findInvalid(head, framing, user.wantsUpgrade)
    if (invalid !== undefined) {
      this.#close(new InvalidAnswerError(invalid))
      return 'stop'
    }
    if (head.status === 101) {
      this.#upgrade = head
      return 'no_body'
    }
    this.#watchdog.stop()
    this.#keepAliveS = framing.keepAliveS
    this.#body = new AnswerBody(this)
    user.onAnswer(head, this.#body, undefined)
    return this.#isHead ? 'no_body' : 'body'
  }

  /** For the parser. */
  onBody(piece: Buffer): void {
    this.#body?.push(this.#isOverwritten ? keepPiece(piece) : piece)
  }

  /** For the parser. What follows is done when it is through with the bytes. */
  onEnd(trailers: readonly string[], keepsAlive: boolean): void {
    this.#isAnswered = true
    this.#trailers = trailers
    this.#goesOn = keepsAlive
  }

  /** For the body. */
  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#socket.pause()
  }

  /** For the body. */
  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    this.#socket.resume()
  }

  /** Ends the connection, whatever is under way on it. */
  destroy(): void {
    this.#close(this.#error)
  }

  /** @param isClean whether nothing stood behind the answer */
  #finishAnswer(isClean: boolean): void {
    this.#goesOn &&= isClean
    const body = this.#body
    this.#body = undefined
    body?.finish(this.#trailers)
    this.#finish()
  }

  /** Is free for another request, or closed, once request and answer are over. */
  #finish(): void {
    const user = this.#user
    if (user === undefined || !this.#isAnswered || this.#request?.isEnded !== true || this.#isClosed) return
    // It speaks another protocol, until it is closed.
    if (this.#upgrade !== undefined) return
    this.#user = undefined
    this.#request = undefined
    // Whoever took the answer may have wanted a pause when the last of it was here already.
    this.resume()
    const isFree = this.#goesOn && this.isOpen && this.#socket.writableLength === 0
    const idleMs = isFree ? this.#owner.keep(this, this.#keepAliveS) : undefined
    if (idleMs === undefined) this.#close(undefined)
    else this.#watchdog.arm(idleMs)
    user.onDone()
  }

  /** The connection speaks another protocol from here on, which is between others. */
  #handOver(user: ConnectionUser, head: AnswerHead, rest: Buffer): void {
    this.#socket.off('data', this.receive)
    this.#socket.pause()
    const body = new AnswerBody(this)
    body.finish([])
    user.onAnswer(head, body, { socket: this.#socket, head: rest })
  }

  /** The upstream has ended its half, cleanly. */
  #onEnd(): void {
    if (this.#upgrade !== undefined) return
    this.#goesOn = false
    if (this.#isAnswered) return
    // A write that met a reset has taken the news of it from the reader: what looks like an end is none.
    const isReset = this.#error !== undefined && errorCode(this.#error) === 'ECONNRESET'
    if (this.#user !== undefined && !isReset && this.#parser.finish()) this.#finishAnswer(false)
    else this.#close(this.#error)
  }

  /** The upstream takes no more of the request. What it has said before can still be read. */
  #onWriteFailed(error: Error): void {
    this.#error ??= error
    this.#goesOn = false
    if (this.#user === undefined || this.#isAnswered) this.#close(error)
    else if (this.#body === undefined) this.#watchdog.arm(lastAnswerMs)
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#watchdog.stop()
    this.#parser.free()
    const user = this.#user
    const body = this.#body
    this.#user = undefined
    this.#body = undefined
    this.#owner.forget(this)
    this.#socket.destroy()
    if (body !== undefined) body.fail(error)
    else if (!this.#isAnswered) user?.onBroken(error)
    this.#request = undefined
    user?.onDone()
  }
}
