import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Route } from '../../config/config.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import type { TokenEndpointGuard } from '../routing/token-endpoint-guard.ts'
import { ConnectionSlots } from './connection-slots.ts'

/**
 * Idle connections are dropped before a usual server would do so (5 s and more): a request on a connection that the other side
 * has just closed is lost. A shorter `Keep-Alive: timeout` of the upstream is honoured by the agent.
 */
const idleConnectionMs = 4_000

/** One upstream and the connections to it. */
export interface Upstream extends UpstreamUrl {
  readonly agent: HttpAgent
  /** For a second attempt after a stale connection: always a new one. */
  readonly freshAgent: HttpAgent
  readonly slots: ConnectionSlots
  readonly timeouts: Route['timeouts']
  readonly tokenEndpointGuard: TokenEndpointGuard
  /** Ends all connections. */
  close(): void
  /** Ends idle connections, and each of the others once its request is done. */
  retire(): void
}

/** Opens no connection yet. TLS is always verified, against the system's authorities and the upstream's name. */
export function createUpstream(
  url: UpstreamUrl,
  { max_connections, timeouts }: Pick<Route, 'max_connections' | 'timeouts'>,
  tokenEndpointGuard: TokenEndpointGuard,
): Upstream {
  const pooled = {
    keepAlive: true,
    keepAliveMsecs: 1_000,
    timeout: idleConnectionMs,
    scheduling: 'lifo',
    maxFreeSockets: 64,
  } as const
  const fresh = { keepAlive: false } as const
  const agent = url.isTls ? new HttpsAgent(pooled) : new HttpAgent(pooled)
  const freshAgent = url.isTls ? new HttpsAgent(fresh) : new HttpAgent(fresh)
  return {
    ...url,
    agent,
    freshAgent,
    slots: new ConnectionSlots(max_connections),
    timeouts,
    tokenEndpointGuard,
    close: () => {
      agent.destroy()
      freshAgent.destroy()
    },
    retire: () => {
      agent.maxFreeSockets = 0
      for (const idle of Object.values(agent.freeSockets)) for (const socket of idle ?? []) socket.destroy()
    },
  }
}
