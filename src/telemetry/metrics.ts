import { CredentialFamilies } from './credential-metrics.ts'
import type { CredentialMetrics } from './credential-metrics.ts'
import { NumberFamily } from './instruments.ts'
import type { Instrument } from './instruments.ts'
import type { RequestMetrics } from './request-metrics.ts'
import { RouteFamilies } from './route-metrics.ts'
import type { RouteMetrics } from './route-metrics.ts'
import { TokenServiceFamilies } from './token-service-metrics.ts'
import type { TokenServiceOperation } from './token-service-metrics.ts'

/** Every metric of bearerd, declared once. Labels hold configured names only, never a URL, a token or a client id. */
export class Metrics {
  readonly #buildInfo = new NumberFamily('gauge', 'bearerd_build_info', 'The version that runs; always 1.', ['version'])
  readonly #routes = new RouteFamilies()
  readonly #credentials = new CredentialFamilies()
  readonly #tokenService = new TokenServiceFamilies()
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
    ...this.#routes.instruments,
    ...this.#credentials.instruments,
    ...this.#tokenService.instruments,
    this.#storeUp,
    this.#reloadSuccessful,
    this.#reloadTime,
    this.#memoryLimit,
  ]

  /** Those that are counted where requests are served: with several workers, in each of them. */
  readonly ofRequests: readonly Instrument[] = [...this.#routes.instruments, ...this.#credentials.ofRequests]

  constructor(version: string) {
    this.#buildInfo.series(version).value = 1
  }

  /** The numbers of a route. @param label its configured path, or `none` for requests that match no route */
  forRoute(label: string): RouteMetrics {
    return this.#routes.of(label)
  }

  /** The numbers of what the token service is asked. @param credential its name in the configuration, or `none` */
  forTokenService(operation: TokenServiceOperation, credential: string): RequestMetrics {
    return this.#tokenService.of(operation, credential)
  }

  /** The numbers of a credential. @param name its name in the configuration */
  forCredential(name: string): CredentialMetrics {
    return this.#credentials.of(name)
  }

  /** A credential is gone, or another one under its name: what is said of its token is forgotten. Counters stay. */
  forgetCredential(name: string): void {
    this.#credentials.forget(name)
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
