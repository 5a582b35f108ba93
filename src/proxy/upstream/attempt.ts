import { GatewayError } from '../errors/gateway-error.ts'
import { Watchdog } from '../message/watchdog.ts'
import type { BodySink } from '../request/request-body.ts'
import type { Answer } from './answer.ts'
import type { AnswerBody, AnswerSink } from './http1/answer-body.ts'
import type { AnswerHead } from './http1/answer-head.ts'
import type { ConnectionUser, Tunnel } from './http1/connection.ts'
import { headOf } from './http1/request-writer.ts'
import { RequestEndedError } from './http2/http2-error.ts'
import type { RequestCarrier } from './request-carrier.ts'
import type { Upstream } from './upstream.ts'
import { gatewayErrorOf, UpstreamError } from './upstream-error.ts'
import type { UpstreamRequest } from './upstream-request.ts'

/** What is told while an answer is awaited. */
export interface AttemptEvents {
  /** 100: the upstream wants the body. */
  readonly onContinue?: () => void
  /** 102 or 103 (RFC 9110 15.2, RFC 8297). */
  readonly onInformation?: (status: number, reason: string, fields: readonly string[]) => void
}

/** A small rest of an answer that nobody wants is read, which is cheaper than a new connection. */
const drainedBytes = 64 * 1024
const drainMs = 1_000

/**
 * One attempt to have a request answered by an upstream: on an idle connection, or on a new one. Passes the body on and watches the
 * time. A failure after the head of the answer is not an error of the attempt any more: whoever takes the body is told.
 */
export class Attempt implements BodySink, ConnectionUser {
  readonly #upstream: Upstream
  readonly #request: UpstreamRequest
  readonly #head: string
  readonly #events: AttemptEvents
  readonly #watchdog = new Watchdog(() => this.#onTimeout())
  #isReused: boolean
  readonly wantsUpgrade: boolean
  #settle!: { resolve: (answer: Answer) => void; reject: (error: Error) => void }
  #isSettled = false
  /** Undefined before it is established, and when somebody else may have it. */
  #connection: RequestCarrier | undefined
  #giveUpConnecting: (() => void) | undefined
  /** What came of the body before there was a connection. */
  #early: Buffer[] = []
  #isEnded = false
  onDrain: (() => void) | undefined
  /** The head of the answer. Rejects with UpstreamError. */
  readonly answer: Promise<Answer>

  /**
   * Needs a slot of the upstream, and gives it back when its connection is free. The head goes out with the first piece of the body,
   * or soon.
   * @param upgrade whether a 101 is wanted
   * @param isFresh never on a connection that was used before
   * @throws TypeError for a request that must not be written
   */
  constructor(upstream: Upstream, request: UpstreamRequest, events: AttemptEvents, { upgrade = false, isFresh = false } = {}) {
    this.#upstream = upstream
    this.#request = request
    this.#head = headOf(request)
    this.#events = events
    this.wantsUpgrade = upgrade
    this.answer = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    // An attempt that is given up may fail without anybody waiting for it.
    this.answer.catch(() => {})
    const idle = isFresh ? undefined : upstream.pool.takeIdle()
    this.#isReused = idle !== undefined
    if (idle !== undefined) this.#use(idle)
    else this.#connect()
  }

  write(piece: Buffer): boolean {
    const connection = this.#connection
    if (connection === undefined) {
      if (!this.#isSettled) this.#early.push(piece)
      return false
    }
    const isRoom = connection.write(piece)
    // While the upstream takes nothing, it must be given a limit of its own.
    if (!isRoom && !this.#isSettled) this.#watchdog.arm(this.#upstream.timeouts.idle)
    return isRoom
  }

  end(): void {
    this.#isEnded = true
    const connection = this.#connection
    if (connection === undefined) return
    connection.end()
    if (this.#isSettled) return
    if (!connection.isFull) this.#watchdog.arm(this.#upstream.timeouts.response)
    // While something waits to be taken, the limit for that goes on, or begins.
    else if (!this.#watchdog.isArmed) this.#watchdog.arm(this.#upstream.timeouts.idle)
  }

  /**
   * Gives up: the upstream sees its connection closed or its stream reset, never a complete-looking cut body.
   * @param error why, for whoever waits for the answer
   */
  abort(error: Error): void {
    this.#fail(error)
  }

  /** For the connection. */
  onInterim({ status, reason, fields }: AnswerHead): void {
    if (status === 100) this.#events.onContinue?.()
    else if (status === 102 || status === 103) this.#events.onInformation?.(status, reason, fields)
  }

  /** For the connection. */
  onAnswer({ status, reason, fields }: AnswerHead, body: AnswerBody, tunnel: Tunnel | undefined): void {
    this.#isSettled = true
    this.#watchdog.stop()
    this.#settle.resolve({
      status,
      reason,
      fields,
      body,
      tunnel,
      upstream: this.#upstream,
      release: () => this.#release(body),
    })
  }

  /** For the connection. */
  onProgress(): void {
    if (!this.#isSettled && this.#connection?.isFull === true) this.#watchdog.arm(this.#upstream.timeouts.idle)
  }

  /** For the connection. */
  onWritable(): void {
    if (!this.#isSettled) {
      if (this.#isEnded) this.#watchdog.arm(this.#upstream.timeouts.response)
      else this.#watchdog.stop()
    }
    this.onDrain?.()
  }

  /** For the connection. */
  onBroken(error: Error | undefined): void {
    this.#failAs(gatewayErrorOf(error, true, this.#place), error instanceof RequestEndedError && error.isUnprocessed)
  }

  /** For the connection: somebody else may have it from here on. */
  onDone(): void {
    this.#connection = undefined
    this.#upstream.pool.slots.give()
  }

  #connect(): void {
    const { pool, timeouts } = this.#upstream
    if (!pool.limitsConnecting) this.#watchdog.arm(timeouts.connect)
    this.#giveUpConnecting = pool.open(this.wantsUpgrade, (error, connection, isReused = false) => {
      this.#giveUpConnecting = undefined
      if (connection !== undefined) {
        this.#isReused = isReused
        this.#use(connection)
      } else {
        this.#failAs(gatewayErrorOf(error ?? undefined, false, this.#place))
        this.onDone()
      }
    })
  }

  #use(connection: RequestCarrier): void {
    this.#connection = connection
    connection.begin(this, this.#request, this.#head)
    const early = this.#early
    this.#early = []
    for (const piece of early) connection.write(piece)
    // The limit for connecting is over; what was here before the connection, the upstream has yet to take.
    if (connection.isFull) this.#watchdog.arm(this.#upstream.timeouts.idle)
    else this.#watchdog.stop()
    if (this.#isEnded) this.end()
    else if (early.length > 0 && !connection.isFull) this.onWritable()
    // A caller that thinks before its body must not keep the head from the upstream; most send both together.
    if (this.#request.contentLength !== 0) setImmediate(() => this.#connection?.flushHead())
  }

  #onTimeout(): void {
    const { connect, response, idle } = this.#upstream.timeouts
    const connection = this.#connection
    if (connection === undefined) {
      const detail = `no connection to ${this.#place} within ${connect} ms`
      this.#failAs(new GatewayError('upstream_timeout', detail, { proxyStatus: 'connection_timeout' }))
    } else if (connection.isFull) {
      this.#failAs(new GatewayError('upstream_timeout', `${this.#place} took nothing of the request for ${idle} ms`))
    } else this.#failAs(new GatewayError('upstream_timeout', `${this.#place} did not answer within ${response} ms`))
  }

  /** @param isUnprocessed whether the upstream says that it has done nothing with the request */
  #failAs(error: GatewayError, isUnprocessed = false): void {
    const connection = this.#connection
    const isStale = isUnprocessed || (this.#isReused && error.code === 'upstream_reset' && connection?.hasReceived === false)
    const isSent = connection?.hasWritten === true && !isUnprocessed
    this.#fail(new UpstreamError(error, { isStale, isSent }), error.code === 'upstream_timeout')
  }

  #fail(error: Error, isSuspect = false): void {
    this.#watchdog.stop()
    this.#settle.reject(error)
    this.#isSettled = true
    this.#connection?.destroy(isSuspect)
    if (this.#giveUpConnecting === undefined) return
    this.#giveUpConnecting()
    this.#giveUpConnecting = undefined
    this.onDone()
  }

  /**
   * An answer that is not taken to its end, or whose request was not sent to its end, leaves a connection that nobody can use; and so
   * does a 101.
   */
  #release(body: AnswerBody): void {
    const connection = this.#connection
    if (connection === undefined) return
    if (connection.isRequestWritten && !body.isComplete && !connection.isShared) body.flowTo(new Drain(body))
    else connection.destroy()
  }

  /** For people. */
  get #place(): string {
    return `${this.#upstream.hostname}:${this.#upstream.port}`
  }
}

/** Takes a small rest of a body and forgets it. */
class Drain implements AnswerSink {
  readonly #body: AnswerBody
  readonly #watchdog: Watchdog
  #left = drainedBytes

  constructor(body: AnswerBody) {
    this.#body = body
    this.#watchdog = new Watchdog(() => body.destroy())
    this.#watchdog.arm(drainMs)
  }

  write(piece: Buffer): boolean {
    this.#left -= piece.length
    if (this.#left >= 0) return true
    this.#watchdog.stop()
    this.#body.destroy()
    return false
  }

  end(): void {
    this.#watchdog.stop()
  }

  fail(): void {
    this.#watchdog.stop()
  }
}
