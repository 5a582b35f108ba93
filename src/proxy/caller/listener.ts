import type { Server, ServerOptions } from 'node:http'
import { Server as TcpServer } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Config } from '../../config/config.ts'
import type { ListenAddress } from '../../config/schema/listen.ts'
import type { ExchangeRecorders } from './exchange-record.ts'
import { Exchanges } from './exchanges.ts'
import type { Handler } from './exchanges.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { listenOn } from './listen-on.ts'
import { isUpgrade, responseOn } from './upgrade-response.ts'
import { createWebServer } from './web-server.ts'

/** The gateway's side towards the callers. */
export interface Listener {
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<ListenAddress>
  /**
   * Gets ready for connections that another process accepts, in place of listening. How many there may be is for that process to say.
   * @returns what takes one over
   */
  receive(): (socket: Socket) => void
  /** Has other limits from now on: those of a connection for new connections. */
  use(config: Pick<Config, 'limits'>): void
  /** From now on every answer asks its caller to close the connection; requests are still served. */
  startDraining(): void
  /**
   * Takes no new connections and waits for the open requests.
   * @param graceMs after that, what is still open is answered with `shutting_down` or broken off
   */
  close(graceMs: number): Promise<void>
}

/**
 * How long a connection that looks idle is still listened to at the end: a caller may have sent a request on it that is under way.
 * Its answer asks for the connection to be closed.
 */
const lastCallMs = 250

/** How often the platform looks for callers that are too slow with their heads. */
const slowHeadCheckMs = 1_000

/**
 * Makes the listener for callers on node:http, or node:https.
 * @param tlsKey where `tls` stands in the configuration
 * @throws when the certificates are of no use
 */
export function createListener(
  { listen, tls, limits }: Pick<Config, 'listen' | 'tls' | 'limits'>,
  handler: Handler,
  recorders: ExchangeRecorders,
  tlsKey = 'tls',
): Listener {
  const exchanges = new Exchanges(handler, recorders)
  const options: ServerOptions = {
    // The pauses within a body are limited, not its duration: an upload may take an hour.
    requestTimeout: 0,
    connectionsCheckingInterval: slowHeadCheckMs,
    // A missing Host is refused by us, as a problem document.
    requireHostHeader: false,
    insecureHTTPParser: false,
    noDelay: true,
    // Behind an unfinished answer an upgrade may be declined, and the connection is still needed as it is.
    shouldUpgradeCallback: (request) => isUpgrade(request) && !exchanges.connectionOf(request.socket).isBusy,
  }
  const secure = tls && { tls, key: tlsKey, handshakeTimeoutMs: limits.header_time }
  const { server, connections, endHandshakes } = createWebServer(options, secure, recorders.log)
  /** Accepted by another process. */
  const received = new Set<Socket>()
  server.maxHeadersCount = 0
  limit(server, limits)

  server.on('request', (request, response) => exchanges.accept(request, () => response))
  server.on('checkContinue', (request, response) => exchanges.accept(request, () => response, { expectsContinue: true }))
  server.on('checkExpectation', (request, response) => {
    exchanges.accept(request, () => response, {
      refusal: new GatewayError('expectation_failed', 'the only expectation understood is 100-continue'),
    })
  })
  server.on('upgrade', (request, socket, head) => {
    // The platform has taken its own listeners off the connection.
    socket.on('error', () => socket.destroy())
    exchanges.accept(request, () => responseOn(request, socket), { upgrade: { socket, head } })
  })
  server.on('connect', (request, socket) => {
    socket.on('error', () => socket.destroy())
    exchanges.forwardDrain(socket)
    const refusal = new GatewayError('method_not_allowed', 'CONNECT is not forwarded', { allow: [] })
    exchanges.accept(request, () => responseOn(request, socket), { refusal })
  })
  server.on('clientError', (error, socket) => {
    // Who has not shaken hands cannot read an answer.
    if (secure !== undefined && !connections.has(socket as Socket)) socket.destroy()
    else exchanges.refuseNonsense(error, socket)
  })

  return {
    open: () => listenOn(server, listen),
    receive: () => {
      // From then on the platform looks for callers that are too slow with their heads.
      server.emit('listening')
      return (socket) => {
        received.add(socket)
        socket.once('close', () => received.delete(socket))
        // As the platform has it with those that it accepts for a web server, which decides itself when a connection ends.
        socket.allowHalfOpen = true
        socket.setNoDelay(true)
        server.emit('connection', socket)
      }
    },
    use: (config) => limit(server, config.limits),
    startDraining: () => exchanges.startDraining(),
    close: async (graceMs) => {
      exchanges.startDraining()
      const deadline = setTimeout(() => exchanges.endAll(), graceMs)
      // Listens no longer, and no more than that: the platform's own end of idle connections comes after the last calls.
      const ended = new Promise<void>((resolve) => void TcpServer.prototype.close.call(server, () => resolve()))
      // The platform waits for those only that it has accepted itself.
      const closed = Promise.all([ended, ...Array.from(received, untilClosed)])
      await Promise.race([closed, delay(Math.min(lastCallMs, graceMs))])
      exchanges.onDrained = () => server.closeIdleConnections()
      server.close()
      // Connections on which nothing was ever asked are not idle to the platform.
      endHandshakes()
      for (const socket of connections) if (!exchanges.isServing(socket)) socket.destroy()
      await closed
      clearTimeout(deadline)
    },
  }
}

function untilClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', resolve))
}

/** The platform reads all of these at each new connection. */
function limit(server: Server, limits: Config['limits']): void {
  // For the target and the fields together; each has its own limit, and its own answer. The types do not know that it can be set.
  Object.assign(server, { maxHeaderSize: limits.target + limits.headers })
  server.headersTimeout = limits.header_time
  server.keepAliveTimeout = limits.idle
  server.maxConnections = limits.connections
}
