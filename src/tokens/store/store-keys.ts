import { createHash } from 'node:crypto'
import type { Credential } from '../../config/config.ts'
import { canonical } from '../../config/same-config.ts'
import type { StoreKeys } from './token-store.ts'

/**
 * The names of what a store keeps for a credential: digests over everything that shapes its token, so that no two identities,
 * scopes, audiences or secrets can share one. Secrets are revealed at this moment: a rotated one gives other names.
 * @param identity values of the caller's request that the token is for; empty where there is one token for all
 */
export function storeKeysOf(credential: Credential, identity: readonly string[] = []): StoreKeys {
  const { name, grant_type, token_endpoint, client_id, variables } = credential
  const { client_secret, client_secret_next, token_request } = credential
  const { refresh_token, ...others } = variables
  const shape = [fixedShapeOf(credential), identity, client_id, grant_type === 'refresh_token' ? others : variables]
  const secrets = [client_secret, client_secret_next, token_request.assertion?.key, token_request.tls, refresh_token]
  const written = canonical(shape)
  return {
    token: digest('token', written, canonical(secrets)),
    grant: digest('grant', written),
    budget: digest('budget', canonical([name, token_endpoint, client_id, credential.token_requests])),
  }
}

const fixedShapes = new WeakMap<Credential, string>()

/** What the configuration alone says of a token request: written once, because with identities there are very many names. */
function fixedShapeOf(credential: Credential): string {
  const known = fixedShapes.get(credential)
  if (known !== undefined) return known
  const { name, token_endpoint, grant_type, token_endpoint_auth_method, token_request, token_response } = credential
  const { scope, scope_delimiter, audience, resource } = credential
  const { tls: _tls, timeout: _timeout, assertion, ...request } = token_request
  const { key: _key, ...claims } = assertion ?? {}
  const asked = { scope, scope_delimiter, audience, resource, request, claims }
  const shape = canonical({ name, token_endpoint, grant_type, token_endpoint_auth_method, token_response, ...asked })
  fixedShapes.set(credential, shape)
  return shape
}

/** @param texts each from `canonical`, so that they cannot run into one another */
function digest(kind: keyof StoreKeys, ...texts: readonly string[]): string {
  return createHash('sha256')
    .update([kind, ...texts].join(' '))
    .digest('hex')
}
