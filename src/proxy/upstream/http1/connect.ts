import { connect as connectTcp, isIP } from 'node:net'
import type { OnReadOpts, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'
import type { EgressProxy, Place } from '../../../config/egress-proxy.ts'
import { openTunnel } from '../../../network/tunnel.ts'

/** How a connection is made. */
export interface ConnectOptions {
  /** What TLS is spoken with; verification is not up to it. */
  readonly tls: ConnectionOptions | undefined
  /** On the way; undefined where the way is direct. */
  readonly proxy: EgressProxy | undefined
  /** For a connection through a proxy, in milliseconds; who makes a direct one watches it. */
  readonly timeoutMs: number
  /** Takes what comes in; the bytes are overwritten after the call. Undefined where the connection is to be read as a stream. */
  readonly onBytes: ((bytes: Buffer) => void) | undefined
}

/** A connection that is established, TLS included. */
export interface Connected {
  readonly socket: Socket
  /** Whether what comes in goes to `onBytes`. */
  readonly isRead: boolean
}

/**
 * Where the bytes of all connections land: each reading is over before the next begins, so that idle connections hold no memory
 * and a slow caller no more than the pieces that wait for it.
 */
const landing = Buffer.allocUnsafeSlow(64 * 1024)

const keepAliveMs = 30_000

/**
 * Connects to a place: directly, by whichever of its addresses answers first (RFC 8305), or through an egress proxy. TLS is always
 * verified, against the place's name unless `tls.servername` gives another.
 * @param done called once: with the connection, or with the error of the platform or a TunnelError
 * @returns gives up, unless it is done
 */
export function connect(
  place: Place,
  { tls, proxy, timeoutMs, onBytes }: ConnectOptions,
  done: (error: Error | null, connected?: Connected) => void,
): () => void {
  if (proxy !== undefined) {
    return openTunnel(proxy, place, { timeoutMs, tls }, (error, socket) =>
      socket === undefined ? done(error) : done(null, { socket, isRead: false }),
    )
  }
  const onread: OnReadOpts | undefined = onBytes && {
    buffer: landing,
    callback: (bytes) => {
      onBytes(landing.subarray(0, bytes))
      return true
    },
  }
  const options = {
    host: place.hostname,
    port: place.port,
    // The other side may end its half while ours is still being sent.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: keepAliveMs,
    ...(onread && { onread }),
  }
  const socket = place.isTls ? connectTls({ ...options, ...secure(place, tls) }) : connectTcp(options)
  const finish = (error: Error | null): void => {
    socket.off('error', finish).off('close', onClose)
    // Whoever is told may not be listening yet, or not any more.
    socket.on('error', () => {})
    if (error === null) done(null, { socket, isRead: onread !== undefined })
    else done(error)
  }
  const onClose = (): void => finish(new Error('closed before it was established'))
  socket.once(place.isTls ? 'secureConnect' : 'connect', () => finish(null))
  socket.once('error', finish).once('close', onClose)
  return () => void socket.destroy()
}

function secure(place: Place, tls: ConnectionOptions | undefined): ConnectionOptions {
  return {
    ALPNProtocols: ['http/1.1'],
    ...(isIP(place.hostname) === 0 && { servername: place.hostname }),
    ...tls,
    // Said here, because a variable of Node.js (NODE_TLS_REJECT_UNAUTHORIZED) could say otherwise.
    rejectUnauthorized: true,
  }
}
