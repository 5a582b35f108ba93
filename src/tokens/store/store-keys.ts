import { createHash } from 'node:crypto'
import type { Credential } from '../../config/config.ts'
import { Secret } from '../../config/secret.ts'
import { Template } from '../../config/template.ts'
import type { StoreKeys } from './token-store.ts'

/**
 * The names of what a store keeps for a credential: digests over everything that shapes its token, so that no two identities,
 * scopes, audiences or secrets can share one. Secrets are revealed at this moment: a rotated one gives other names.
 * @param identity values of the caller's request that the token is for; empty where there is one token for all
 */
export function storeKeysOf(credential: Credential, identity: readonly string[] = []): StoreKeys {
  const { name, token_endpoint, client_id, client_secret, client_secret_next, variables, token_request, ...recipe } = credential
  const { tls, timeout: _timeout, assertion, ...request } = token_request
  const { refresh_token: _first, ...otherVariables } = variables
  const { key: assertionKey, ...claims } = assertion ?? {}
  const shape = {
    name,
    identity,
    token_endpoint,
    client_id,
    variables: credential.grant_type === 'refresh_token' ? otherVariables : variables,
    request,
    claims,
    grant_type: recipe.grant_type,
    method: recipe.token_endpoint_auth_method,
    scope: recipe.scope,
    scope_delimiter: recipe.scope_delimiter,
    audience: recipe.audience,
    resource: recipe.resource,
    response: recipe.token_response,
  }
  const secrets = { client_secret, client_secret_next, assertionKey, tls, refresh_token: variables['refresh_token'] }
  return {
    token: digest('token', shape, secrets),
    grant: digest('grant', shape),
    budget: digest('budget', { name, token_endpoint, client_id }, credential.token_requests),
  }
}

function digest(...parts: readonly unknown[]): string {
  return createHash('sha256').update(canonical(parts)).digest('hex')
}

/**
 * Writes a value so that different values never look the same: JSON with the names of a group in order, and each secret and
 * template as what it holds.
 */
function canonical(value: unknown): string {
  if (value instanceof Secret) return `s${JSON.stringify(value.reveal())}`
  if (value instanceof Template) return `t${JSON.stringify(value.reveal())}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'undefined'
}
