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

const tokenRequestSeconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

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

/** What is told of tokens, by credential. */
export class CredentialFamilies {
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
  readonly #credentials = new Map<string, CredentialMetrics>()

  readonly instruments: readonly Instrument[] = [
    this.#tokenRequests,
    this.#tokenRequestDuration,
    this.#lookups,
    this.#expiry,
    this.#renewal,
    this.#rejections,
    this.#lastSuccess,
    this.#budget,
    this.#budgetLimit,
  ]

  /** Those that are counted where requests are served. */
  readonly ofRequests: readonly Instrument[] = [this.#lookups]

  /** The numbers of a credential. @param name its name in the configuration */
  of(name: string): CredentialMetrics {
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
  forget(name: string): void {
    const ofTheToken = [this.#expiry, this.#renewal, this.#lastSuccess, this.#budget, this.#budgetLimit]
    for (const family of ofTheToken) family.drop(name)
    this.#credentials.delete(name)
  }
}
