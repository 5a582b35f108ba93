import type { Config, Credential } from '../config/config.ts'
import { isSameConfig } from '../config/same-config.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import type { Identity } from '../oauth/identity.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { TokenSource } from '../tokens/token-source.ts'
import { createAuthenticator } from './authentication/authenticator.ts'
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
  readonly tokenSource: (credential: Credential, identity: Identity) => TokenSource
}

/** The data path: listener, routes, forwarding, upstream connections. */
export interface Gateway {
  readonly recent: RecentRequests
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<ListenAddress>
  /**
   * Takes another configuration into use, from the next request on; requests under way finish with theirs. Upstreams that have not
   * changed keep their connections. Where it listens stays as it is.
   */
  use(config: Config): void
  startDraining(): void
  /** Stops: no new connections, open requests get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** Builds the data path of a configuration. */
export function createGateway({ config: first, metrics, log, tokenSource }: GatewayParts): Gateway {
  const recent = new RecentRequests()
  let config = first
  let replayMemory = new ReplayMemory(config.replay_memory)
  let authenticate = createAuthenticator(config.callers, log)
  let upstreams = new UpstreamsByRoute(config, log)
  const partsOf = (): ForwardingParts => {
    const current = upstreams
    return {
      limits: config.limits,
      via: config.via,
      metrics,
      callerCheck: createCallerCheck(config),
      authenticate,
      findRoute: createRouteTable(config.routes),
      replayMemory,
      tokenSource,
      upstreams: (route) => current.of(route),
    }
  }
  let parts = partsOf()
  const listener = createListener(config, (exchange) => forward(exchange, parts), {
    metrics,
    log,
    recent,
    accessLog: () => config.access_log,
  })
  return {
    recent,
    open: () => listener.open(),
    use: (next) => {
      const before = upstreams
      if (!isSameConfig(next.replay_memory, config.replay_memory)) replayMemory = new ReplayMemory(next.replay_memory)
      // Otherwise the keys of issuers and the tokens seen are still good.
      if (!isSameConfig(next.callers, config.callers)) authenticate = createAuthenticator(next.callers, log)
      config = next
      upstreams = new UpstreamsByRoute(config, log, before)
      parts = partsOf()
      listener.use(config)
      before.retireAllBut(upstreams)
    },
    startDraining: () => listener.startDraining(),
    close: async (graceMs) => {
      await listener.close(graceMs)
      upstreams.close()
    },
  }
}
