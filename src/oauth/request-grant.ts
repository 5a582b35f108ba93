import type { Credential } from '../config/config.ts'
import { buildTokenRequest } from './token-request.ts'
import { judgeTokenResponse } from './token-response.ts'
import type { Grant, PreviousGrant } from './token-response.ts'
import type { TokenTransport } from './token-transport.ts'

/**
 * Asks the token endpoint of a credential for a token, once: with the refresh token where there is one (RFC 6749 6), else with the
 * configured grant.
 * @returns the grant; its refresh token is the one to use next time
 * @throws TokenRequestError when no token is granted
 */
export type RequestGrant = (credential: Credential, previous: PreviousGrant) => Promise<Grant>

/**
 * Makes the function that asks for tokens.
 * @param epochMs the time in milliseconds since the epoch
 */
export function createGrantRequest(transport: TokenTransport, epochMs: () => number): RequestGrant {
  return async (credential, previous) => {
    const response = await transport.send(await buildTokenRequest(credential, previous.refreshToken))
    const grant = judgeTokenResponse(credential, response, epochMs(), previous)
    // The old one stays valid unless a new one is issued (RFC 6749 6).
    return { ...grant, refreshToken: grant.refreshToken ?? previous.refreshToken }
  }
}
