import type { AddressInfo } from 'node:net'
import type { Config, Credential, Route } from '../config/config.ts'
import type { Identity } from '../oauth/identity.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { TokenSource } from '../tokens/token-source.ts'
import { createCallerCheck } from './request/caller-check.ts'
import { forward } from './forward.ts'
import type { ForwardingParts } from './forward.ts'
import { createListener } from './caller/listener.ts'
import { RecentRequests } from './caller/recent-requests.ts'
import { ReplayMemory } from './replay/replay-copy.ts'
import { createRouteTable } from './routing/route-table.ts'
import { createRouteUpstreams } from './upstream/route-upstreams.ts'

/** What the gateway is built from. */
export interface GatewayParts {
  readonly config: Config
  readonly metrics: Metrics
  readonly log: Log
  readonly tokenSource: (credential: Credential, identity: Identity) => TokenSource
}

/** The data path: listener, routes, forwarding, upstream connections. */
export interface Gateway {
  readonly recent: RecentRequests
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<AddressInfo>
  startDraining(): void
  /** Stops: no new connections, open requests get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** Builds the data path of a configuration. */
export function createGateway({ config, metrics, log, tokenSource }: GatewayParts): Gateway {
  const recent = new RecentRequests()
  const upstreams = perRoute(config.routes, (route) => createRouteUpstreams(route, config.credentials, log))
  const parts: ForwardingParts = {
    limits: config.limits,
    via: config.via,
    metrics,
    callerCheck: createCallerCheck(config),
    findRoute: createRouteTable(config.routes),
    replayMemory: new ReplayMemory(config.replay_memory),
    tokenSource,
    upstreams,
  }
  const listener = createListener(config, (exchange) => forward(exchange, parts), {
    metrics,
    log,
    recent,
    accessLog: config.access_log,
  })
  return {
    recent,
    open: () => listener.open(),
    startDraining: () => listener.startDraining(),
    close: async (graceMs) => {
      await listener.close(graceMs)
      for (const route of config.routes) upstreams(route).close()
    },
  }
}

/** Makes something for each route beforehand; a look-up is all that a request pays. */
function perRoute<Thing>(routes: readonly Route[], make: (route: Route) => Thing): (route: Route) => Thing {
  const things = new Map(routes.map((route) => [route, make(route)]))
  return (route) => {
    const thing = things.get(route)
    if (thing === undefined) throw new TypeError(`unknown route ${route.label}`)
    return thing
  }
}
