import { createServer, ServerResponse, STATUS_CODES } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Config } from '../config/config.ts'
import { discardRest } from './discard-rest.ts'
import { recordExchange } from './exchange-record.ts'
import type { ExchangeRecorders } from './exchange-record.ts'
import { CallerGoneError, Exchange } from './exchange.ts'
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
  /** The newest exchange of each connection, behind which pipelined requests wait (RFC 9112 9.3.2). */
  const latest = new WeakMap<Duplex, Exchange>()
  /** Connections that end with the answer under way; what comes behind it is never looked at. */
  const ending = new WeakSet<Duplex>()
  let isDraining = false

  const accept = (request: IncomingMessage, response: ServerResponse, options: { expectsContinue?: boolean; upgrade?: Exchange['upgrade'] }): void => {
    const { socket } = request
    const exchange = new Exchange({
      request,
      response,
      upgrade: options.upgrade,
      expectsContinue: options.expectsContinue === true,
      id: nextId(),
      startedMs: performance.now(),
      startedEpochMs: Date.now(),
    })
    const previous = latest.get(socket)
    latest.set(socket, exchange)
    if (previous === undefined || !active.has(previous)) start(exchange)
    else previous.response.once('close', () => start(exchange))
  }

  const start = (exchange: Exchange): void => {
    serve(exchange).catch((error: unknown) => {
      recorders.log.error({ err: error, request_id: exchange.id }, 'unexpected error while answering an error')
      exchange.request.socket.destroy()
    })
  }

  const serve = async (exchange: Exchange): Promise<void> => {
    const { request, response } = exchange
    if (ending.has(request.socket)) return
    active.add(exchange)
    if (isDraining) response.shouldKeepAlive = false
    try {
      await handler(exchange)
      if (!response.shouldKeepAlive) ending.add(request.socket)
      if (!(await discardRest(request))) request.socket.destroy()
    } catch (error) {
      await answerError(exchange, error)
    } finally {
      active.delete(exchange)
      recordExchange(exchange, recorders)
    }
  }

  const answerError = async (exchange: Exchange, error: unknown): Promise<void> => {
    const { request, response } = exchange
    if (error instanceof CallerGoneError || exchange.isGone) return
    if (!(error instanceof GatewayError)) recorders.log.error({ err: error, request_id: exchange.id, route: exchange.route }, 'unexpected error in an exchange')
    const gatewayError = error instanceof GatewayError ? error : new GatewayError('internal_error', 'see the log of the gateway under this request_id')
    exchange.error = gatewayError.code
    if (response.headersSent) {
      request.socket.destroy()
      return
    }
    const { status, fields, body } = problemOf(gatewayError, { route: exchange.route, requestId: exchange.id })
    // A caller that still waits for 100 may or may not send its body after this answer.
    const ends = gatewayError.endsConnection || (exchange.expectsContinue && !request.complete)
    if (ends) {
      ending.add(request.socket)
      response.shouldKeepAlive = false
    }
    response.writeHead(status, [...fields])
    // The end, at which the platform may close the connection, waits until the caller has sent what it is sending.
    if (request.method !== 'HEAD') response.write(body)
    const isWhole = await discardRest(request)
    await new Promise<void>((resolve) => {
      response.on('close', resolve)
      response.end(resolve)
    })
    if (!isWhole || exchange.upgrade !== undefined) request.socket.destroySoon()
  }

  const server: Server = createServer({
    maxHeaderSize: limits.headers,
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
  server.on('request', (request, response) => accept(request, response, {}))
  server.on('checkContinue', (request, response) => accept(request, response, { expectsContinue: true }))
  server.on('checkExpectation', (request, response) => refuse(request, response, new GatewayError('expectation_failed', 'the only expectation understood is 100-continue')))
  server.on('upgrade', (request, socket, head) => {
    const response = responseOn(request, socket)
    accept(request, response, { upgrade: { socket, head } })
  })
  server.on('connect', (request, socket) => {
    refuse(request, responseOn(request, socket), new GatewayError('method_not_allowed', 'CONNECT is not forwarded', { allow: [] }))
  })
  server.on('clientError', (error: Error & { code?: string }, socket) => answerClientError(error, socket))

  const refuse = (request: IncomingMessage, response: ServerResponse, error: GatewayError): void => {
    const exchange = new Exchange({
      request, response, upgrade: undefined, expectsContinue: false, id: nextId(), startedMs: performance.now(), startedEpochMs: Date.now(),
    })
    exchange.path = request.method === 'CONNECT' ? '' : (request.url ?? '').split('?', 1)[0] ?? ''
    response.shouldKeepAlive = false
    void answerError(exchange, error).finally(() => recordExchange(exchange, recorders))
  }

  /** What the parser refused: an answer if none is under way, and the end of the connection. */
  const answerClientError = (error: Error & { code?: string }, socket: Duplex): void => {
    ending.add(socket)
    const exchange = latest.get(socket)
    const isBusy = exchange !== undefined && active.has(exchange)
    const hasAnswer = isBusy && exchange.response.headersSent
    if (isBusy) exchange.giveUp()
    if (hasAnswer || !socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const problem = problemOf(clientErrorOf(error), { route: exchange?.route, requestId: nextId() })
    recorders.metrics.forRoute('none').countRequest('', problem.status)
    const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${formatFields(problem.fields)}Connection: close\r\n\r\n`
    socket.end(Buffer.concat([Buffer.from(head, 'latin1'), problem.body]))
    setTimeout(() => socket.destroy(), 1_000).unref()
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
    startDraining: () => {
      isDraining = true
      for (const { response } of active) if (!response.headersSent) response.shouldKeepAlive = false
    },
    close: async (graceMs) => {
      isDraining = true
      for (const { response } of active) if (!response.headersSent) response.shouldKeepAlive = false
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const deadline = setTimeout(() => {
        for (const exchange of active) {
          if (exchange.isTunnel) {
            exchange.request.socket.destroy()
            continue
          }
          const error = new GatewayError('shutting_down', 'the gateway is shutting down; send the request to another one', { retryAfterMs: 1_000 })
          void answerError(exchange, error).finally(() => exchange.request.socket.destroy())
        }
        setTimeout(() => server.closeAllConnections(), 500).unref()
      }, graceMs)
      await closed
      clearTimeout(deadline)
    },
  }
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
