import { HistogramFamily, NumberFamily } from './instruments.ts'
import type { HistogramSeries, Instrument, Series } from './instruments.ts'
import { requestSeconds } from './request-metrics.ts'
import type { RequestMetrics } from './request-metrics.ts'

/** What became of the one replay; each is explained in docs/metrics.md. */
export const replayOutcomes = [
  'accepted',
  'refused',
  'failed',
  'no_new_token',
  'body_too_large',
  'body_incomplete',
  'off',
] as const
export type ReplayOutcome = (typeof replayOutcomes)[number]

/** Methods that get a label of their own (RFC 9110 9.1, RFC 5789); a caller can make up any other, so those share one. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** The numbers of one route. */
export interface RouteMetrics extends RequestMetrics {
  readonly upstreamDuration: HistogramSeries
  readonly inFlight: Series
  countReplay(outcome: ReplayOutcome): void
}

/** What is told of requests, by route. */
export class RouteFamilies {
  readonly #requests = new NumberFamily('counter', 'bearerd_http_requests_total', 'Answers sent to callers.', [
    'route',
    'method',
    'code',
  ])
  readonly #duration = new HistogramFamily(
    'bearerd_http_request_duration_seconds',
    "From a request's head to the end of its answer.",
    'route',
    requestSeconds,
  )
  readonly #inFlight = new NumberFamily('gauge', 'bearerd_http_requests_in_flight', 'Requests being served.', ['route'])
  readonly #upstreamDuration = new HistogramFamily(
    'bearerd_upstream_duration_seconds',
    "From sending a request upstream to its answer's head, each attempt.",
    'route',
    requestSeconds,
  )
  readonly #replays = new NumberFamily('counter', 'bearerd_replays_total', 'Refused requests, by what became of their replay.', [
    'route',
    'outcome',
  ])
  readonly #routes = new Map<string, RouteMetrics>()

  readonly instruments: readonly Instrument[] = [
    this.#requests,
    this.#duration,
    this.#inFlight,
    this.#upstreamDuration,
    this.#replays,
  ]

  /** The numbers of a route. @param label its configured path, or `none` for requests that match no route */
  of(label: string): RouteMetrics {
    let metrics = this.#routes.get(label)
    if (metrics === undefined) {
      const requests = new Map<string, Series>()
      metrics = {
        countRequest: (method, status) => {
          const key = `${method} ${status}`
          let series = requests.get(key)
          if (series === undefined) {
            series = this.#requests.series(label, methods.has(method) ? method : 'other', String(status))
            // Only known methods are remembered: the others could be any number.
            if (methods.has(method)) requests.set(key, series)
          }
          series.value++
        },
        duration: this.#duration.series(label),
        upstreamDuration: this.#upstreamDuration.series(label),
        inFlight: this.#inFlight.series(label),
        countReplay: (outcome) => void this.#replays.series(label, outcome).value++,
      }
      this.#routes.set(label, metrics)
    }
    return metrics
  }
}
