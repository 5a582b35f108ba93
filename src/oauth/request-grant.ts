import type { Credential } from '../config/config.ts'
import { signAssertion } from './assertion.ts'
import type { Identity } from './identity.ts'
import { buildTokenRequest } from './token-request.ts'
import { TokenRequestError } from './token-request-error.ts'
import { judgeTokenResponse } from './token-response.ts'
import type { Grant, PreviousGrant } from './token-response.ts'
import type { TokenTransport } from './token-transport.ts'

/**
 * Asks the token endpoint of a credential for a token, once: with the refresh token where there is one (RFC 6749 6), else with
 * the configured grant. Where the assertion is the token, nobody is asked.
 * @param identity for whom the token is; nobody where there is one for all
 * @param beforeSend called when the token request is ready; what it throws keeps it from being sent
 * @returns the grant; its refresh token is the one to use next time
 * @throws TokenRequestError when no token is granted
 */
export type RequestGrant = (
  credential: Credential,
  previous: PreviousGrant,
  identity?: Identity,
  beforeSend?: () => Promise<void>,
) => Promise<Grant>

/**
 * Makes the function that asks for tokens.
 * @param epochMs the time in milliseconds since the epoch
 */
export function createGrantRequest(transport: TokenTransport, epochMs: () => number): RequestGrant {
  return async (credential, previous, identity, beforeSend) => {
    if (credential.grant_type === 'self_signed') return await selfSignedGrant(credential, epochMs(), identity)
    if (previous.refreshToken === undefined) refuseWithoutLogin(credential)
    const tokenRequest = await buildTokenRequest(credential, previous.refreshToken, epochMs(), identity)
    await beforeSend?.()
    const response = await transport.send(tokenRequest)
    const grant = judgeTokenResponse(credential, response, epochMs(), previous, identity)
    // The old one stays valid unless a new one is issued (RFC 6749 6).
    return { ...grant, refreshToken: grant.refreshToken ?? previous.refreshToken }
  }
}

/** Where the first refresh token comes from a person's consent, there is nothing to ask with before that. */
function refuseWithoutLogin({ name, grant_type, variables }: Credential): void {
  if (grant_type !== 'refresh_token' || variables['refresh_token'] !== undefined) return
  throw new TokenRequestError('refused', 'login_required', `there is no refresh token; run "bearerd login ${name}"`)
}

/** A token that is an assertion of our own ends when its `exp` says. */
async function selfSignedGrant(credential: Credential, nowEpochMs: number, identity?: Identity): Promise<Grant> {
  const { jwt, expiresAtEpochMs } = await signAssertion(credential, nowEpochMs, identity)
  const lifetime = { ms: expiresAtEpochMs - nowEpochMs, source: 'response', oddity: undefined } as const
  return { accessToken: jwt, lifetime, refreshToken: undefined, fields: {} }
}
