import { STATUS_CODES } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { CallerConnection } from './caller-connection.ts'
import { answerNonsense } from './client-error.ts'
import { discardRest } from './discard-rest.ts'
import { recordExchange } from './exchange-record.ts'
import type { ExchangeRecorders } from './exchange-record.ts'
import { CallerGoneError, Exchange } from './exchange.ts'
import type { ExchangeParts } from './exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { problemOf } from '../errors/problem.ts'
import { LinkedList } from '../message/linked-list.ts'
import { requestIds } from './request-id.ts'

/** Answers one request, or throws GatewayError or CallerGoneError. */
export type Handler = (exchange: Exchange) => Promise<void>

/** How a request is received. */
export interface AcceptOptions {
  readonly expectsContinue?: boolean
  readonly upgrade?: ExchangeParts['upgrade']
  /** Answers with this error whatever the request is. */
  readonly refusal?: GatewayError
}

/**
 * The exchanges with callers, from the received head to the record of the finished exchange; one after the other on each
 * connection.
 */
export class Exchanges {
  readonly #handler: Handler
  readonly #recorders: ExchangeRecorders
  readonly #nextId = requestIds()
  readonly #active = new LinkedList<Exchange>()
  readonly #connections = new WeakMap<Duplex, CallerConnection>()
  /** The newest exchange of each connection. */
  readonly #newest = new WeakMap<Duplex, Exchange>()
  #isDraining = false
  /** Called after each exchange from the time it is set. */
  onDrained: (() => void) | undefined

  constructor(handler: Handler, recorders: ExchangeRecorders) {
    this.#handler = handler
    this.#recorders = recorders
  }

  /** @param makeResponse called when the request's turn has come: before that the connection belongs to another answer */
  accept(request: IncomingMessage, makeResponse: () => ServerResponse, options: AcceptOptions = {}): void {
    const connection = this.connectionOf(request.socket)
    connection.run(() => this.#serve(connection, request, makeResponse, options))
  }

  /** What the parser refused has no request. Nonsense behind a good request does not take that request's answer away. */
  refuseNonsense(error: Error & { readonly code?: string }, socket: Duplex): void {
    const connection = this.connectionOf(socket)
    connection.isBroken = true
    const answer = (): void => {
      connection.end()
      const status = answerNonsense(error, socket, this.#nextId())
      if (status !== undefined) this.#recorders.unknown().countRequest('', status)
    }
    const exchange = this.#activeOn(socket)
    if (exchange === undefined || exchange.request.complete) {
      connection.run(async () => answer())
      return
    }
    connection.end()
    const hasAnswer = exchange.response.headersSent
    exchange.giveUp()
    if (hasAnswer) socket.destroy()
    else answer()
  }

  connectionOf(socket: Duplex): CallerConnection {
    let connection = this.#connections.get(socket)
    if (connection === undefined) {
      connection = new CallerConnection(socket)
      this.#connections.set(socket, connection)
    }
    return connection
  }

  /** Gives the answer under way a word that its connection can take more, where the platform has stopped doing so. */
  forwardDrain(socket: Duplex): void {
    socket.on('drain', () => this.#activeOn(socket)?.response.emit('drain'))
  }

  isServing(socket: Duplex): boolean {
    return this.#activeOn(socket) !== undefined
  }

  /** From now on every answer asks its caller to close the connection. */
  startDraining(): void {
    this.#isDraining = true
    for (const { response } of this.#active) if (!response.headersSent) response.shouldKeepAlive = false
  }

  /** Ends what is still open: with `shutting_down` where no answer has begun. */
  endAll(): void {
    for (const exchange of this.#active) {
      const { request, response, isTunnel } = exchange
      const isAnswered = isTunnel || response.headersSent
      // Before the answer, so that nobody else gives one.
      exchange.giveUp()
      if (!isAnswered) {
        const error = new GatewayError('shutting_down', 'the gateway is shutting down; send the request to another one', {
          retryAfterMs: 1_000,
        })
        response.shouldKeepAlive = false
        writeProblem(exchange, error)
        response.end()
      }
      // The answer, if any, gets the time to leave.
      setTimeout(() => request.socket.destroy(), isAnswered ? 0 : 200)
    }
  }

  #activeOn(socket: Duplex): Exchange | undefined {
    const exchange = this.#newest.get(socket)
    return exchange?.isActive === true ? exchange : undefined
  }

  async #serve(
    connection: CallerConnection,
    request: IncomingMessage,
    makeResponse: () => ServerResponse,
    { upgrade, expectsContinue = false, refusal }: AcceptOptions,
  ): Promise<void> {
    // Its rest is nonsense, and the answer to that is the next in the line.
    if (connection.isBroken && !request.complete) return
    const response = makeResponse()
    const exchange = new Exchange({ request, response, upgrade, expectsContinue, id: this.#nextId() })
    this.#active.add(exchange)
    exchange.isActive = true
    this.#newest.set(request.socket, exchange)
    if (this.#isDraining) response.shouldKeepAlive = false
    try {
      if (refusal !== undefined) throw refusal
      await this.#handler(exchange)
      if (!response.shouldKeepAlive) connection.end()
      if (!request.complete && !(await discardRest(request))) request.socket.destroy()
    } catch (error) {
      await this.#answerError(exchange, error, connection)
    } finally {
      this.#active.remove(exchange)
      exchange.isActive = false
      recordExchange(exchange, this.#recorders)
      this.onDrained?.()
    }
  }

  /** Answers with what the error says. Never throws. */
  async #answerError(exchange: Exchange, error: unknown, connection: CallerConnection): Promise<void> {
    try {
      await this.#answerWithProblem(exchange, error, connection)
    } catch (unexpected) {
      this.#recorders.log.error(
        { err: unexpected, error: 'internal_error', request_id: exchange.id },
        'unexpected error while answering an error',
      )
      exchange.request.socket.destroy()
    }
  }

  async #answerWithProblem(exchange: Exchange, error: unknown, connection: CallerConnection): Promise<void> {
    if (error instanceof CallerGoneError || exchange.isGone) return
    const { request, response } = exchange
    const gatewayError = this.#gatewayErrorOf(error, exchange)
    exchange.error = gatewayError.code
    if (response.headersSent) {
      request.socket.destroy()
      return
    }
    // A caller that still waits for 100 may or may not send its body after this answer.
    if (gatewayError.endsConnection || (exchange.expectsContinue && !request.complete)) {
      connection.end()
      response.shouldKeepAlive = false
    }
    writeProblem(exchange, gatewayError)
    // The end, at which the platform may close the connection, waits until the caller has sent what it is sending.
    const closed = new Promise<void>((resolve) => response.once('close', resolve))
    const isWhole = await discardRest(request)
    if (exchange.isGone) return
    response.end()
    await closed
    if (!isWhole) request.socket.destroySoon()
  }

  #gatewayErrorOf(error: unknown, { id, route }: Exchange): GatewayError {
    if (error instanceof GatewayError) return error
    this.#recorders.log.error({ err: error, error: 'internal_error', request_id: id, route }, 'unexpected error in an exchange')
    return new GatewayError('internal_error', 'see the log of the gateway under this request_id')
  }
}

/** Writes a problem, but not its end. */
function writeProblem({ request, response, route, id }: Exchange, error: GatewayError): void {
  const { status, fields, body } = problemOf(error, { route, requestId: id })
  response.writeHead(status, STATUS_CODES[status], [...fields])
  if (request.method === 'HEAD') response.flushHeaders()
  else response.write(body)
}
