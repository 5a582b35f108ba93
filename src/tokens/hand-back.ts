import type { Credential } from '../config/config.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RevokeToken } from '../oauth/revocation.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Log } from '../telemetry/log.ts'
import type { AccessToken } from './access-token.ts'

/** What handing a token back takes. */
export interface HandBackParts {
  readonly revokeToken: RevokeToken
  readonly log: Log
}

/**
 * Hands a token back to the provider (RFC 7009). Whatever goes wrong is logged, no more: the gateway is about to end.
 * @param credential with the client secret that is in use
 */
export async function handBack(
  credential: Credential,
  token: AccessToken,
  identity: Identity,
  { revokeToken, log }: HandBackParts,
): Promise<void> {
  const facts = { credential: credential.name, token: token.fingerprint }
  try {
    await revokeToken(credential, token.revealValue(), identity)
    log.info(facts, 'token handed back')
  } catch (error) {
    const code = error instanceof TokenRequestError ? error.code : 'internal_error'
    log.warn({ ...facts, code }, 'the token could not be handed back; it lives on until its expiry')
  }
}
