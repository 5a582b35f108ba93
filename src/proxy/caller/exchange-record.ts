import type { Config } from '../../config/config.ts'
import type { AccessLog } from '../../telemetry/access-log.ts'
import type { Log } from '../../telemetry/log.ts'
import type { RequestMetrics } from '../../telemetry/request-metrics.ts'
import type { Exchange } from './exchange.ts'
import type { RecentRequests } from './recent-requests.ts'

/** nginx's number for a caller that left before its answer; never sent, only counted and logged. */
const callerGoneStatus = 499

/** Where finished exchanges are told. */
export interface ExchangeRecorders {
  /** The numbers of requests of which nobody knows what they are for. */
  readonly unknown: () => RequestMetrics
  readonly log: Log
  /** Undefined where they are not shown. */
  readonly recent: RecentRequests | undefined
  readonly accessLog: AccessLog
  /** What of the exchanges is logged. */
  readonly accessLogOptions: () => Config['access_log']
}

/** Tells metrics, access log and status page of a finished exchange. The query is told only where the configuration allows it. */
export function recordExchange(exchange: Exchange, { unknown, recent, accessLog, accessLogOptions }: ExchangeRecorders): void {
  const { request, response, id, caller, route, path, tokenWay: token, replay, upstreamStatus, upstreamMs, error } = exchange
  const method = request.method ?? ''
  const durationMs = performance.now() - exchange.startedMs
  const status = exchange.isTunnel ? 101 : exchange.isGone ? callerGoneStatus : response.statusCode

  const metrics = exchange.metrics ?? unknown()
  metrics.countRequest(method, status)
  metrics.duration.observe(durationMs / 1000)
  if (exchange.routeMetrics !== undefined) exchange.routeMetrics.inFlight.value--

  const { mode, query: tellsQuery } = accessLogOptions()
  const query = tellsQuery ? exchange.query : undefined
  recent?.add({
    id,
    atEpochMs: exchange.startedEpochMs,
    caller,
    route,
    method,
    path,
    query,
    status,
    durationMs,
    token,
    replay,
    upstreamStatus,
    upstreamMs,
    sentAfterMs: exchange.sentAfterMs,
    refusedCall: exchange.refusedCall,
    error,
  })
  exchange.trace?.end({ status, error, route })
  if (mode === 'off' || (mode === 'errors' && status < 400)) return
  accessLog.write({
    request_id: id,
    trace_id: exchange.trace?.id,
    caller,
    route,
    method,
    path,
    query,
    status,
    duration_ms: durationMs,
    token,
    replay,
    upstream: exchange.upstream,
    upstream_status: upstreamStatus,
    upstream_ms: upstreamMs,
    error,
  })
}
