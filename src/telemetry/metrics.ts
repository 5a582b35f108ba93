import { HistogramFamily, NumberFamily } from './instruments.ts'
import type { HistogramSeries, Instrument, Series } from './instruments.ts'

/** What became of a token request. */
export type TokenRequestOutcome = 'success' | 'refused' | 'unavailable'
/** What a caller's request found: a usable token, a wait for a token request that then succeeded, or no token. */
export type TokenLookupResult = 'hit' | 'wait' | 'error'

/** Why a refusal of a token did or did not lead to a new one; each is explained in docs/metrics.md. */
export const rejectionOutcomes = [
  'renewed',
  'newer',
  'same_token',
  'too_young',
  'pointless',
  'cool_down',
  'back_off',
  'budget',
  'failed',
] as const
export type RejectionOutcome = (typeof rejectionOutcomes)[number]

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

const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
const tokenRequestSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** What a request of the token service is for; `none`: nothing that there is. */
export type TokenServiceOperation = 'authorize' | 'reject' | 'none'

/** What is counted of any request, looked up once so that a request only adds to it. */
export interface RequestMetrics {
  countRequest(method: string, status: number): void
  readonly duration: HistogramSeries
}

/** The numbers of one route. */
export interface RouteMetrics extends RequestMetrics {
  readonly upstreamDuration: HistogramSeries
  readonly inFlight: Series
  countReplay(outcome: ReplayOutcome): void
}

/** The numbers of one credential. */
export interface CredentialMetrics {
  countTokenRequest(outcome: TokenRequestOutcome): void
  readonly tokenRequestDuration: HistogramSeries
  readonly lookups: Readonly<Record<TokenLookupResult, Series>>
  countRejection(outcome: RejectionOutcome): void
  /** Seconds since the epoch; 0 while there is no token. */
  readonly expiry: Series
  readonly renewal: Series
  readonly lastSuccess: Series
  /** For credentials that have a budget: how much is left of how much; the first is asked at each scrape. */
  showBudget(remaining: () => number, limit: number): void
}

/** Every metric of bearerd, declared once. Labels hold configured names only, never a URL, a token or a client id. */
export class Metrics {
  readonly #buildInfo = new NumberFamily('gauge', 'bearerd_build_info', 'The version that runs; always 1.', ['version'])
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
  readonly #tokenRequests = new NumberFamily('counter', 'bearerd_token_requests_total', 'Requests to the token endpoint.', [
    'credential',
    'outcome',
  ])
  readonly #tokenRequestDuration = new HistogramFamily(
    'bearerd_token_request_duration_seconds',
    'Time of a token request, from connecting to the last byte.',
    'credential',
    tokenRequestSeconds,
  )
  readonly #lookups = new NumberFamily(
    'counter',
    'bearerd_token_lookups_total',
    'Requests that needed a token, by what they found.',
    ['credential', 'result'],
  )
  readonly #expiry = new NumberFamily(
    'gauge',
    'bearerd_token_expiry_timestamp_seconds',
    'When the current token expires; 0 without one.',
    ['credential'],
  )
  readonly #renewal = new NumberFamily(
    'gauge',
    'bearerd_token_renewal_timestamp_seconds',
    'From when on the current token is renewed while it is in use; 0 without one.',
    ['credential'],
  )
  readonly #rejections = new NumberFamily(
    'counter',
    'bearerd_token_rejections_total',
    'Tokens refused by an upstream, by what followed.',
    ['credential', 'outcome'],
  )
  readonly #lastSuccess = new NumberFamily(
    'gauge',
    'bearerd_token_last_success_timestamp_seconds',
    'When the last token was obtained.',
    ['credential'],
  )
  readonly #budget = new NumberFamily('gauge', 'bearerd_token_budget_remaining', 'Token requests left in the current window.', [
    'credential',
  ])
  readonly #budgetLimit = new NumberFamily('gauge', 'bearerd_token_budget_limit', 'Token requests that fit into a window.', [
    'credential',
  ])
  readonly #serviceRequests = new NumberFamily(
    'counter',
    'bearerd_token_service_requests_total',
    'Answers of the token service.',
    ['credential', 'operation', 'code'],
  )
  readonly #serviceDuration = new HistogramFamily(
    'bearerd_token_service_request_duration_seconds',
    'Time of an answer of the token service.',
    'operation',
    requestSeconds,
  )
  readonly #storeUp = new NumberFamily('gauge', 'bearerd_token_store_up', 'Whether the token store answers.', ['store'])
  readonly #reloadSuccessful = new NumberFamily(
    'gauge',
    'bearerd_config_last_reload_successful',
    'Whether the last configuration read was valid.',
  )
  readonly #reloadTime = new NumberFamily(
    'gauge',
    'bearerd_config_last_reload_success_timestamp_seconds',
    'When a configuration was last taken into use.',
  )
  readonly #memoryLimit = new NumberFamily(
    'gauge',
    'bearerd_memory_limit_bytes',
    'Memory that the container or service may use, all processes together.',
  )

  /** All of them, in the order in which they are written out. */
  readonly instruments: readonly Instrument[] = [
    this.#buildInfo,
    this.#requests,
    this.#duration,
    this.#inFlight,
    this.#upstreamDuration,
    this.#replays,
    this.#tokenRequests,
    this.#tokenRequestDuration,
    this.#lookups,
    this.#expiry,
    this.#rejections,
    this.#lastSuccess,
    this.#budget,
    this.#serviceRequests,
    this.#serviceDuration,
    this.#storeUp,
    this.#reloadSuccessful,
    this.#reloadTime,
    this.#renewal,
    this.#budgetLimit,
    this.#memoryLimit,
  ]

  /** Those that are counted where requests are served: with several workers, in each of them. */
  readonly ofRequests: readonly Instrument[] = [
    this.#requests,
    this.#duration,
    this.#inFlight,
    this.#upstreamDuration,
    this.#replays,
    this.#lookups,
  ]

  readonly #routes = new Map<string, RouteMetrics>()
  readonly #credentials = new Map<string, CredentialMetrics>()
  readonly #services = new Map<string, RequestMetrics>()

  constructor(version: string) {
    this.#buildInfo.series(version).value = 1
  }

  /** The numbers of a route. @param label its configured path, or `none` for requests that match no route */
  forRoute(label: string): RouteMetrics {
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

  /** The numbers of what the token service is asked. @param credential its name in the configuration, or `none` */
  forTokenService(operation: TokenServiceOperation, credential: string): RequestMetrics {
    const key = `${operation} ${credential}`
    let metrics = this.#services.get(key)
    if (metrics === undefined) {
      metrics = {
        countRequest: (_method, status) => void this.#serviceRequests.series(credential, operation, String(status)).value++,
        duration: this.#serviceDuration.series(operation),
      }
      this.#services.set(key, metrics)
    }
    return metrics
  }

  /** The numbers of a credential. @param name its name in the configuration */
  forCredential(name: string): CredentialMetrics {
    let metrics = this.#credentials.get(name)
    if (metrics === undefined) {
      metrics = {
        countTokenRequest: (outcome) => void this.#tokenRequests.series(name, outcome).value++,
        tokenRequestDuration: this.#tokenRequestDuration.series(name),
        lookups: {
          hit: this.#lookups.series(name, 'hit'),
          wait: this.#lookups.series(name, 'wait'),
          error: this.#lookups.series(name, 'error'),
        },
        countRejection: (outcome) => void this.#rejections.series(name, outcome).value++,
        expiry: this.#expiry.series(name),
        renewal: this.#renewal.series(name),
        lastSuccess: this.#lastSuccess.series(name),
        showBudget: (remaining, limit) => {
          this.#budget.derive([name], remaining)
          this.#budgetLimit.series(name).value = limit
        },
      }
      // A rate over a series that appears with its first event misses that event, so the important ones start at 0.
      for (const outcome of ['success', 'refused', 'unavailable'] as const) this.#tokenRequests.series(name, outcome)
      this.#credentials.set(name, metrics)
    }
    return metrics
  }

  /**
   * A credential is gone, or another one under its name: what is said of its token now must not be the last that was said of the
   * old one. Counters stay.
   */
  forgetCredential(name: string): void {
    const ofTheToken = [this.#expiry, this.#renewal, this.#lastSuccess, this.#budget, this.#budgetLimit]
    for (const family of ofTheToken) family.drop(name)
    this.#credentials.delete(name)
  }

  /** Records whether a token store answers. */
  setStoreUp(store: string, isUp: boolean): void {
    this.#storeUp.series(store).value = isUp ? 1 : 0
  }

  /** Records that a configuration was taken into use, or that one was refused. @param epochMs milliseconds since the epoch */
  recordReload(successful: boolean, epochMs: number): void {
    this.#reloadSuccessful.series().value = successful ? 1 : 0
    if (successful) this.#reloadTime.series().value = epochMs / 1000
  }

  /** Shows the limit that the platform sets. @param bytes undefined where there is none */
  showMemoryLimit(bytes: number | undefined): void {
    if (bytes !== undefined) this.#memoryLimit.series().value = bytes
  }
}
