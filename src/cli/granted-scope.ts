import type { Credential } from '../config/config.ts'
import { atPointer } from '../oauth/json-pointer.ts'

/**
 * The scope of a token, for people; RFC 6749 5.1: where the answer names none, it is the one that was asked for.
 * @param fields the token response
 * @returns null when nobody said
 */
export function grantedScope(credential: Credential, fields: unknown): string | null {
  const granted = atPointer(fields, '/scope')
  if (typeof granted === 'string' && /^[\x20-\x7e]+$/.test(granted)) return granted
  const { scope = null, scope_delimiter } = credential
  return typeof scope === 'object' && scope !== null ? scope.join(scope_delimiter) : scope
}

/**
 * Which of the scopes that a credential asks for a token does not have (RFC 6749 3.3).
 * @param fields the token response
 */
export function ungrantedScopes(
  { scope = [], scope_delimiter }: Credential,
  fields: unknown,
): { readonly asked: readonly string[]; readonly missing: readonly string[] } {
  const separators = (text: string): string[] => text.split(scope_delimiter.trim() === '' ? /\s+/ : scope_delimiter)
  const asked = (typeof scope === 'string' ? separators(scope) : scope).filter((name) => name !== '')
  const said = atPointer(fields, '/scope')
  const granted = Array.isArray(said)
    ? said
    : typeof said === 'string' && said.trim() !== ''
      ? [...separators(said), ...said.split(/[\s,]+/)]
      : asked
  return { asked, missing: asked.filter((name) => !granted.includes(name)) }
}
