import type { Config } from '../config/config.ts'
import { createGrantRequest } from '../oauth/request-grant.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { traceGrantRequests } from '../oauth/traced-grant-request.ts'
import { createRevocation } from '../oauth/revocation.ts'
import { createTokenTransport } from '../oauth/token-transport.ts'
import type { TokenTransport } from '../oauth/token-transport.ts'
import type { Log } from '../telemetry/log.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import { systemClock } from '../tokens/clock.ts'
import type { StoreReports } from '../tokens/store/store-reports.ts'
import { TokenSources } from '../tokens/token-sources.ts'
import { openStore } from './open-store.ts'

/** How long token requests under way may take at the end: a refresh token whose successor is thrown away is lost. */
const settleMs = 10_000

/** What tokens are got with and told to. */
export interface OpenTokensParts {
  readonly metrics: Metrics
  readonly log: Log
  readonly version: string
  /** Told of token requests; undefined when no OpenTelemetry SDK was loaded. */
  readonly tracer?: Tracer | undefined
  /** In place of the usual one, for whoever looks at the answers too. */
  readonly makeGrantRequest?: (transport: TokenTransport, epochMs: () => number) => RequestGrant
  /** Told of the store, besides the metrics. */
  readonly onStore?: StoreReports['onUp']
}

/** Tokens, and what they are got with and kept in. */
export interface OpenTokens {
  readonly tokens: TokenSources
  /** Waits, within bounds, for token requests under way. */
  settle(): Promise<void>
  /** Lets go of the store and of the connections to token endpoints. */
  close(): Promise<void>
}

/**
 * Makes the sources of some credentials, with the store and the limits of a configuration.
 * @throws OperationError when the store cannot work as configured
 */
export async function openTokens(
  config: Pick<Config, 'credentials' | 'token_store'>,
  { metrics, log, version, tracer, makeGrantRequest = createGrantRequest, onStore }: OpenTokensParts,
): Promise<OpenTokens> {
  const common = { clock: systemClock, random: Math.random, log }
  const epochMs = (): number => systemClock.epochMs()
  const transport = createTokenTransport(`bearerd/${version}`)
  const onUp: StoreReports['onUp'] = (name, isUp, reason) => {
    metrics.setStoreUp(name, isUp)
    onStore?.(name, isUp, reason)
  }
  const store = await openStore(config, { ...common, onUp })
  const requestGrant = makeGrantRequest(transport, epochMs)
  const tokens = new TokenSources(config.credentials, {
    ...common,
    requestGrant: tracer === undefined ? requestGrant : traceGrantRequests(requestGrant, tracer),
    revokeToken: createRevocation(transport, epochMs),
    store,
    metrics,
    maxTokens: config.token_store.max_tokens,
  })
  return {
    tokens,
    settle: () => tokens.settle(settleMs),
    close: async () => {
      await store.close()
      await transport.close()
    },
  }
}
