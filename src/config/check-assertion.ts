import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import { jwtBearer } from './grant-types.ts'
import type { Report } from './report.ts'
import { readSigningKey, SigningKeyError } from './signing-key.ts'
import { Template } from './template.ts'
import { placeholdersOf } from './template-uses.ts'

/** Checks the assertion of a credential: that it can be signed, and that something uses it. */
export function checkAssertion(reading: CredentialReading, report: Report): void {
  const { grant_type, token_endpoint_auth_method: method, token_request } = reading.known
  if (token_request === undefined || grant_type === undefined || method === undefined) return
  const { assertion } = token_request
  const at = ['token_request', 'assertion']
  const user = userOf(reading.known)
  if (user !== undefined && assertion === undefined) {
    report(
      'required_key',
      at,
      `this key is required; write {alg: RS256, key: {file: PATH}}, or as the provider says, because of ${user}`,
    )
  }
  if (assertion === undefined) return

  if (user !== undefined) checkKey(reading, user, report)
  else if (method === 'client_secret_jwt') {
    if (assertion.alg !== undefined && assertion.alg !== 'HS256')
      report('conflicting_keys', [...at, 'alg'], 'client_secret_jwt signs with the client_secret, by HS256; remove it')
    if (assertion.key !== undefined)
      report('no_effect', [...at, 'key'], 'has no effect with client_secret_jwt, which signs with the client_secret; remove it')
  } else if (isWritten(reading, ...at)) {
    report(
      'no_effect',
      at,
      `has no effect: neither grant_type: ${grant_type} nor ${method} nor a template uses an assertion; remove it or use {assertion}`,
      'key',
    )
  }
  const { exp, iat, nbf } = assertion.claims
  if (exp !== undefined)
    report('reserved_name', [...at, 'claims', 'exp'], 'the lifetime says when an assertion ends; remove it and write lifetime')
  if (iat !== undefined && iat !== null)
    report('reserved_name', [...at, 'claims', 'iat'], 'this is when the assertion is made; remove it')
  // RFC 7519 4.1.5: a number, which no template gives.
  if (nbf instanceof Template) report('invalid_value', [...at, 'claims', 'nbf'], 'this claim is a number; remove it')
}

/** What makes a key of its own necessary; undefined when nothing does. */
function userOf(known: CredentialReading['known']): string | undefined {
  const { grant_type, token_endpoint_auth_method: method } = known
  if (grant_type === jwtBearer || grant_type === 'self_signed') return `grant_type: ${grant_type}`
  if (method === 'private_key_jwt') return method
  return placeholdersOf(known).some(({ placeholder, part }) => placeholder === 'assertion' && part === 'request')
    ? 'the template {assertion}'
    : undefined
}

function checkKey({ known }: CredentialReading, user: string, report: Report): void {
  const { alg, key } = known.token_request?.assertion ?? {}
  const at = ['token_request', 'assertion']
  if (alg === undefined)
    report(
      'required_key',
      [...at, 'alg'],
      `this key is required; write alg: RS256, or what the provider says, because of ${user}`,
    )
  if (key === undefined)
    report('required_key', [...at, 'key'], `this key is required; write key: {file: PATH}, because of ${user}`)
  if (alg === 'HS256' && known.token_endpoint_auth_method === 'private_key_jwt' && known.grant_type !== 'self_signed') {
    report('conflicting_keys', [...at, 'alg'], 'private_key_jwt signs with a private key; use another alg, or client_secret_jwt')
  }
  if (alg === undefined || key === undefined) return
  try {
    readSigningKey(key.reveal(), alg)
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error
    report('unusable_key', [...at, 'key'], `${error.message}; ${error.remedy}`)
  }
}
