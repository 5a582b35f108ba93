import type { ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls'
import type { Place } from '../../../config/egress-proxy.ts'
import { Watchdog } from '../../message/watchdog.ts'
import { connect } from '../http1/connect.ts'
import type { Connected } from '../http1/connect.ts'
import type { PoolOptions } from '../http1/connection-pool.ts'
import type { Http2Connection } from './http2-connection.ts'

/** Who takes what comes in on a connection. */
interface Receiver {
  readonly receive: (bytes: Buffer) => void
  readonly destroy: () => void
}

/** What the upstream may choose. */
export interface Choices {
  readonly onHttp2: (connected: Connected) => Http2Connection
  readonly onHttp1: (connected: Connected, made: TlsOptions | undefined) => Receiver
  /** @param error undefined when it took too long */
  readonly onFailure: (error: Error | undefined) => void
}

/** A connection on which both versions are offered, until it is known which it is. */
export interface Offer {
  /** Once the upstream has chosen HTTP/2; whether it speaks it, its settings will show. */
  readonly connection: Http2Connection | undefined
  /** Whether connections are still made as this one was. */
  readonly isAsNow: boolean
  /** It is known. */
  finish(): void
  /** Gives it up. */
  stop(): void
}

/**
 * Makes a connection on which HTTP/2 and HTTP/1.1 are offered (RFC 7301, RFC 9113 3.2). `connectMs` is for all of it, up to the first
 * settings of the upstream; behind a proxy for the way there, and once more for the settings.
 */
export function offerHttp2(place: Place, { tls, proxy, connectMs }: PoolOptions, choices: Choices): Offer {
  const made = tls?.options()
  let receiver: Receiver | undefined
  let connection: Http2Connection | undefined
  let isAsNow = true
  let isDone = false
  const finish = (): void => {
    isDone = true
    watchdog.stop()
  }
  const fail = (error: Error | undefined): void => {
    if (isDone) return
    finish()
    choices.onFailure(error)
    giveUp()
    connection?.destroy()
  }
  const watchdog = new Watchdog(() => fail(undefined))
  if (proxy === undefined) watchdog.arm(connectMs)
  const giveUp = connect(
    place,
    {
      tls: { ...made, ALPNProtocols: ['h2', 'http/1.1'] },
      proxy,
      timeoutMs: connectMs,
      onBytes: (bytes) => receiver?.receive(bytes),
    },
    (error, connected) => {
      if (isDone) connected?.socket.destroy()
      else if (connected === undefined) fail(error ?? undefined)
      else {
        const socket = connected.socket as TLSSocket
        if (socket.alpnProtocol !== 'h2') {
          finish()
          receiver = choices.onHttp1(connected, made)
          return
        }
        isAsNow = made === undefined || tls === undefined || tls.watch(socket, made)
        if (proxy !== undefined) watchdog.arm(connectMs)
        connection = choices.onHttp2(connected)
        receiver = connection
      }
    },
  )
  return {
    get connection() {
      return connection
    },
    get isAsNow() {
      return isAsNow
    },
    finish,
    stop: () => fail(new Error('closed before it was established')),
  }
}
