import { LinkedList } from '../../message/linked-list.ts'
import { Watchdog } from '../../message/watchdog.ts'
import type { Place } from '../../../config/egress-proxy.ts'
import { ageOf, ConnectionPool } from '../http1/connection-pool.ts'
import type { PoolOptions } from '../http1/connection-pool.ts'
import { ConnectionSlots } from '../http1/connection-slots.ts'
import type { RequestCarrier } from '../request-carrier.ts'
import type { OnCarrier, UpstreamPool } from '../upstream-pool.ts'
import { Http2Connection } from './http2-connection.ts'
import type { Http2Owner } from './http2-connection.ts'
import { noConnection, noStream } from './late.ts'
import { offerHttp2 } from './offer-http2.ts'
import type { Offer } from './offer-http2.ts'
import { Waiter } from './waiter.ts'

/** What the connections of a pool depend on where HTTP/2 is offered. */
export interface Http2PoolOptions extends PoolOptions {
  /** How long a request may wait for a stream, in milliseconds. */
  readonly waitMs: number
}

/** While all connections are crowded there is one more for each so many requests that are under way. */
const crowd = 4

/** After a failed connection no other is tried for so long, while there are some that serve. */
const retryMs = 1_000

/**
 * The connections to one upstream that may speak HTTP/2: it chooses (RFC 7301), for each connection anew. As long as it chooses
 * HTTP/2, as few of them as have room for all requests, and some more while bodies wait for the windows of these; where it chooses
 * HTTP/1.1, one for each request. Upgrades have HTTP/1.1 and connections of their own (RFC 9113 8.6).
 */
export class Http2Pool implements UpstreamPool, Http2Owner {
  readonly slots: ConnectionSlots
  /** What takes time here is a connection that others make, or others that have all streams. */
  readonly limitsConnecting = true
  readonly #place: Place
  readonly #options: Http2PoolOptions
  readonly #now: () => number
  readonly #http1: ConnectionPool
  /** Those that take requests, and when each may take no more. */
  readonly #retireAt = new Map<Http2Connection, number>()
  /** Those that do not, and have requests under way. */
  readonly #draining = new Set<Http2Connection>()
  readonly #offers = new Set<Offer>()
  readonly #line = new LinkedList<Waiter>()
  /** Those who wait for a connection of their own, to upgrade it. */
  readonly #upgrades = new LinkedList<Waiter>()
  readonly #retry = new Watchdog(() => this.#advance())
  /** What the upstream chose last; undefined before it has chosen. */
  #version: 'http/1.1' | 'h2' | undefined
  /** How many streams the upstream allows on a connection. */
  #places = 1
  #isRetired = false

  /** Opens no connection yet. */
  constructor(place: Place, options: Http2PoolOptions) {
    this.#place = place
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
    this.slots = new ConnectionSlots(options.max)
    this.#http1 = new ConnectionPool(place, { ...options, onFree: () => this.#advanceSoon() })
  }

  takeIdle(): RequestCarrier | undefined {
    return this.#takeStream() ?? this.#http1.takeIdle()
  }

  #takeStream(): RequestCarrier | undefined {
    let crowded: Http2Connection | undefined
    for (const [connection, retireAtMs] of this.#retireAt) {
      // One that is too old already when it is new serves those it was made for.
      if (connection.wasUsed && this.#now() >= retireAtMs) connection.drain()
      else if (connection.isCrowded) {
        if (connection.hasRoom && connection.load < (crowded?.load ?? Number.POSITIVE_INFINITY)) crowded = connection
      } else {
        const stream = connection.take()
        if (stream !== undefined) return stream
      }
    }
    // Not every request has a body, so that none waits for another connection; those that come later have it.
    if (crowded !== undefined) this.#advanceSoon()
    return crowded?.take()
  }

  open(isStream: boolean, done: OnCarrier): () => void {
    const line = isStream ? this.#upgrades : this.#line
    const { waitMs, connectMs } = this.#options
    const isConnecting = (): boolean => this.#offers.size > 0
    const waiter = new Waiter(done, line, { waitMs, connectMs, isConnecting, tooLate: () => noStream(this.#place, waitMs) })
    // Whoever asks has to know how to give up before anything is given.
    this.#advanceSoon()
    return () => {
      waiter.leave()
      // Nobody may be left for whom a connection is made. That it ends is no failure, after which others would have to wait.
      if (this.#line.size > 0) return
      for (const offer of this.#offers) {
        this.#offers.delete(offer)
        offer.stop()
      }
      this.#advanceSoon()
    }
  }

  retire(): void {
    this.#isRetired = true
    this.#http1.retire()
    for (const connection of this.#retireAt.keys()) connection.drain()
  }

  /** What connections are made with has changed: as `retire`, but new ones are kept. */
  renew(): void {
    this.#http1.renew()
    for (const connection of this.#retireAt.keys()) connection.drain()
  }

  close(): void {
    this.#isRetired = true
    this.#retry.stop()
    this.#http1.close()
    for (const offer of this.#offers) offer.stop()
    for (const connection of [...this.#retireAt.keys(), ...this.#draining]) connection.destroy()
    for (const line of [this.#upgrades, this.#line])
      for (let waiter = line.first; waiter !== undefined; waiter = line.first) waiter.settle(new Error('the gateway stops'))
  }

  /** For a connection. */
  onReady(connection: Http2Connection): void {
    for (const offer of this.#offers)
      if (offer.connection === connection) {
        this.#offers.delete(offer)
        offer.finish()
        this.#retireAt.set(connection, offer.isAsNow ? this.#now() + ageOf(this.#options) : 0)
      }
    this.#version = 'h2'
    this.onRoom(connection)
  }

  /** For a connection. */
  onRoom(connection: Http2Connection): void {
    if (this.#version === 'h2' && this.#retireAt.has(connection) && connection.places !== this.#places) {
      this.#places = connection.places
      this.slots.resize(this.#options.max * Math.max(this.#places, 1))
    }
    this.#advance()
  }

  /** For a connection. */
  mayGoOn(connection: Http2Connection): boolean {
    return !this.#isRetired && this.#now() < (this.#retireAt.get(connection) ?? 0)
  }

  /** For a connection. */
  onDraining(connection: Http2Connection): void {
    if (!this.#retireAt.delete(connection)) return
    this.#draining.add(connection)
    // It has left its place to another, for which somebody may be waiting.
    this.#advanceSoon()
  }

  /** For a connection. */
  onClosed(connection: Http2Connection, error: Error | undefined): void {
    for (const offer of this.#offers) if (offer.connection === connection) this.#onFailure(offer, error)
    this.#retireAt.delete(connection)
    this.#draining.delete(connection)
    // Where one is lost, those that nobody has used for a while may be as well.
    if (!connection.isIdle) for (const other of this.#retireAt.keys()) if (other.isIdle) other.drain()
    this.#advanceSoon()
  }

  /** After what is under way has been told. */
  #advanceSoon(): void {
    queueMicrotask(() => this.#advance())
  }

  /** Gives whoever waits what there is, and has connections made for the others. */
  #advance(): void {
    for (let waiter = this.#line.first; waiter !== undefined; waiter = this.#line.first) {
      // There are more who wait than connections of HTTP/1.1 where the upstream has chosen HTTP/2 before.
      const carrier = this.takeIdle()
      if (carrier === undefined) break
      waiter.settle(null, carrier, true)
    }
    for (let waiter = this.#upgrades.first; waiter !== undefined && this.#hasRoom(); waiter = this.#upgrades.first)
      this.#upgrade(waiter)
    if (this.#retry.isArmed) return
    for (let wanted = this.#wanted(); wanted > 0 && this.#hasRoom(); wanted--) this.#offer()
  }

  /** How many more connections are needed. */
  #wanted(): number {
    const waiting = this.#line.size
    if (this.#version === 'http/1.1') return waiting - this.#offers.size
    if (this.#version === undefined) return Math.min(waiting, 1) - this.#offers.size
    // Further ones would allow no streams either.
    if (this.#places === 0 && this.#retireAt.size > 0) return 0
    return Math.max(Math.ceil(waiting / Math.max(this.#places, 1)), this.#isCrowded ? 1 : 0) - this.#offers.size
  }

  /** Whether further requests had better have another connection, though there are streams. */
  get #isCrowded(): boolean {
    let requests = 0
    for (const connection of this.#retireAt.keys()) {
      if (!connection.isCrowded) return false
      requests += connection.load
    }
    return requests > crowd * this.#retireAt.size && !this.#isRetired
  }

  /** Whether there may be one more connection; an idle one goes for it. Those that only finish what is under way do not count. */
  #hasRoom(): boolean {
    const isRoom = (): boolean => this.#retireAt.size + this.#offers.size + this.#http1.size < this.#options.max
    if (isRoom()) return true
    this.#http1.dropIdle()
    if (isRoom()) return true
    for (const connection of this.#retireAt.keys()) {
      if (!connection.isIdle) continue
      connection.drain()
      return true
    }
    return false
  }

  #upgrade(waiter: Waiter): void {
    const watchdog = new Watchdog(() => {
      stop()
      waiter.settle(noConnection(this.#place, this.#options.connectMs))
    })
    if (this.#options.proxy === undefined) watchdog.arm(this.#options.connectMs)
    const stop = this.#http1.open(true, (error, carrier) => {
      watchdog.stop()
      waiter.settle(error, carrier)
    })
    waiter.begin(() => {
      watchdog.stop()
      stop()
      this.#advance()
    })
  }

  #offer(): void {
    const offer = offerHttp2(this.#place, this.#options, {
      onHttp2: (connected) =>
        new Http2Connection(connected.socket, connected.isRead, this, { pingMs: this.#options.connectMs, now: this.#now }),
      onHttp1: (connected, made) => {
        this.#offers.delete(offer)
        this.#version = 'http/1.1'
        this.#places = 1
        this.slots.resize(this.#options.max)
        const connection = this.#http1.adopt(connected, made)
        const waiter = this.#line.first
        if (waiter === undefined) connection.destroy()
        else waiter.settle(null, connection)
        this.#advance()
        return connection
      },
      onFailure: (error) => this.#onFailure(offer, error ?? noConnection(this.#place, this.#options.connectMs)),
    })
    this.#offers.add(offer)
  }

  #onFailure(offer: Offer, error: Error | undefined): void {
    if (!this.#offers.delete(offer)) return
    offer.finish()
    // Who stands in line waits on while there are connections that may find room, or may yet be made for all.
    if (this.#retireAt.size > 0 || (this.#version !== 'http/1.1' && this.#offers.size > 0)) this.#retry.arm(retryMs)
    else {
      const told = this.#version === 'http/1.1' ? 1 : this.#line.size
      for (let nth = 0; nth < told; nth++) this.#line.first?.settle(error ?? new Error('closed before it was established'))
    }
    this.#advanceSoon()
  }
}
