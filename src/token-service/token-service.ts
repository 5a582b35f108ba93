import { isSameConfig } from '../config/same-config.ts'
import type { ListenAddress } from '../config/schema/listen.ts'
import { createAuthenticator } from '../proxy/authentication/authenticator.ts'
import type { IssuerKeysByUri } from '../proxy/authentication/signed-tokens.ts'
import { createListener } from '../proxy/caller/listener.ts'
import { createCallerCheck } from '../proxy/request/caller-check.ts'
import { AccessLog } from '../telemetry/access-log.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import { answer } from './answer.ts'
import type { AnswerParts } from './answer.ts'
import type { TokenServiceConfig } from './token-service-config.ts'

/** What the token service is built from. */
export interface TokenServiceParts {
  readonly tokens: Pick<TokenSources, 'of'>
  readonly metrics: Metrics
  readonly log: Log
}

/** Gives tokens to other proxies, which put them onto requests themselves. */
export interface TokenService {
  /** Starts to listen. @throws the system's error when the address cannot be used */
  open(): Promise<ListenAddress>
  /** Takes another configuration into use, from the next request on. Where it listens stays as it is. */
  use(config: TokenServiceConfig): void
  startDraining(): void
  /** Stops: no new connections, open requests get `graceMs` to finish. */
  close(graceMs: number): Promise<void>
}

/** Builds the token service of a configuration. It is where the tokens are: in the main process, also where workers serve routes. */
export function createTokenService(first: TokenServiceConfig, { tokens, metrics, log }: TokenServiceParts): TokenService {
  const issuers: IssuerKeysByUri = new Map()
  let current = partsOf(first)
  const { listen, tls } = first.token_service
  const listener = createListener(
    { listen, tls, limits: first.limits },
    (exchange) => answer(exchange, current),
    {
      unknown: () => metrics.forTokenService('none', 'none'),
      log,
      recent: undefined,
      accessLog: new AccessLog(log.child({ listener: 'token_service' })),
      accessLogOptions: () => current.config.access_log,
    },
    'token_service.tls',
  )

  function partsOf(config: TokenServiceConfig, before?: AnswerParts): AnswerParts {
    const { callers } = config.token_service
    const isSame = before !== undefined && isSameConfig(before.config.token_service.callers, callers)
    return {
      config,
      callerCheck: createCallerCheck(config.token_service),
      authenticate: isSame ? before.authenticate : createAuthenticator(callers, log, issuers),
      credentials: config.credentials,
      tokens,
      metrics,
    }
  }

  return {
    open: () => listener.open(),
    use: (config) => {
      current = partsOf(config, current)
      listener.use(config)
    },
    startDraining: () => listener.startDraining(),
    close: (graceMs) => listener.close(graceMs),
  }
}
