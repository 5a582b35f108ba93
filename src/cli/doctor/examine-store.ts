import type { Config } from '../../config/config.ts'
import { TimeLimitError, withinTime } from '../../network/time-limit.ts'
import type { Metrics } from '../../telemetry/metrics.ts'
import { createSilentLog } from '../../telemetry/log.ts'
import { OperationError } from '../command.ts'
import { openTokens } from '../open-tokens.ts'
import type { OpenTokens } from '../open-tokens.ts'
import type { Finding } from './finding.ts'
import type { TokenExchanges } from './watched-grant-request.ts'

/** Tokens to examine, and how the place is where they are kept. */
export interface ExaminedStore {
  readonly opened: OpenTokens
  readonly finding: Finding
  /** Whether nobody else gets at the tokens that are got here: they are in the memory of this process. */
  readonly isAlone: boolean
}

/** What the tokens are opened with. */
export interface StoreParts {
  readonly metrics: Metrics
  readonly version: string
  readonly exchanges: TokenExchanges
  /** For a store somewhere else to answer, in milliseconds. */
  readonly limitMs: number
}

/**
 * Opens the tokens in the store of the configuration, as a gateway does. Where there is none to be had, in memory: secrets can be
 * tried all the same.
 */
export async function examineStore(
  config: Pick<Config, 'credentials' | 'token_store'>,
  { metrics, version, exchanges, limitMs }: StoreParts,
): Promise<ExaminedStore> {
  const { token_store } = config
  const { promise: told, resolve: tell } = Promise.withResolvers<Finding>()
  const parts = {
    metrics,
    version,
    log: createSilentLog(),
    makeGrantRequest: exchanges.watch.bind(exchanges),
    onStore: (_name: string, isUp: boolean, reason?: string) => tell(findingOf(token_store, isUp, reason)),
  }
  try {
    const opened = await openTokens(config, parts)
    const finding = await withinTime(told, limitMs).catch((error: unknown) => silence(error, limitMs))
    return { opened, finding, isAlone: token_store.kind === 'memory' }
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    const memory = { kind: 'memory', max_tokens: token_store.max_tokens } as const
    const opened = await openTokens({ ...config, token_store: memory }, parts)
    const finding: Finding = { check: 'store', verdict: 'failed', message: error.message, facts: { store: token_store.kind } }
    return { opened, finding, isAlone: true }
  }
}

function findingOf(store: Config['token_store'], isUp: boolean, reason = 'it does not answer'): Finding {
  const facts = { store: store.kind }
  if (store.kind === 'memory') return { check: 'store', verdict: 'ok', message: 'tokens are kept in memory', facts }
  if (store.kind === 'file')
    return isUp
      ? { check: 'store', verdict: 'ok', message: `${store.path} can be read and written`, facts }
      : {
          check: 'store',
          verdict: 'failed',
          message: `${store.path} is of no use: ${reason}; check the disk and the rights of this user`,
          facts,
        }
  return isUp
    ? { check: 'store', verdict: 'ok', message: 'Redis answers, and takes what is written', facts }
    : {
        check: 'store',
        verdict: 'failed',
        message: `Redis is of no use: ${reason}; check token_store.redis and the way to it, until when each gateway keeps its tokens to itself`,
        facts,
      }
}

function silence(error: unknown, limitMs: number): Finding {
  if (!(error instanceof TimeLimitError)) throw error
  return {
    check: 'store',
    verdict: 'failed',
    message: `Redis does not answer within ${limitMs} ms; check token_store.redis and the way to it`,
  }
}
