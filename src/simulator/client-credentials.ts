import type { TokenRefusal } from './provider-rules.ts'
import type { BodyEncoding, TokenRequest } from './token-request.ts'

/** Refuses a body in an encoding that the provider does not take. */
export function refuseEncoding(request: TokenRequest, accepted: readonly BodyEncoding[]): TokenRefusal | undefined {
  if (accepted.includes(request.encoding)) return undefined
  return invalidRequest(`the body must be ${accepted.join(' or ')}, not ${request.encoding}`)
}

/** Refuses anything but the posted id and secret of the one client (client_secret_post, RFC 6749 2.3.1). */
export function refusePostedClient(
  request: TokenRequest,
  client: { clientId: string; clientSecret: string },
): TokenRefusal | undefined {
  const { params } = request
  const isOurs = params.get('client_id') === client.clientId && params.get('client_secret') === client.clientSecret
  return isOurs ? undefined : invalidClient('unknown client_id, or wrong client_secret')
}

/** Refuses a grant type that is missing (invalid_request) or not one of these (unsupported_grant_type). RFC 6749 5.2. */
export function refuseGrantType(request: TokenRequest, accepted: readonly string[]): TokenRefusal | undefined {
  const grantType = request.params.get('grant_type')
  if (grantType === undefined) return invalidRequest('grant_type is missing')
  if (accepted.includes(grantType)) return undefined
  return { status: 400, error: 'unsupported_grant_type', description: `grant_type must be ${accepted.join(' or ')}` }
}

/** Refuses a scope with a value that the provider does not know or does not grant to applications. */
export function refuseScope(scope: string, known: readonly string[]): TokenRefusal | undefined {
  const unknown = scope.split(' ').filter((value) => value !== '' && !known.includes(value))
  return unknown.length === 0 ? undefined : invalidScope(`unknown scope ${unknown.join(' ')}`)
}

/** RFC 6749 5.2 `invalid_request`. */
export function invalidRequest(description: string): TokenRefusal {
  return { status: 400, error: 'invalid_request', description }
}

/** RFC 6749 5.2 `invalid_client`. */
export function invalidClient(description: string): TokenRefusal {
  return { status: 401, error: 'invalid_client', description }
}

/** RFC 6749 5.2 `invalid_scope`. */
export function invalidScope(description: string): TokenRefusal {
  return { status: 400, error: 'invalid_scope', description }
}
