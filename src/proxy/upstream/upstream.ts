import type { Agent } from 'node:http'
import type { Route } from '../../config/config.ts'
import { proxyOf } from '../../config/egress-proxy.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import type { Log } from '../../telemetry/log.ts'
import type { TokenEndpointGuard } from '../routing/token-endpoint-guard.ts'
import { ConnectionSlots } from './connection-slots.ts'
import { createConnections } from './connections.ts'

/** One upstream and the connections to it. */
export interface Upstream extends UpstreamUrl {
  readonly agent: Agent
  /** For a second attempt after a stale connection: always a new one. */
  readonly freshAgent: Agent
  /** Whether there is an egress proxy on the way; a connection is then handed over when it is ready. */
  readonly isTunnelled: boolean
  readonly slots: ConnectionSlots
  readonly timeouts: Route['timeouts']
  readonly tokenEndpointGuard: TokenEndpointGuard
  /** Ends all connections. */
  close(): void
  /** Ends idle connections, and each of the others once its request is done. */
  retire(): void
}

/** Opens no connection yet. TLS is always verified, against the upstream's name unless `tls.server_name` gives another. */
export function createUpstream(
  url: UpstreamUrl,
  { max_connections, timeouts, tls, proxy: choice }: Pick<Route, 'max_connections' | 'timeouts' | 'tls' | 'proxy'>,
  tokenEndpointGuard: TokenEndpointGuard,
  log: Log,
): Upstream {
  const proxy = proxyOf(choice, url)
  return {
    ...url,
    ...createConnections(url, { tls, proxy, connectMs: timeouts.connect, log }),
    isTunnelled: proxy !== undefined,
    slots: new ConnectionSlots(max_connections),
    timeouts,
    tokenEndpointGuard,
  }
}
