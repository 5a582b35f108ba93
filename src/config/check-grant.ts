import type { CredentialReading } from './credential-reading.ts'
import { grantVariables, jwtBearer } from './grant-types.ts'
import type { Report } from './report.ts'
import { placeholdersOf } from './template-uses.ts'

/** Checks that a credential has what its grant type needs. */
export function checkGrant({ known, isAbsent }: CredentialReading, report: Report): void {
  const { grant_type, variables, token_request } = known
  if (grant_type === undefined) return
  if (grant_type !== 'self_signed' && isAbsent('token_endpoint')) {
    report('required_key', ['token_endpoint'], 'this key is required; for example https://auth.example.com/token')
  }
  const params = token_request?.params ?? {}
  for (const name of grantVariables(grant_type)) {
    if (variables === undefined || token_request === undefined || Object.hasOwn(variables, name)) continue
    // A parameter of the recipe would stand in for every rotated refresh token too.
    if (grant_type !== 'refresh_token' && Object.hasOwn(params, name)) continue
    if (grant_type === 'refresh_token' && !isAbsent('authorization_endpoint')) continue
    const login = grant_type === 'refresh_token' ? ', or authorization_endpoint, for bearerd login' : ''
    report(
      'required_key',
      ['variables', name],
      `this key is required; write variables: {${name}: ...}, which grant_type: ${grant_type} asks with${login}`,
    )
  }
  if (grant_type === 'refresh_token' && params['refresh_token'] !== undefined && params['refresh_token'] !== null) {
    report(
      'conflicting_keys',
      ['token_request', 'params', 'refresh_token'],
      'this would be sent in place of a rotated one too; write variables.refresh_token, which is sent by itself',
    )
  }
  checkAuthorizationEndpoint(known, report)
  checkCarried(known, report)
}

/** RFC 6749 3.1: no parameter more than once. */
function checkAuthorizationEndpoint({ authorization_endpoint: endpoint }: CredentialReading['known'], report: Report): void {
  if (endpoint === undefined) return
  const { searchParams } = new URL(endpoint)
  const name = ['response_type', 'client_id', 'redirect_uri', 'state', 'code_challenge'].find((sent) => searchParams.has(sent))
  if (name !== undefined)
    report('reserved_name', ['authorization_endpoint'], `bearerd login sends ${name} by itself; remove it from the query`)
}

/** Checks that the grant is sent at all. */
function checkCarried(known: CredentialReading['known'], report: Report): void {
  const { grant_type = '', token_request } = known
  if (token_request?.encoding !== 'none') return
  const named = placeholdersOf(known).map(({ placeholder }) => placeholder)
  const missing = (grant_type === jwtBearer ? ['assertion'] : grantVariables(grant_type)).find((name) => !named.includes(name))
  if (missing !== undefined)
    report(
      'conflicting_keys',
      ['token_request', 'encoding'],
      `encoding: none sends nothing of the grant; choose an encoding, or use {${missing}} in a template`,
    )
}
