import { shownUpstream } from '../config/schema/upstream.ts'
import type { RouteFigures } from '../telemetry/route-history.ts'
import { credentialStatus } from './credential-status.ts'
import type { CredentialStatus } from './credential-status.ts'
import type { GatewayView } from './gateway-view.ts'
import { rounded, toRfc3339 } from './moments.ts'
import { requestStatus } from './request-status.ts'
import type { RequestStatus } from './request-status.ts'

/** The state of the gateway, as `GET /status` gives it; moments are RFC 3339. Never a secret. */
export interface Status {
  readonly version: string
  readonly uptime_seconds: number
  readonly ready: boolean
  readonly configuration: {
    readonly file: string
    /** When it was last read, and whether what was read is in use. */
    readonly read: string
    readonly in_use: boolean
    /** Whether it comes from a file, and `POST /reload` reads that again. */
    readonly reloadable: boolean
    readonly problems: readonly string[]
  }
  readonly routes: readonly RouteStatus[]
  readonly credentials: readonly CredentialStatus[]
  readonly recent_requests: readonly RequestStatus[]
}

/** One route. */
export interface RouteStatus {
  readonly path: string
  readonly upstream: string
  readonly credential: string | null
  /** Requests that are being served. */
  readonly in_flight: number
  /** What went through it in the last hour; null when nothing did. */
  readonly last_hour: {
    readonly requests: number
    readonly client_errors: number
    readonly server_errors: number
    /** Refused tokens, and how many of them the replay made up for. */
    readonly refusals: number
    readonly replays: number
    /** Within which half of the requests, and 95 of 100, had their whole answer; estimated from the buckets of the histogram. */
    readonly p50_ms: number
    readonly p95_ms: number
  } | null
}

/** Puts together what is shown of the gateway. */
export async function statusOf(view: GatewayView): Promise<Status> {
  const recentRequests = await view.recentRequests()
  view.routeHistory.look()
  return {
    version: view.version,
    uptime_seconds: Math.round((Date.now() - view.startedEpochMs) / 1000),
    ready: Object.values(view.readiness()).every(Boolean),
    configuration: configurationStatus(view),
    routes: view.config.routes.map(({ label, upstream, credential }) => ({
      path: label,
      upstream: shownUpstream(upstream),
      credential: credential?.name ?? null,
      in_flight: view.routeHistory.inFlight(label),
      last_hour: lastHour(view.routeHistory.lastHour(label)),
    })),
    credentials: [...view.config.credentials.values()].map((credential) => credentialStatus(view.tokens, credential)),
    recent_requests: recentRequests.map(requestStatus),
  }
}

function lastHour(figures: RouteFigures | undefined): RouteStatus['last_hour'] {
  if (figures === undefined) return null
  const { requests, clientErrors, serverErrors, refusals, replays, p50Ms = 0, p95Ms = 0 } = figures
  return {
    requests,
    client_errors: clientErrors,
    server_errors: serverErrors,
    refusals,
    replays,
    p50_ms: rounded(p50Ms),
    p95_ms: rounded(p95Ms),
  }
}

function configurationStatus(view: GatewayView): Status['configuration'] {
  const { atEpochMs, isUsed, problems } = view.lastReload()
  return { file: view.config.file, read: toRfc3339(atEpochMs), in_use: isUsed, reloadable: view.reload !== undefined, problems }
}
