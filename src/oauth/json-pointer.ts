/**
 * Evaluates a JSON Pointer (RFC 6901).
 * @param pointer a valid, non-empty pointer
 * @returns the value, or undefined when there is none
 */
export function atPointer(document: unknown, pointer: string): unknown {
  let value = document
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    // RFC 6901 4: of an array only its elements, not its length.
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined
    value = (value as Record<string, unknown>)[key]
  }
  return value
}
