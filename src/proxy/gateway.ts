import type { Socket } from 'node:net'
import type { Config, Credential } from '../config/config.ts'
import { isSameConfig } from '../config/same-config.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import type { Identity } from '../oauth/identity.ts'
import { AccessLog } from '../telemetry/access-log.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { TokenSupply } from '../tokens/token-supply.ts'
import { createAuthenticator } from './authentication/authenticator.ts'
import type { IssuerKeysByUri } from './authentication/signed-tokens.ts'
import { createCallerCheck } from './request/caller-check.ts'
import { forward } from './forward.ts'
import type { ForwardingParts } from './forward.ts'
import { createListener } from './caller/listener.ts'
import { RecentRequests } from './caller/recent-requests.ts'
import { ReplayMemory } from './replay/replay-copy.ts'
import { createRouteTable } from './routing/route-table.ts'
import { UpstreamsByRoute } from './upstream/upstreams-by-route.ts'

/** What the gateway is built from. */
export interface GatewayParts {
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Log
  readonly tokenSource: (credential: Credential, identity: Identity) => TokenSupply
  /** Undefined when no OpenTelemetry SDK was loaded. */
  readonly tracer: Tracer | undefined
}

/** The data path: listener, routes, forwarding, upstream connections. */
export interface Gateway {
  readonly recent: RecentRequests
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<ListenAddress>
  /** Gets ready for connections that another process accepts, in place of listening. @returns what takes one over */
  receive(): (socket: Socket) => void
  /**
   * Makes ready for another configuration, and changes nothing yet. Upstreams that have not changed keep their connections. Where it
   * listens stays as it is.
   * @throws what stands in the way
   */
  prepare(config: Config): Prepared
  startDraining(): void
  /** Stops: no new connections, open requests get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** A configuration that is ready; one of the two has to follow. */
export interface Prepared {
  /** Takes it into use, from the next request on; requests under way finish with theirs. It cannot fail. */
  readonly commit: () => void
  /** Leaves it: the one before stays. */
  readonly abandon: () => void
}

/** Builds the data path of a configuration. */
export function createGateway({ config: first, metrics, log, tokenSource, tracer }: GatewayParts): Gateway {
  const recent = new RecentRequests()
  const common = { metrics, log, tokenSource, tracer, issuers: new Map() }
  let current = generationOf(first, common)
  const listener = createListener(first, (exchange) => forward(exchange, current.parts), {
    unknown: () => metrics.forRoute('none'),
    log,
    recent,
    accessLog: new AccessLog(log),
    accessLogOptions: () => current.config.access_log,
  })
  return {
    recent,
    open: () => listener.open(),
    receive: () => listener.receive(),
    prepare: (config) => {
      const next = generationOf(config, common, current)
      return {
        commit: () => {
          const before = current
          current = next
          listener.use(config)
          before.upstreams.retireAllBut(next.upstreams)
        },
        abandon: () => next.upstreams.retireAllBut(current.upstreams),
      }
    },
    startDraining: () => listener.startDraining(),
    close: async (graceMs) => {
      await listener.close(graceMs)
      current.upstreams.close()
    },
  }
}

/** All that requests are served with under one configuration. */
interface Generation {
  readonly config: Config
  readonly upstreams: UpstreamsByRoute
  readonly parts: ForwardingParts
}

/** @param before of which is taken over what has not changed */
function generationOf(
  config: Config,
  { metrics, log, tokenSource, tracer, issuers }: Omit<GatewayParts, 'config'> & { readonly issuers: IssuerKeysByUri },
  before?: Generation,
): Generation {
  const upstreams = new UpstreamsByRoute(config, log, before?.upstreams)
  const isSame = (key: keyof Config): boolean => isSameConfig(before?.config[key], config[key])
  const parts: ForwardingParts = {
    limits: config.limits,
    via: config.via,
    tracing: { mode: config.tracing.traceparent, tracer },
    metrics,
    callerCheck: createCallerCheck(config),
    authenticate:
      before !== undefined && isSame('callers') ? before.parts.authenticate : createAuthenticator(config.callers, log, issuers),
    findRoute: createRouteTable(config.routes),
    replayMemory:
      before !== undefined && isSame('replay_memory') ? before.parts.replayMemory : new ReplayMemory(config.replay_memory),
    tokenSource,
    upstreams: (route) => upstreams.of(route),
  }
  return { config, upstreams, parts }
}
