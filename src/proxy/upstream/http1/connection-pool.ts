import type { ConnectionOptions as TlsOptions, TLSSocket } from 'node:tls'
import type { EgressProxy, Place } from '../../../config/egress-proxy.ts'
import type { OnCarrier, UpstreamPool } from '../upstream-pool.ts'
import { connect } from './connect.ts'
import type { Connected } from './connect.ts'
import { Connection } from './connection.ts'
import type { ConnectionOwner } from './connection.ts'
import { ConnectionSlots } from './connection-slots.ts'
import type { UpstreamTls } from './upstream-tls.ts'

/**
 * Idle connections are dropped before a usual server would do so (5 s and more): a request on a connection that the other side
 * has just closed is lost. What an upstream says of itself (`Keep-Alive: timeout`) is honoured, less a second.
 */
const idleMs = 4_000

/**
 * After so long a connection serves no further request, so that a change in DNS is followed. Less by chance, so that connections
 * that were made together do not end together.
 */
const longestAgeMs = 300_000
const jitter = 0.2

/** How old a connection becomes, in milliseconds. */
export function ageOf({ random = Math.random, longestAgeMs: most = longestAgeMs }: Partial<PoolOptions>): number {
  return most * (1 - jitter * random())
}

/** What the connections of a pool depend on. */
export interface PoolOptions {
  /** Connections at a time. */
  readonly max: number
  /** On the way; undefined where the way is direct. */
  readonly proxy: EgressProxy | undefined
  /** For an upstream with TLS. */
  readonly tls: UpstreamTls | undefined
  /** For a connection through a proxy, in milliseconds; who asks for a direct one watches it. */
  readonly connectMs: number
  readonly random?: () => number
  readonly now?: () => number
  /** How old a connection becomes, at most, in milliseconds. */
  readonly longestAgeMs?: number
  /** Told when a connection has closed, or has become idle. */
  readonly onFree?: () => void
}

/**
 * The connections to one upstream. Of the idle ones the one that was used last is used next, so that those which are too many grow
 * old and go.
 */
export class ConnectionPool implements UpstreamPool, ConnectionOwner {
  readonly #place: Place
  readonly #options: PoolOptions
  readonly #now: () => number
  /** Who may have a connection: idle ones need no slot, because whoever has a slot uses them first. */
  readonly slots: ConnectionSlots
  /** All that are open, and when they may serve no further request. */
  readonly #retireAt = new Map<Connection, number>()
  /** Last used last. */
  readonly #idle: Connection[] = []
  /** The ways to stop what is being connected. */
  readonly #connecting = new Set<() => void>()
  #isRetired = false

  /** Opens no connection yet. */
  constructor(place: Place, options: PoolOptions) {
    this.#place = place
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.slots = new ConnectionSlots(options.max)
  }

  /** Whether it is watched here how long a connection takes to be made: who digs a tunnel can say where it got stuck. */
  get limitsConnecting(): boolean {
    return this.#options.proxy !== undefined
  }

  /** How many connections there are, and are being made. */
  get size(): number {
    return this.#retireAt.size + this.#connecting.size
  }

  /** An idle connection, if there is one. Needs a slot. */
  takeIdle(): Connection | undefined {
    for (;;) {
      const connection = this.#idle.pop()
      if (connection === undefined || connection.isOpen) return connection
    }
  }

  /**
   * Makes a new connection; names are resolved anew. Needs a slot.
   * @param isStream whether it may be needed as a stream, for another protocol
   * @param done called once, unless it is given up
   * @returns gives up
   */
  open(isStream: boolean, done: OnCarrier): () => void {
    // For a request that wants a new one although there are others.
    if (this.size >= this.#options.max) this.dropIdle()
    const { tls, proxy, connectMs } = this.#options
    let connection: Connection | undefined
    const made = tls?.options()
    const onBytes = isStream ? undefined : (bytes: Buffer): void => connection?.receive(bytes)
    const stop = connect(this.#place, { tls: made, proxy, timeoutMs: connectMs, onBytes }, (error, connected) => {
      if (!this.#connecting.delete(stop)) {
        connected?.socket.destroy()
        return
      }
      if (connected === undefined) {
        done(error)
        return
      }
      connection = this.adopt(connected, made)
      done(null, connection)
    })
    this.#connecting.add(stop)
    return () => {
      if (this.#connecting.delete(stop)) stop()
    }
  }

  /** Ends the connection that has been idle for longest, if one is. */
  dropIdle(): void {
    this.#idle[0]?.destroy()
  }

  /** For a connection that nobody uses any more. */
  keep(connection: Connection, keepAliveS: number | undefined): number | undefined {
    const ownMs = keepAliveS === undefined ? idleMs : Math.min(idleMs, (keepAliveS - 1) * 1_000)
    if (this.#isRetired || ownMs <= 0 || this.#now() >= (this.#retireAt.get(connection) ?? 0)) return undefined
    this.#idle.push(connection)
    this.#options.onFree?.()
    return ownMs
  }

  /** For a connection that is closed. */
  forget(connection: Connection): void {
    this.#retireAt.delete(connection)
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#options.onFree?.()
  }

  /** From now on nothing is kept: ends idle connections, and each of the others once its request is done. */
  retire(): void {
    this.#isRetired = true
    this.renew()
  }

  /** What connections are made with has changed: as `retire`, but new ones are kept. */
  renew(): void {
    for (const connection of this.#retireAt.keys()) this.#retireAt.set(connection, 0)
    for (const connection of this.#idle.slice()) connection.destroy()
  }

  /** Ends all connections, whatever is under way on them, and those that are being made: who waits for one is told. */
  close(): void {
    this.#isRetired = true
    for (const stop of this.#connecting) stop()
    for (const connection of this.#retireAt.keys()) connection.destroy()
  }

  /** Takes over an established connection. @param made what TLS on it was made with */
  adopt({ socket, isRead }: Connected, made: TlsOptions | undefined): Connection {
    const connection = new Connection(socket, isRead, this)
    const { tls } = this.#options
    const isAsNow = made === undefined || tls === undefined || tls.watch(socket as TLSSocket, made)
    this.#retireAt.set(connection, isAsNow ? this.#now() + ageOf(this.#options) : 0)
    return connection
  }
}
