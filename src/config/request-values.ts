import type { CredentialKeys, Known } from './config.ts'
import { isReservedField } from './field-names.ts'
import { jwtBearer } from './grant-types.ts'
import { placeholdersOf } from './template-uses.ts'

/** The field of the caller's request that a placeholder names: `{request.header.X-User}`; in lower case (RFC 9110 5.1). */
export function requestFieldOf(placeholder: string): string | undefined {
  return /^request\.header\.(.+)$/.exec(placeholder)?.[1]?.toLowerCase()
}

/**
 * The fields of the caller's request that a credential takes its identity from: everything in them shapes its token request, so
 * there is one token for each combination of their values.
 * @returns lower-case names, sorted, each once
 */
export function identityFieldsOf(credential: Known<CredentialKeys>): string[] {
  const names = placeholdersOf(credential).map(({ placeholder }) => requestFieldOf(placeholder))
  return [...new Set(names.filter((name) => name !== undefined))].sort()
}

/** The upstream needs these to make sense of a request, and what an identity is taken from does not go upstream. */
const describing = new Set(['content-encoding', 'content-range', 'content-type', 'max-forwards', 'range'])

/** Whether a field can say who a request is for: it belongs neither to the connection, nor to the content, nor to the gateway. */
export function canIdentify(lowerName: string): boolean {
  return !isReservedField(lowerName) && !describing.has(lowerName) && !/^(proxy-|http2-|x[-_]bearerd[-_]key$)/.test(lowerName)
}

/**
 * Whether it is the client alone that the token endpoint recognises or refuses: nothing that proves it comes from a caller's
 * request.
 */
export function isClientApart(credential: CredentialKeys): boolean {
  const { token_endpoint_auth_method: method, grant_type } = credential
  const uses = placeholdersOf(credential).filter(({ placeholder }) => requestFieldOf(placeholder) !== undefined)
  return (
    method !== 'none' &&
    uses.every(({ at: [, group, name], part }) =>
      part === 'claims'
        ? grant_type === jwtBearer || !method.endsWith('_jwt')
        : group !== 'headers' && !String(name).startsWith('client_'),
    )
  )
}
