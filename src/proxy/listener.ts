import { createServer, ServerResponse, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Config } from '../config/config.ts'
import { discardRest } from './discard-rest.ts'
import { recordExchange } from './exchange-record.ts'
import type { ExchangeRecorders } from './exchange-record.ts'
import { CallerConnection } from './caller-connection.ts'
import { CallerGoneError, Exchange } from './exchange.ts'
import type { ExchangeParts } from './exchange.ts'
import { formatFields } from './format-fields.ts'
import { GatewayError } from './gateway-error.ts'
import { problemOf } from './problem.ts'
import { requestIds } from './request-id.ts'

/** Answers one request, or throws GatewayError or CallerGoneError. */
export type Handler = (exchange: Exchange) => Promise<void>

/** The gateway's side towards the callers. */
export interface Listener {
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<AddressInfo>
  /** From now on every answer asks its caller to close the connection; requests are still served. */
  startDraining(): void
  /**
   * Takes no new connections and waits for the open requests.
   * @param graceMs after that, what is still open is answered with `shutting_down` or broken off
   */
  close(graceMs: number): Promise<void>
}

/** How often the platform looks for callers that are too slow with their heads. */
const slowHeadCheckMs = 1_000

/** Makes the listener for callers on node:http. */
export function createListener({ listen, limits }: Pick<Config, 'listen' | 'limits'>, handler: Handler, recorders: ExchangeRecorders): Listener {
  const nextId = requestIds()
  const active = new Set<Exchange>()
  const connections = new WeakMap<Duplex, CallerConnection>()
  const exchangeOf = new WeakMap<Duplex, Exchange>()
  let isDraining = false

  const connectionOf = (socket: Duplex): CallerConnection => {
    let connection = connections.get(socket)
    if (connection === undefined) {
      connection = new CallerConnection(socket)
      connections.set(socket, connection)
    }
    return connection
  }

  /** @param makeResponse called when the request's turn has come: before that the connection belongs to another answer */
  const accept = (request: IncomingMessage, makeResponse: () => ServerResponse, options: AcceptOptions = {}): void => {
    const connection = connectionOf(request.socket)
    connection.run(async () => {
      const { upgrade, expectsContinue = false, refusal } = options
      const exchange = new Exchange({ request, response: makeResponse(), upgrade, expectsContinue, id: nextId() })
      active.add(exchange)
      exchangeOf.set(request.socket, exchange)
      if (isDraining) exchange.response.shouldKeepAlive = false
      try {
        await (refusal === undefined ? serve(exchange, connection) : answerError(exchange, refusal, connection))
      } catch (error) {
        recorders.log.error({ err: error, request_id: exchange.id }, 'unexpected error while answering an error')
        request.socket.destroy()
      } finally {
        active.delete(exchange)
        recordExchange(exchange, recorders)
        if (isDraining) server.closeIdleConnections()
      }
    })
  }

  const serve = async (exchange: Exchange, connection: CallerConnection): Promise<void> => {
    const { request, response } = exchange
    try {
      await handler(exchange)
    } catch (error) {
      await answerError(exchange, error, connection)
      return
    }
    if (!response.shouldKeepAlive) connection.end()
    if (!(await discardRest(request))) request.socket.destroy()
  }

  const answerError = async (exchange: Exchange, error: unknown, connection: CallerConnection): Promise<void> => {
    const { request, response } = exchange
    if (error instanceof CallerGoneError || exchange.isGone) return
    if (!(error instanceof GatewayError)) {
      recorders.log.error({ err: error, request_id: exchange.id, route: exchange.route }, 'unexpected error in an exchange')
    }
    const gatewayError = error instanceof GatewayError ? error : new GatewayError('internal_error', 'see the log of the gateway under this request_id')
    exchange.error = gatewayError.code
    if (response.headersSent) {
      request.socket.destroy()
      return
    }
    const { status, fields, body } = problemOf(gatewayError, { route: exchange.route, requestId: exchange.id })
    // A caller that still waits for 100 may or may not send its body after this answer.
    if (gatewayError.endsConnection || (exchange.expectsContinue && !request.complete)) {
      connection.end()
      response.shouldKeepAlive = false
    }
    response.writeHead(status, STATUS_CODES[status], [...fields])
    // The end, at which the platform may close the connection, waits until the caller has sent what it is sending.
    if (request.method !== 'HEAD') response.write(body)
    const isWhole = await discardRest(request)
    await new Promise<void>((resolve) => {
      response.on('close', resolve)
      response.end(resolve)
    })
    if (!isWhole) request.socket.destroySoon()
  }

  const server: Server = createServer({
    // For the target and the fields together; each has its own limit, and its own answer.
    maxHeaderSize: limits.target + limits.headers,
    headersTimeout: limits.header_time,
    // The pauses within a body are limited, not its duration: an upload may take an hour.
    requestTimeout: 0,
    keepAliveTimeout: limits.idle,
    connectionsCheckingInterval: slowHeadCheckMs,
    // A missing Host is refused by us, as a problem document.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    // An upgrade with a body, or to HTTP/2 (whose first request would go upstream without a token), goes on as a plain request.
    shouldUpgradeCallback: (request) => isUpgrade(request),
  })
  server.maxHeadersCount = 0
  server.maxConnections = limits.connections
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', (request, response) => accept(request, () => response))
  server.on('checkContinue', (request, response) => accept(request, () => response, { expectsContinue: true }))
  server.on('checkExpectation', (request, response) => {
    accept(request, () => response, { refusal: new GatewayError('expectation_failed', 'the only expectation understood is 100-continue') })
  })
  server.on('upgrade', (request, socket, head) => accept(request, () => responseOn(request, socket), { upgrade: { socket, head } }))
  server.on('connect', (request, socket) => {
    const refusal = new GatewayError('method_not_allowed', 'CONNECT is not forwarded', { allow: [] })
    accept(request, () => responseOn(request, socket), { refusal })
  })
  server.on('clientError', (error: Error & { code?: string }, socket) => {
    const exchange = exchangeOf.get(socket)
    const isBusy = exchange !== undefined && active.has(exchange)
    if (!isBusy || exchange.request.complete) {
      // Nonsense behind a good request does not take that request's answer away.
      connectionOf(socket).run(async () => answerClientError(error, socket))
      return
    }
    connectionOf(socket).end()
    const hasAnswer = exchange.response.headersSent
    exchange.giveUp()
    if (hasAnswer) socket.destroy()
    else answerClientError(error, socket)
  })

  /** What the parser refused has no request and no response: the answer is written by hand, and the connection ends. */
  const answerClientError = (error: Error & { code?: string }, socket: Duplex): void => {
    connectionOf(socket).end()
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const problem = problemOf(clientErrorOf(error), { route: undefined, requestId: nextId() })
    recorders.metrics.forRoute('none').countRequest('', problem.status)
    const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${formatFields(problem.fields)}Connection: close\r\n\r\n`
    socket.end(Buffer.concat([Buffer.from(head, 'latin1'), problem.body]))
    setTimeout(() => socket.destroy(), 1_000).unref()
  }

  const drain = (): void => {
    isDraining = true
    for (const { response } of active) if (!response.headersSent) response.shouldKeepAlive = false
  }

  return {
    open: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen({ port: listen.port, ...(listen.host !== '' && { host: listen.host }) }, () => {
          server.off('error', reject)
          resolve(server.address() as AddressInfo)
        })
      }),
    startDraining: drain,
    close: async (graceMs) => {
      drain()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      // Connections on which nothing was ever asked are not idle to the platform.
      for (const socket of open) if (!isServing(socket)) socket.destroy()
      const deadline = setTimeout(() => {
        for (const exchange of active) endNow(exchange)
      }, graceMs)
      await closed
      clearTimeout(deadline)
    },
  }

  function isServing(socket: Socket): boolean {
    const exchange = exchangeOf.get(socket)
    return exchange !== undefined && active.has(exchange)
  }

  function endNow(exchange: Exchange): void {
    const { request, isTunnel } = exchange
    if (isTunnel || exchange.response.headersSent) {
      request.socket.destroy()
      return
    }
    const error = new GatewayError('shutting_down', 'the gateway is shutting down; send the request to another one', { retryAfterMs: 1_000 })
    void answerError(exchange, error, connectionOf(request.socket)).finally(() => {
      exchange.giveUp()
      request.socket.destroy()
    })
  }
}

/** How a request is received. */
interface AcceptOptions {
  readonly expectsContinue?: boolean
  readonly upgrade?: ExchangeParts['upgrade']
  /** Answers with this error whatever the request is. */
  readonly refusal?: GatewayError
}

function isUpgrade(request: IncomingMessage): boolean {
  const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = request.headers
  return upgrade !== undefined && !/\bh2c?\b/i.test(upgrade) && length === '0' && coding === undefined && request.httpVersion === '1.1'
}

/** After an upgrade request or CONNECT the platform leaves the bare connection to us; an answer on it is our business. */
function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.on('finish', () => {
    if (response.socket !== null) (socket as Socket).destroySoon()
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => response.destroy())
  return response
}

function clientErrorOf({ code = '' }: { readonly code?: string }): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('fields_too_large', 'the head of the request is too large (limits.headers)')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'the head of the request took too long (limits.header_time)')
    case 'HPE_INVALID_VERSION':
      return new GatewayError('version_not_supported', 'the gateway speaks HTTP/1.1 and HTTP/1.0')
    default:
      return new GatewayError('bad_request', `the request is not valid HTTP/1.1 (${code})`)
  }
}
