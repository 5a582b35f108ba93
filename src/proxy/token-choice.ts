import type { AccessToken } from '../tokens/access-token.ts'
import type { TokenSupply } from '../tokens/token-supply.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import type { Exchange } from './caller/exchange.ts'
import { GatewayError } from './errors/gateway-error.ts'

/**
 * The token for a request: at once where there is one, else as a promise. Fail closed: without a valid token nothing is sent.
 * @throws GatewayError `token_refused`, `token_unavailable` or `token_budget_exhausted`
 */
export function tokenFor(exchange: Exchange, source: TokenSupply): AccessToken | Promise<AccessToken> {
  const token = source.current()
  if (token === undefined) exchange.tokenWay = 'wait'
  else if (exchange.tokenWay === 'none') exchange.tokenWay = 'hit'
  return token ?? waitForToken(source)
}

async function waitForToken(source: TokenSupply): Promise<AccessToken> {
  try {
    return await source.obtain()
  } catch (error) {
    throw error instanceof TokenUnavailableError ? toGatewayError(error) : error
  }
}

/** What callers are answered when there is no token. */
export function toGatewayError(error: TokenUnavailableError): GatewayError {
  const { reason, message, retryAfterMs } = error
  if (reason === 'refused') return new GatewayError('token_refused', message, { cause: error })
  return new GatewayError(reason === 'budget' ? 'token_budget_exhausted' : 'token_unavailable', message, {
    cause: error,
    retryAfterMs,
  })
}
