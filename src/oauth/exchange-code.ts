import type { Credential } from '../config/config.ts'
import { TokenRequestError } from './token-request-error.ts'
import { buildTokenRequest } from './token-request.ts'
import type { AuthorizationCode } from './token-request.ts'
import { judgeTokenResponse } from './token-response.ts'
import type { Grant } from './token-response.ts'
import type { TokenTransport } from './token-transport.ts'

/**
 * Exchanges the code of a person's consent for a refresh token (RFC 6749 4.1.3), as the client that the credential describes.
 * @throws TokenRequestError when none is granted
 */
export type ExchangeCode = (credential: Credential, code: AuthorizationCode) => Promise<Grant & { readonly refreshToken: string }>

/**
 * Makes the function that exchanges codes.
 * @param epochMs the time in milliseconds since the epoch
 */
export function createCodeExchange(transport: TokenTransport, epochMs: () => number): ExchangeCode {
  const ask = async (credential: Credential, code: AuthorizationCode): Promise<Grant> => {
    const response = await transport.send(await buildTokenRequest(credential, code, epochMs()))
    // An endpoint may repeat what it was asked with: the code is kept out of messages like a refresh token.
    return judgeTokenResponse(credential, response, epochMs(), { refreshToken: code.code, lifetimeMs: undefined })
  }

  return async (credential, code) => {
    const { refreshToken, ...grant } = await ask(credential, code).catch((error: unknown) => {
      // In the middle of a rotation. A client that was not recognised has not used the code up.
      const isClient = error instanceof TokenRequestError && error.code === 'invalid_client'
      if (!isClient || credential.client_secret_next === undefined) throw error
      return ask({ ...credential, client_secret: credential.client_secret_next }, code)
    })
    if (refreshToken !== undefined) return { ...grant, refreshToken }
    throw new TokenRequestError(
      'refused',
      'no_refresh_token',
      'the provider granted an access token, but no refresh token; many give one only for the scope offline_access, or with ' +
        'access_type=offline or prompt=consent in authorization_endpoint',
    )
  }
}
