import { atPointer } from './json-pointer.ts'

const prefix = 'token.'

/**
 * The value of a `{token.FIELD}`.
 * @param placeholder without its braces
 * @param fields the token response
 * @returns undefined when the placeholder is another one, or the answer has no text or number there
 */
export function tokenField(placeholder: string, fields: unknown): string | undefined {
  if (!placeholder.startsWith(prefix)) return undefined
  const value = atPointer(fields, `/${placeholder.slice(prefix.length)}`)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}
