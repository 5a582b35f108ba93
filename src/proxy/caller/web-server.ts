import { createServer as createHttpServer } from 'node:http'
import type { Server, ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { ListenerTls } from '../../config/schema/listener-tls.ts'
import type { Log } from '../../telemetry/log.ts'
import { keepCertificates, tlsOptions } from './listener-tls.ts'

/** A server that is not listening yet. */
export interface WebServer {
  readonly server: Server
  /** The connections that are open, handshakes done. */
  readonly connections: ReadonlySet<Socket>
  /** Ends connections that are still shaking hands. */
  readonly endHandshakes: () => void
}

/** What a server speaks TLS with; `key` is where it stands in the configuration. */
export interface WebServerTls {
  readonly tls: ListenerTls
  readonly key: string
  readonly handshakeTimeoutMs: number
}

/**
 * Makes a server for HTTP/1.1, or for the same over TLS.
 * @throws when the certificates are of no use
 */
export function createWebServer(options: ServerOptions, secure: WebServerTls | undefined, log: Log): WebServer {
  const connections = new Set<Socket>()
  const track = (socket: Socket): void => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  }
  if (secure === undefined) {
    const server = createHttpServer(options)
    server.on('connection', track)
    return { server, connections, endHandshakes: () => {} }
  }

  const { tls, key, handshakeTimeoutMs } = secure
  const server = createTlsServer({ ...options, ...tlsOptions(tls), handshakeTimeout: handshakeTimeoutMs })
  const stop = keepCertificates(server, tls, key, log)
  server.once('close', stop)
  // The platform gives a connection another object once hands are shaken; both ends of it have the same ports.
  const handshakes = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const name = nameOf(socket)
    handshakes.set(name, socket)
    socket.once('close', () => {
      if (handshakes.get(name) === socket) handshakes.delete(name)
    })
  })
  server.on('secureConnection', (socket) => {
    handshakes.delete(nameOf(socket))
    track(socket)
  })
  return {
    server,
    connections,
    endHandshakes: () => {
      for (const socket of handshakes.values()) socket.destroy()
    },
  }
}

function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return [remoteAddress, remotePort, localAddress, localPort].join(' ')
}
