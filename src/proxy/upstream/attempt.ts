import { request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { GatewayError } from '../errors/gateway-error.ts'
import type { BodySink } from '../request/request-body.ts'
import type { UpstreamRequest } from './upstream-request.ts'
import { Watchdog } from '../message/watchdog.ts'
import type { Answer } from './answer.ts'
import { findInvalid } from './answer-check.ts'
import type { Upstream } from './upstream.ts'
import { gatewayErrorOf, UpstreamError } from './upstream-error.ts'

/** What is told while an answer is awaited. */
export interface AttemptEvents {
  /** 100: the upstream wants the body. */
  readonly onContinue?: () => void
  /** 102 or 103 (RFC 9110 15.2, RFC 8297). */
  readonly onInformation?: (status: number, reason: string, fields: readonly string[]) => void
}

/** The largest answer head: larger than a request's, because it is the provider's business how large its cookies are. */
const largestHeadBytes = 64 * 1024

const nothing = Buffer.alloc(0)

/** A small rest of an answer that nobody wants is read, which is cheaper than a new connection. */
const drainedBytes = 64 * 1024
const drainMs = 1_000

/**
 * One attempt to have a request answered by an upstream. Streams the body, watches the time, checks the answer's head. A failure
 * after the head is not an error of the attempt any more: whoever reads the body sees that it did not come to its end.
 */
export class Attempt implements BodySink {
  readonly #upstream: Upstream
  readonly #events: AttemptEvents
  readonly #watchdog: Watchdog
  readonly #request: ClientRequest
  #settle!: { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  #hasAnswer = false
  #isEnded = false
  #isTunnel = false
  #isConnected = false
  /** Bytes of the connection before this request, to tell whether anything of it went out, or of an answer came in. */
  #writtenBefore = 0
  #readBefore = 0
  #error: GatewayError | undefined
  onDrain: (() => void) | undefined
  /** The head of the answer. Rejects with UpstreamError. */
  readonly answer: Promise<Answer>

  /**
   * Sends the head. Needs a slot of the upstream, and gives it back when its connection is free.
   * @param upgrade whether a 101 is wanted
   * @param isFresh never on a connection that was used before
   */
  constructor(upstream: Upstream, request: UpstreamRequest, events: AttemptEvents, { upgrade = false, isFresh = false } = {}) {
    this.#upstream = upstream
    this.#events = events
    this.#watchdog = new Watchdog(() => this.#onTimeout())
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // An attempt that is given up may fail without anybody waiting for it.
    this.answer.catch(() => {})
    this.#request = this.#send(request, upgrade, isFresh)
    this.#flushHeadSoon()
  }

  write(chunk: Buffer): boolean {
    const isRoom = this.#request.write(chunk)
    // While the upstream takes nothing, it must be given a limit of its own.
    if (!isRoom && !this.#hasAnswer && this.#isConnected) this.#watchdog.arm(this.#upstream.timeouts.idle)
    return isRoom
  }

  end(): void {
    this.#isEnded = true
    this.#request.end()
  }

  /**
   * Gives up: the upstream sees its connection closed, never a complete-looking cut body.
   * @param error why, for whoever waits for the answer
   */
  abort(error: Error): void {
    this.#watchdog.stop()
    this.#request.destroy()
    this.#settle.reject(error)
  }

  #send({ method, target, fields }: UpstreamRequest, upgrade: boolean, isFresh: boolean): ClientRequest {
    const { hostname, port, isTls, isTunnelled, agent, freshAgent, slots, timeouts } = this.#upstream
    const request = (isTls ? httpsRequest : httpRequest)({
      host: hostname,
      port,
      method,
      path: target,
      headers: fields,
      agent: isFresh ? freshAgent : agent,
      maxHeaderSize: largestHeadBytes,
      setHost: false,
    })
    // The platform says `close` before it gives the connection back to the agent; the next request shall find it there.
    request.on('close', () => {
      if (!this.#isTunnel) process.nextTick(() => slots.give())
    })
    request.on('error', (error) => this.#onError(error))
    request.on('drain', () => {
      if (!this.#hasAnswer) this.#watchdog.stop()
      this.onDrain?.()
    })
    request.on('finish', () => {
      if (!this.#hasAnswer && this.#isConnected) this.#watchdog.arm(timeouts.response)
    })
    request.on('continue', () => this.#events.onContinue?.())
    request.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
      if (statusCode === 101) this.#abortInvalid('it is an upgrade that nobody asked for')
      else if (statusCode === 102 || statusCode === 103) this.#events.onInformation?.(statusCode, statusMessage, rawHeaders)
    })
    request.on('response', (message) => this.#onAnswer(message, undefined))
    request.on('upgrade', (message, socket, head) => {
      // The platform considers the request closed now, but its connection goes on.
      this.#isTunnel = true
      socket.on('close', () => slots.give())
      if (upgrade) this.#onAnswer(message, { socket, head })
      else this.#abortInvalid('it is an upgrade that nobody asked for')
      if (this.#error !== undefined) socket.destroy()
    })
    request.on('socket', (socket) => {
      const isReady = isTunnelled || (!socket.connecting && (!isTls || (socket as TLSSocket).encrypted) && request.reusedSocket)
      if (isReady) {
        this.#writtenBefore = socket.bytesWritten
        this.#readBefore = socket.bytesRead
        this.#onConnected()
      } else {
        this.#watchdog.arm(timeouts.connect)
        socket.once(isTls ? 'secureConnect' : 'connect', () => this.#onConnected())
      }
    })
    return request
  }

  /**
   * The platform sends the head with the first piece of the body. A caller that thinks before its body must not keep the head
   * from the upstream. (`flushHeaders` would turn bytes over 0x7f in fields into UTF-8; an empty Buffer does not.)
   */
  #flushHeadSoon(): void {
    const request = this.#request
    setImmediate(() => {
      if (!request.destroyed && !request.headersSent && !this.#isEnded) request.write(nothing)
    })
  }

  /** For people. */
  get #place(): string {
    return `${this.#upstream.hostname}:${this.#upstream.port}`
  }

  #onConnected(): void {
    this.#isConnected = true
    if (this.#hasAnswer) return
    if (this.#isEnded) this.#watchdog.arm(this.#upstream.timeouts.response)
    else this.#watchdog.stop()
  }

  #onAnswer(message: IncomingMessage, tunnel: Answer['tunnel']): void {
    const invalid = findInvalid(message, tunnel !== undefined)
    if (invalid !== undefined) {
      this.#abortInvalid(invalid)
      return
    }
    this.#hasAnswer = true
    this.#watchdog.stop()
    const connection = message.socket
    this.#settle.resolve({
      status: message.statusCode ?? 0,
      reason: message.statusMessage ?? '',
      fields: message.rawHeaders,
      body: message,
      isWhole: () => isWhole(message, connection),
      release: () => this.#release(message),
      tunnel,
      upstream: this.#upstream,
    })
  }

  /**
   * An answer that was not read to its end, or whose request was not sent to its end, leaves a connection that nobody can use.
   */
  #release(message: IncomingMessage): void {
    const request = this.#request
    // `complete` would say that it is parsed; a held answer is parsed and not read.
    if (message.readableEnded && request.writableFinished) return
    let left = drainedBytes
    const giveUp = (): void => void request.destroy()
    if (!request.writableFinished) {
      giveUp()
      return
    }
    message.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) giveUp()
    })
    const timer = setTimeout(giveUp, drainMs)
    message.on('close', () => clearTimeout(timer))
    message.on('error', () => {})
    message.resume()
  }

  #abortInvalid(what: string): void {
    this.#error = new GatewayError('upstream_invalid', `the answer of ${this.#place} is not valid HTTP: ${what}`)
    this.#request.destroy()
    this.#fail(this.#error)
  }

  #onTimeout(): void {
    const { connect, response } = this.#upstream.timeouts
    this.#error = !this.#isConnected
      ? new GatewayError('upstream_timeout', `no connection to ${this.#place} within ${connect} ms`, {
          proxyStatus: 'connection_timeout',
        })
      : new GatewayError('upstream_timeout', `${this.#place} did not answer within ${response} ms`)
    this.#request.destroy()
    this.#fail(this.#error)
  }

  #onError(error: Error & { readonly code?: string }): void {
    // An error after an answer is not an error (design: an early answer may be followed by a reset).
    if (this.#hasAnswer) return
    // A connection from the pool may break before it is handed over: there was one all the same.
    const wasConnected = this.#isConnected || this.#request.reusedSocket
    this.#fail(this.#error ?? gatewayErrorOf(error, wasConnected, this.#place))
  }

  #fail(error: GatewayError): void {
    this.#watchdog.stop()
    const written = (this.#request.socket?.bytesWritten ?? 0) - this.#writtenBefore
    const read = (this.#request.socket?.bytesRead ?? 0) - this.#readBefore
    const isStale = this.#request.reusedSocket && error.code === 'upstream_reset' && read === 0
    this.#settle.reject(new UpstreamError(error, { isStale, isSent: this.#isConnected && written > 0 }))
  }
}

/**
 * The platform takes a broken connection for the clean end of an answer that is delimited by the connection's end (RFC 9112
 * 6.3, 8).
 */
function isWhole({ complete, headers }: IncomingMessage, connection: Socket): boolean {
  const isDelimited = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined
  return complete && (isDelimited || connection.errored === null)
}
