import { HistogramFamily, NumberFamily } from './instruments.ts'
import type { Instrument } from './instruments.ts'
import { requestSeconds } from './request-metrics.ts'
import type { RequestMetrics } from './request-metrics.ts'

/** What a request of the token service is for; `none`: nothing that there is. */
export type TokenServiceOperation = 'authorize' | 'reject' | 'none'

/** What is told of the token service. */
export class TokenServiceFamilies {
  readonly #requests = new NumberFamily('counter', 'bearerd_token_service_requests_total', 'Answers of the token service.', [
    'credential',
    'operation',
    'code',
  ])
  readonly #duration = new HistogramFamily(
    'bearerd_token_service_request_duration_seconds',
    'Time of an answer of the token service.',
    'operation',
    requestSeconds,
  )
  readonly #services = new Map<string, RequestMetrics>()

  readonly instruments: readonly Instrument[] = [this.#requests, this.#duration]

  /** The numbers of what the token service is asked. @param credential its name in the configuration, or `none` */
  of(operation: TokenServiceOperation, credential: string): RequestMetrics {
    const key = `${operation} ${credential}`
    let metrics = this.#services.get(key)
    if (metrics === undefined) {
      metrics = {
        countRequest: (_method, status) => void this.#requests.series(credential, operation, String(status)).value++,
        duration: this.#duration.series(operation),
      }
      this.#services.set(key, metrics)
    }
    return metrics
  }
}
