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
