import type { Credential } from './config.ts'
import type { CredentialReading } from './credential-reading.ts'
import type { Report } from './report.ts'
import { placeholdersOf } from './template-uses.ts'

type Method = Credential['token_endpoint_auth_method']

/** Whether a method proves the client by its secret. */
export function usesClientSecret(method: Method): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post' || method === 'client_secret_jwt'
}

/** Checks that a credential has what its way to prove the client needs (RFC 6749 2.3). */
export function checkClientAuthentication({ name, known, isAbsent }: CredentialReading, report: Report): void {
  const { grant_type, token_endpoint_auth_method, token_request } = known
  // An assertion that is the token itself is shown to no token endpoint.
  const method = grant_type === 'self_signed' ? undefined : token_endpoint_auth_method
  const named = placeholdersOf(known).map(({ placeholder }) => placeholder)
  const isNeeded = {
    client_id: (method !== undefined && method !== 'none') || named.includes('client_id') || isClaimed(known),
    client_secret: (method !== undefined && usesClientSecret(method)) || named.includes('client_secret'),
  }
  for (const key of ['client_id', 'client_secret'] as const) {
    if (isNeeded[key] && isAbsent(key))
      report('required_key', [key], `this key is required; write ${key}: \${${variableName(name, key)}}`)
  }
  const isInBody = method !== undefined && method !== 'none' && method !== 'client_secret_basic'
  if (isInBody && token_request?.encoding === 'none') {
    report(
      'conflicting_keys',
      ['token_request', 'encoding'],
      `encoding: none sends nothing of the client; choose an encoding, or another method than ${method}`,
    )
  }
}

/** Whether an assertion speaks in the client's name, by default. */
function isClaimed({ token_request }: CredentialReading['known']): boolean {
  const claims = token_request?.assertion?.claims
  return claims !== undefined && (claims['iss'] === undefined || claims['sub'] === undefined)
}

/** An environment variable that a shell can set. */
function variableName(credential: string, key: string): string {
  return `${credential}_${key}`
    .toUpperCase()
    .replace(/\W/g, '_')
    .replace(/^(?=\d)/, '_')
}
