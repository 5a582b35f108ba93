import type { Credential } from '../../config/config.ts'
import { TokenRequestError } from '../../oauth/token-request-error.ts'
import type { TokenUnavailableError } from '../../tokens/token-unavailable-error.ts'

/** Says why there is no token and what to do next: `problem; remedy`. Nothing of what was sent or answered is in it. */
export function tokenFailure({ reason, retryAfterMs, message, cause }: TokenUnavailableError, credential: Credential): string {
  const seconds = Math.ceil(retryAfterMs / 1000)
  if (reason === 'budget') return `${message}; run this again in ${seconds} s, or raise token_requests`
  if (!(cause instanceof TokenRequestError)) return message
  // Where it has been said already, what a failure of the network or of a key means.
  if (cause.message.includes('; ')) return cause.message
  const said = sayings[cause.code] ?? otherSaying(cause)
  return `${cause.message}${said(credential)}`
}

type Saying = (credential: Credential) => string

const documentation = "compare the credential with the provider's documentation"

/** What the codes of token endpoints (RFC 6749 5.2) and our own mean here, and what helps. */
const sayings: Readonly<Record<string, Saying>> = {
  invalid_client: clientSaying,
  http_401: clientSaying,
  invalid_scope: ({ scope }) =>
    scope === undefined
      ? ': it wants a scope to be named; write one under scope'
      : ': it does not grant one of the scopes that are asked for; check their spelling under scope, or have them allowed for this client',
  unauthorized_client: ({ grant_type }) =>
    `: this client may not ask with grant_type: ${grant_type}; have it allowed for the client there, or change grant_type`,
  unsupported_grant_type: ({ grant_type }) =>
    `: it does not know grant_type: ${grant_type}; ${documentation}, or token_request.encoding with what it can read`,
  invalid_grant: grantSaying,
  invalid_request: () => `: a parameter is missing or not as it has to be; ${documentation}: token_request and scope`,
  invalid_target: () => ': it does not know audience or resource; check both',
  rate_limited: () => '; wait, and set token_requests to the limit that the provider names',
  redirect: () => '; write the address that it leads to under token_endpoint, if that is the right one',
  not_json: () => '; check that token_endpoint is the URL for tokens, not that of a page for people',
  no_token: () => '; write where the token is under token_response.access_token',
  not_ok: () => `; ${documentation}: client_id, client_secret and ok_when`,
  unsafe_token: () => '; write where the token is under token_response.access_token',
  too_large: () => '; check that token_endpoint is the URL for tokens',
  timeout: () => '; raise token_request.timeout if it is known to be slow, or ask those who run it',
  unusable_key: () => '; check the file of the key, and alg',
  internal_error: () => '; report it, with what the log of the gateway says of it',
  invalid_field_value: () => '; check client_id, client_secret and variables for line breaks',
}

function otherSaying({ code, kind }: TokenRequestError): Saying {
  const status = Number(/^http_(\d{3})$/.exec(code)?.[1])
  if (status === 404 || status === 405 || status === 410)
    return () =>
      ': there is no token endpoint at this address, or it takes another method; check token_endpoint and token_request.method'
  if (status >= 500) return () => ': it has a trouble of its own; try again, and ask those who run it if it stays so'
  if (status === 403)
    return () => ': it lets nobody in from here, or not this client; ask the provider which clients and addresses it lets in'
  // A code of the platform: there was no answer.
  if (kind === 'unavailable' && /^[A-Z][A-Z0-9_]+$|^connection_failed$/.test(code))
    return () => '; check token_endpoint and the way to it'
  return () => `; ${documentation}, where ${Number.isNaN(status) ? 'this code is' : 'such an answer may be'} explained`
}

const wrongSecret =
  ': client_id or client_secret is wrong; compare both with what the provider shows for this environment, without spaces around them'

function clientSaying({
  token_endpoint_auth_method: method,
  client_secret,
  token_request: { basic_encoding },
}: Credential): string {
  // Some recipes send the secret in a place of their own, by a template.
  if (method === 'none' && client_secret !== undefined) return `${wrongSecret}. token_request says where they are sent`
  if (method === 'none') return ': it wants the client to prove itself; set client_secret and token_endpoint_auth_method'
  if (method === 'private_key_jwt')
    return ': it does not take the assertion of this client; check client_id, that the public key is registered there (with this kid), and aud'
  if (method === 'tls_client_auth')
    return ': it does not know this client by its certificate; check client_id and token_request.tls.cert'
  if (method === 'client_secret_jwt')
    return ': it does not take the assertion of this client; compare client_id and client_secret with what the provider shows'
  const places = { client_secret_basic: 'in a header', client_secret_post: 'in the body' }
  const other = method === 'client_secret_basic' ? 'client_secret_post' : 'client_secret_basic'
  const encoding = method === 'client_secret_basic' && basic_encoding === 'form' ? ', or token_request.basic_encoding: raw' : ''
  return `${wrongSecret}. They were sent ${places[method]}: if they are right, try token_endpoint_auth_method: ${other}${encoding}`
}

function grantSaying({ grant_type }: Credential): string {
  if (grant_type === 'password') return ': user name or password is wrong; check variables.username and variables.password'
  if (grant_type === 'refresh_token') return ': the refresh token is not good any more; get a new one'
  return ': what is asked with is not taken; check client_id, token_request.assertion and the clock of this machine'
}
