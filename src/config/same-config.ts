import { Secret } from './secret.ts'
import { Template } from './template.ts'

/** Whether two parts of configurations say the same, secrets and all; secrets in files are read at this moment. */
export function isSameConfig(one: unknown, other: unknown): boolean {
  return one === other || canonical(one) === canonical(other)
}

/**
 * Writes a part of a configuration so that different ones never look the same: JSON with the names of a group in order, and each
 * secret and template as what it holds. Holds secrets: never log it.
 */
export function canonical(value: unknown): string {
  if (value instanceof Secret) return `s${JSON.stringify(value.reveal())}`
  if (value instanceof Template) return `t${JSON.stringify(value.reveal())}`
  if (value instanceof RegExp) return `r${JSON.stringify(String(value))}`
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'undefined'
}
