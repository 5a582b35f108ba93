import type { Config } from '../config/config.ts'
import type { RequestRecord } from '../proxy/caller/recent-requests.ts'
import type { Expose } from '../telemetry/exposition.ts'
import type { Log } from '../telemetry/log.ts'
import type { RouteHistory } from '../telemetry/route-history.ts'
import type { TokenSources } from '../tokens/token-sources.ts'

/** What the admin interface sees of the gateway, and may do. */
export interface GatewayView {
  readonly version: string
  readonly startedEpochMs: number
  /** The one in use. */
  readonly config: Config
  readonly tokens: TokenSources
  /** Newest first. */
  recentRequests(): Promise<readonly RequestRecord[]>
  /** What went through the routes. Where there are workers, as of the last time that they were asked. */
  readonly routeHistory: RouteHistory
  /** By part; the gateway is ready when all are. */
  readiness(): Readonly<Record<string, boolean>>
  readonly expose: Expose
  /** Reads the configuration again; undefined where it does not come from a file. */
  readonly reload: (() => Promise<ReloadResult>) | undefined
  /** What became of the last configuration that was read, the first one included. */
  lastReload(): { readonly atEpochMs: number } & ReloadResult
  /** Told of errors inside the admin interface. */
  readonly log: Log
}

/** What became of a configuration that was read again. */
export interface ReloadResult {
  /** Otherwise the one before stays. */
  readonly isUsed: boolean
  /** One line each, as `bearerd check` shows them. */
  readonly problems: readonly string[]
}
