import { TokenRequestError } from './token-request-error.ts'

/** Whether a token endpoint refused the client (RFC 6749 5.2); a 401 that says no more means the same (RFC 9110 15.5.2). */
export function isClientRefused(error: unknown): boolean {
  return (
    error instanceof TokenRequestError &&
    error.kind === 'refused' &&
    (error.code === 'invalid_client' || error.code === 'http_401')
  )
}
