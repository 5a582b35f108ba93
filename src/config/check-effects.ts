import type { Credential } from './config.ts'
import type { CredentialReading } from './credential-reading.ts'
import { isWritten } from './credential-reading.ts'
import { isGroup, valueAt } from './groups.ts'
import { isLoopbackHost } from './loopback.ts'
import type { Report } from './report.ts'
import { placeholdersOf } from './template-uses.ts'

/** Finds what a user wrote in a credential that would have no effect: it is nearly always a slip. */
export function checkEffects(reading: CredentialReading, credential: Omit<Credential, 'name'>, report: Report): void {
  const { token_endpoint, insecure_http, token_endpoint_auth_method: method, client_secret, token_request, scope } = credential
  const named = new Set(placeholdersOf(credential).map(({ placeholder }) => placeholder))

  const { protocol, hostname } = new URL(token_endpoint)
  if (insecure_http && (protocol === 'https:' || isLoopbackHost(hostname))) {
    report(['insecure_http'], 'has no effect: the token endpoint needs no such permission; remove it')
  }
  if (method === 'none' && client_secret !== undefined && !named.has('client_secret')) {
    report(['client_secret'], 'has no effect with token_endpoint_auth_method: none; remove one of them')
  }
  if (method !== 'client_secret_basic' && isWritten(reading, 'token_request', 'basic_encoding')) {
    report(['token_request', 'basic_encoding'], `has no effect with token_endpoint_auth_method: ${method}; remove it`)
  }
  if (token_request.encoding === 'none' && isWritten(reading, 'token_request', 'params')) {
    report(['token_request', 'params'], 'has no effect with encoding: none; remove it or choose an encoding')
  }
  if (!Array.isArray(scope) && isWritten(reading, 'scope_delimiter')) {
    report(['scope_delimiter'], 'has no effect without a list of scopes; remove it or write the scopes as a list')
  }
  const variables = valueAt(reading.written, ['variables'])
  for (const name of isGroup(variables) ? Object.keys(variables) : []) {
    if (!named.has(name)) report(['variables', name], `has no effect: no template names {${name}}; remove it or use it`, 'key')
  }
}
