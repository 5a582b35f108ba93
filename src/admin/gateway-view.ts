import type { Config } from '../config/config.ts'
import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Expose } from '../telemetry/exposition.ts'
import type { Log } from '../telemetry/log.ts'
import type { TokenSources } from '../tokens/token-sources.ts'

/** What the admin interface sees of the gateway, and may do. */
export interface GatewayView {
  readonly version: string
  readonly startedEpochMs: number
  readonly config: Config
  readonly tokens: TokenSources
  recentRequests(): readonly RequestRecord[]
  /** By part; the gateway is ready when all are. */
  readiness(): Readonly<Record<string, boolean>>
  readonly expose: Expose
  /** Told of errors inside the admin interface. */
  readonly log: Log
}
