import type { TokenRequestError } from '../../oauth/token-request-error.ts'

/** Why a token request failed, as it is told to other replicas: never a secret. */
export interface TokenRequestFailure {
  readonly kind: TokenRequestError['kind']
  readonly code: string
  readonly message: string
}
