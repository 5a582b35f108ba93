import type { Credential } from '../config/config.ts'
import { TokenRequestError } from './token-request-error.ts'
import { buildTokenRequest } from './token-request.ts'
import { judgeTokenResponse } from './token-response.ts'
import type { Grant } from './token-response.ts'
import type { TokenTransport } from './token-transport.ts'

/** What is kept of the last grant for the next one. */
export interface PreviousGrant {
  readonly refreshToken: string | undefined
  /** The last lifetime that the endpoint named, in milliseconds. */
  readonly lifetimeMs: number | undefined
}

/**
 * Asks the token endpoint of a credential for a token, with the refresh token of the last grant where there is one.
 * @returns the grant; its refresh token is the one to use next time
 * @throws TokenRequestError when no token is granted
 */
export type RequestGrant = (credential: Credential, previous: PreviousGrant) => Promise<Grant>

/**
 * Makes the function that asks for tokens.
 * @param epochMs the time in milliseconds since the epoch
 */
export function createGrantRequest(transport: TokenTransport, epochMs: () => number): RequestGrant {
  const ask = async (credential: Credential, previous: PreviousGrant, refreshToken?: string): Promise<Grant> => {
    const response = await transport.send(await buildTokenRequest(credential, refreshToken))
    return judgeTokenResponse(credential, response, epochMs(), previous.lifetimeMs)
  }
  return async (credential, previous) => {
    if (previous.refreshToken === undefined) return ask(credential, previous)
    try {
      const grant = await ask(credential, previous, previous.refreshToken)
      // RFC 6749 6: the old one stays valid unless a new one is issued.
      return { ...grant, refreshToken: grant.refreshToken ?? previous.refreshToken }
    } catch (error) {
      // Expired, revoked or used up: the original grant is still there.
      if (error instanceof TokenRequestError && error.kind === 'refused') return ask(credential, previous)
      throw error
    }
  }
}
