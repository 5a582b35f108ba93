import { isTlsCode } from '../network/tls-failure.ts'

/**
 * What a token request can fail with, each with its title: words of the token endpoint (RFC 6749 5.2, RFC 8707 2) that mean
 * something here, and our own. docs/errors.md has an entry for each; what is here once stays.
 */
export const tokenErrors = {
  invalid_client: 'The token endpoint does not take the client',
  invalid_grant: 'The token endpoint does not take what is asked with',
  invalid_scope: 'The token endpoint does not grant the scope',
  invalid_target: 'The token endpoint does not know the audience or resource',
  invalid_request: 'The token endpoint does not understand the token request',
  unauthorized_client: 'The client may not ask in this way',
  unsupported_grant_type: 'The token endpoint does not know the grant type',
  temporarily_unavailable: 'The token endpoint cannot answer now',
  unrecognised_error: 'The token endpoint refused with a word that is not shown',
  login_required: 'A person has to log in',
  no_refresh_token: 'The login brought no refresh token',
  invalid_field_value: 'A value cannot stand in a field of the token request',
  rate_limited: 'The token endpoint limits the rate of token requests',
  redirect: 'The token endpoint answered with a redirect',
  http_status: 'The token endpoint answered with this status, and no more',
  not_json: 'The answer of the token endpoint is not JSON',
  not_ok: 'The answer of the token endpoint is not what ok_when wants',
  no_token: 'There is no token in the answer of the token endpoint',
  unsafe_token: 'The token cannot stand in a field',
  too_large: 'The answer of the token endpoint is too large',
  timeout: 'The token endpoint did not answer in time',
  tunnel_failed: 'The egress proxy gave no connection',
  connection_failed: 'There is no connection',
  tls_failed: 'There is no connection by TLS',
} as const satisfies Record<string, string>

/** The last two have their entries elsewhere: a key can be unusable in the configuration as well, an error inside bearerd is one anywhere. */
export type TokenErrorCode = keyof typeof tokenErrors | 'unusable_key' | 'internal_error'

declare const foreign: unique symbol

/** A word of the token endpoint or of the platform, which is ours only by chance. */
export type ForeignCode = string & { readonly [foreign]: true }

/** Takes a word of somebody else as a code. */
export function foreignCode(code: string): ForeignCode {
  return code as ForeignCode
}

/**
 * Under which code docs/errors.md has what a token request or a connection failed with.
 * @returns undefined for a word that only the provider can explain
 */
export function explainedAs(code: string): keyof typeof tokenErrors | undefined {
  if (isExplained(code)) return code
  const kin = Object.hasOwn(sameMeaning, code) ? sameMeaning[code] : undefined
  if (kin !== undefined) return kin
  if (/^http_\d{3}$/.test(code)) return 'http_status'
  if (!/^[A-Z][A-Z0-9_]+$/.test(code)) return undefined
  if (isTlsCode(code)) return 'tls_failed'
  return /^(ECONN|ENOTFOUND$|EAI_|ETIMEDOUT$|EHOST|ENET|EPIPE$|ERR_SOCKET_|UND_ERR_|HPE_)/.test(code)
    ? 'connection_failed'
    : undefined
}

/** Codes that are treated as another one is. */
export const sameMeaning: Readonly<Record<string, keyof typeof tokenErrors>> = {
  http_401: 'invalid_client',
  server_error: 'temporarily_unavailable',
  slow_down: 'rate_limited',
  too_many_requests: 'rate_limited',
}

function isExplained(code: string): code is keyof typeof tokenErrors {
  return Object.hasOwn(tokenErrors, code)
}
