import type { Credential } from '../config/config.ts'
import { credentialValues } from './credential-values.ts'
import { atPointer } from './json-pointer.ts'
import { TokenRequestError } from './token-request-error.ts'
import type { Grant } from './token-response.ts'

/** What goes onto every request that carries a token, made once per token. Holds secrets: never log it. */
export interface Injection {
  /** Name, value, name, value, ... */
  readonly fields: readonly string[]
  readonly query: readonly (readonly [name: string, value: string])[]
}

/**
 * Makes the fields and query parameters that carry a token (RFC 6750 2.1, unless the recipe says otherwise).
 * @throws TokenRequestError when a value would not be a legal field value, or names a field that the answer does not have
 */
export function injectionOf(credential: Credential, grant: Pick<Grant, 'accessToken' | 'fields'>): Injection {
  const common = credentialValues(credential)
  const values = (placeholder: string): string | undefined => {
    if (placeholder === 'access_token') return grant.accessToken
    if (!placeholder.startsWith('token.')) return common(placeholder)
    const value = atPointer(grant.fields, `/${placeholder.slice('token.'.length)}`)
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
  }
  const fields: string[] = []
  const query: [string, string][] = []
  for (const target of credential.inject) {
    const missing = target.value.placeholders.find((placeholder) => values(placeholder) === undefined)
    if (missing !== undefined) {
      throw new TokenRequestError('unavailable', 'no_token', `the token response has no value for {${missing}}`)
    }
    const value = target.value.render(values)
    if (!/^[\t\x20-\x7e]*$/.test(value)) {
      throw new TokenRequestError('unavailable', 'unsafe_token', 'the token response holds a value that is not legal in a field')
    }
    if ('header' in target) fields.push(target.header, value)
    else query.push([target.query, value])
  }
  return { fields, query }
}
