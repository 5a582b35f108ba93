import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { Route } from '../../config/config.ts'
import { ConnectionSlots } from './connection-slots.ts'

/**
 * Idle connections are dropped before a usual server would do so (5 s and more): a request on a connection that the other side
 * has just closed is lost. A shorter `Keep-Alive: timeout` of the upstream is honoured by the agent.
 */
const idleConnectionMs = 4_000

/** The connections to one upstream. */
export interface Upstream {
  readonly hostname: string
  readonly port: number
  readonly isTls: boolean
  readonly agent: HttpAgent
  /** For a second attempt after a stale connection: always a new one. */
  readonly freshAgent: HttpAgent
  readonly slots: ConnectionSlots
  readonly timeouts: Route['timeouts']
  close(): void
}

/** Opens no connection yet. TLS is always verified, against the system's authorities and the upstream's name. */
export function createUpstream({ upstream, max_connections, timeouts }: Route): Upstream {
  const pooled = {
    keepAlive: true,
    keepAliveMsecs: 1_000,
    timeout: idleConnectionMs,
    scheduling: 'lifo',
    maxFreeSockets: 64,
  } as const
  const fresh = { keepAlive: false } as const
  const agent = upstream.isTls ? new HttpsAgent(pooled) : new HttpAgent(pooled)
  const freshAgent = upstream.isTls ? new HttpsAgent(fresh) : new HttpAgent(fresh)
  return {
    hostname: upstream.hostname,
    port: upstream.port,
    isTls: upstream.isTls,
    agent,
    freshAgent,
    slots: new ConnectionSlots(max_connections),
    timeouts,
    close: () => {
      agent.destroy()
      freshAgent.destroy()
    },
  }
}
