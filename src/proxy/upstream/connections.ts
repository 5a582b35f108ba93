import { Agent as HttpAgent } from 'node:http'
import type { ClientRequestArgs } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { RequestOptions } from 'node:https'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import type { EgressProxy } from '../../config/egress-proxy.ts'
import type { Route } from '../../config/config.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import { openTunnel } from '../../network/tunnel.ts'
import type { Log } from '../../telemetry/log.ts'
import { ConnectionAges } from './connection-ages.ts'
import { UpstreamTls } from './upstream-tls.ts'

/**
 * Idle connections are dropped before a usual server would do so (5 s and more): a request on a connection that the other side
 * has just closed is lost. A shorter `Keep-Alive: timeout` of the upstream is honoured by the agent, less a second.
 */
const idleConnectionMs = 4_000

/** How often certificates are looked at while nobody needs a new connection. */
const lookAtFilesMs = 10_000

const pooled = {
  keepAlive: true,
  keepAliveMsecs: 1_000,
  timeout: idleConnectionMs,
  scheduling: 'lifo',
  maxFreeSockets: 64,
} as const

const fresh = { keepAlive: false } as const

// Said here, because a variable of Node.js (NODE_TLS_REJECT_UNAUTHORIZED) could say otherwise.
const verified = { rejectUnauthorized: true } as const

/** What the connections to an upstream depend on. */
export interface ConnectionOptions {
  readonly tls: Route['tls']
  /** On the way; undefined where the way is direct. */
  readonly proxy: EgressProxy | undefined
  /** For a connection through a proxy, in milliseconds; who makes a direct one watches it. */
  readonly connectMs: number
  readonly log: Log
}

/** The connections to one upstream. */
export interface Connections {
  readonly agent: HttpAgent
  /** Makes a new connection for each request. */
  readonly freshAgent: HttpAgent
  /** Ends all. */
  close(): void
  /** Ends idle ones, and each of the others once its request is done. */
  retire(): void
}

/** Opens no connection yet. Names are resolved anew for each connection. */
export function createConnections(url: UpstreamUrl, { tls, proxy, connectMs, log }: ConnectionOptions): Connections {
  const ages = new ConnectionAges((socket) =>
    Object.values(agent.freeSockets).some((idle) => (idle as Duplex[] | undefined)?.includes(socket)),
  )
  const upstreamTls = url.isTls && tls !== undefined ? new UpstreamTls(tls, { onChange: () => ages.retireAll(), log }) : undefined
  const digging = new Set<() => void>()
  const way: Way = { url, tls: upstreamTls, proxy, connectMs, ages, digging }
  const agent: HttpAgent = url.isTls ? new TlsAgent({ ...pooled, ...verified }, way) : new PlainAgent(pooled, way)
  const freshAgent = url.isTls ? new TlsAgent({ ...fresh, ...verified }, way) : new PlainAgent(fresh, way)
  const timer = upstreamTls && setInterval(() => upstreamTls.refresh(), lookAtFilesMs).unref()
  return {
    agent,
    freshAgent,
    close: () => {
      clearInterval(timer)
      agent.destroy()
      freshAgent.destroy()
      for (const giveUp of digging) giveUp()
    },
    retire: () => {
      clearInterval(timer)
      agent.maxFreeSockets = 0
      ages.retireAll()
    },
  }
}

/** How a connection is made. */
interface Way extends Pick<ConnectionOptions, 'proxy' | 'connectMs'> {
  readonly url: UpstreamUrl
  readonly tls: UpstreamTls | undefined
  readonly ages: ConnectionAges
  /** Ends each of the tunnels that are not there yet, of which no agent knows. */
  readonly digging: Set<() => void>
}

/** What an agent waits for when its connection is not there at once. */
type OnConnection = ((error: Error | null, socket: Duplex) => void) | undefined

class PlainAgent extends HttpAgent {
  readonly #way: Way

  constructor(options: ConstructorParameters<typeof HttpAgent>[0], way: Way) {
    super(options)
    this.#way = way
  }

  override createConnection(options: ClientRequestArgs, onConnection?: OnConnection): Duplex | undefined {
    if (this.#way.proxy !== undefined) return connectThrough(this.#way, this.#way.proxy, onConnection)
    return started(this.#way, super.createConnection(options))
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return this.#way.ages.mayGoOn(socket) && keeps(super.keepSocketAlive(socket))
  }
}

class TlsAgent extends HttpsAgent {
  readonly #way: Way

  constructor(options: ConstructorParameters<typeof HttpsAgent>[0], way: Way) {
    super(options)
    this.#way = way
  }

  override createConnection(options: RequestOptions, onConnection?: OnConnection): Duplex | undefined {
    if (this.#way.proxy !== undefined) return connectThrough(this.#way, this.#way.proxy, onConnection)
    const made = this.#way.tls?.options()
    return started(this.#way, super.createConnection({ ...options, ...made }), made)
  }

  override keepSocketAlive(socket: Duplex): boolean {
    return this.#way.ages.mayGoOn(socket) && keeps(super.keepSocketAlive(socket))
  }
}

/** The platform's declaration says that nothing comes back, its documentation that it decides. */
function keeps(answer: unknown): boolean {
  return answer === true
}

function connectThrough(way: Way, proxy: EgressProxy, onConnection: OnConnection): undefined {
  const { url, connectMs, tls, digging } = way
  const made = tls?.options()
  const giveUp = openTunnel(proxy, url, { timeoutMs: connectMs, tls: made }, (error, socket) => {
    digging.delete(giveUp)
    if (socket !== undefined) started(way, socket, made)
    // The platform takes an error without a connection, whatever its declaration says.
    onConnection?.(error, socket as Duplex)
  })
  digging.add(giveUp)
}

/** @param made what a TLS connection was made with, which may have changed since */
function started(
  { tls, ages }: Pick<Way, 'tls' | 'ages'>,
  socket: Duplex | null | undefined,
  made?: TlsOptions,
): Duplex | undefined {
  if (socket === null || socket === undefined) return undefined
  ages.add(socket)
  if (socket instanceof TLSSocket && made !== undefined && tls?.watch(socket, made) === false) ages.retire(socket)
  return socket
}
