import { usesClientSecret } from './check-client-authentication.ts'
import type { CredentialKeys } from './config.ts'
import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import { grantVariables } from './grant-types.ts'
import { isGroup, valueAt } from './groups.ts'
import { isExposed } from './loopback.ts'
import type { Report } from './report.ts'
import { placeholdersOf } from './template-uses.ts'

/** Finds what a user wrote in a credential that would have no effect: it is nearly always a slip. */
export function checkEffects(reading: CredentialReading, credential: CredentialKeys, report: Report): void {
  const { grant_type, token_endpoint, scope } = credential
  const named = new Set(placeholdersOf(credential).map(({ placeholder }) => placeholder))

  if (grant_type === 'self_signed') checkSelfSigned(reading, credential, named, report)
  else if (token_endpoint !== undefined) checkAsked(reading, { ...credential, token_endpoint }, named, report)

  checkLogin(reading, credential, report)

  const variables = valueAt(reading.written, ['variables'])
  for (const name of isGroup(variables) ? Object.keys(variables) : []) {
    if (named.has(name) || grantVariables(grant_type).includes(name)) continue
    report('no_effect', ['variables', name], `has no effect: no template names {${name}}; remove it or use it`, 'key')
  }
  if (!Array.isArray(scope) && isWritten(reading, 'scope_delimiter')) {
    report('no_effect', ['scope_delimiter'], 'has no effect without a list of scopes; remove it or write the scopes as a list')
  }
}

/** With a token endpoint, which is asked. */
function checkAsked(
  reading: CredentialReading,
  credential: Omit<CredentialKeys, 'token_endpoint'> & { readonly token_endpoint: string },
  named: ReadonlySet<string>,
  report: Report,
): void {
  const {
    token_endpoint,
    authorization_endpoint,
    revocation_endpoint,
    token_endpoint_auth_method: method,
    token_request,
  } = credential
  if (credential.insecure_http && ![token_endpoint, authorization_endpoint, revocation_endpoint].some(isExposed)) {
    report('no_effect', ['insecure_http'], 'has no effect: the token endpoint needs no such permission; remove it')
  }
  for (const key of ['client_secret', 'client_secret_next'] as const) {
    if (usesClientSecret(method) || credential[key] === undefined || named.has('client_secret')) continue
    report('no_effect', [key], `has no effect with token_endpoint_auth_method: ${method}; remove one of them`)
  }
  if (method !== 'client_secret_basic' && isWritten(reading, 'token_request', 'basic_encoding')) {
    report(
      'no_effect',
      ['token_request', 'basic_encoding'],
      `has no effect with token_endpoint_auth_method: ${method}; remove it`,
    )
  }
  if (token_request.encoding === 'none' && isWritten(reading, 'token_request', 'params')) {
    report('no_effect', ['token_request', 'params'], 'has no effect with encoding: none; remove it or choose an encoding')
  }
}

/** What only `bearerd login` uses has its effect where it can be run. */
function checkLogin(reading: CredentialReading, credential: CredentialKeys, report: Report): void {
  const { grant_type, authorization_endpoint, variables } = credential
  if (isWritten(reading, 'authorization_endpoint')) {
    const at = ['authorization_endpoint']
    if (grant_type !== 'refresh_token')
      report(
        'no_effect',
        at,
        `has no effect with grant_type: ${grant_type}; write grant_type: refresh_token, or remove it`,
        'key',
      )
    else if (variables['refresh_token'] !== undefined)
      report(
        'no_effect',
        at,
        'has no effect with variables.refresh_token, which is asked with instead; remove one of them',
        'key',
      )
  }
  for (const key of ['issuer', 'redirect_uri'] as const) {
    if (authorization_endpoint === undefined && isWritten(reading, key))
      report('no_effect', [key], 'has no effect without authorization_endpoint; remove it, or write the endpoint', 'key')
  }
}

/** Where the assertion is the token, nothing is asked for and nothing answers. */
function checkSelfSigned(
  reading: CredentialReading,
  credential: CredentialKeys,
  named: ReadonlySet<string>,
  report: Report,
): void {
  const unused = [
    'insecure_http',
    'token_endpoint_auth_method',
    'audience',
    'resource',
    'token_response',
    'token_requests',
    ...(named.has('client_secret') ? [] : ['client_secret', 'client_secret_next']),
    ...(named.has('scope') ? [] : ['scope']),
    ...(named.has('token_endpoint') || credential.token_request.assertion?.claims['aud'] === undefined ? [] : ['token_endpoint']),
  ]
  for (const key of unused) {
    if (isWritten(reading, key))
      report(
        'no_effect',
        [key],
        'has no effect with grant_type: self_signed; remove it, or say it in token_request.assertion.claims',
        'key',
      )
  }
  const request = valueAt(reading.written, ['token_request'])
  for (const key of isGroup(request) ? Object.keys(request) : []) {
    if (key !== 'assertion')
      report(
        'no_effect',
        ['token_request', key],
        'has no effect with grant_type: self_signed, which sends no token request; remove it',
        'key',
      )
  }
}
