import { Secret } from './secret.ts'
import { Template } from './template.ts'

/**
 * Whether two parts of configurations say the same: the same values, secrets and all, from the same files. A secret that has moved
 * to another file is another one, though its value be the same: that file is the one to follow.
 */
export function isSameConfig(one: unknown, other: unknown): boolean {
  return one === other || sayingOf(one) === sayingOf(other)
}

/** As `canonical`, with the files that secrets come from. */
export function sayingOf(value: unknown): string {
  return canonical(value, ({ file = '' }) => `${JSON.stringify(file)}:`)
}

/**
 * Writes a part of a configuration so that different ones never look the same: JSON with the names of a group in order, and each
 * secret and template as what it holds. Holds secrets: never log it.
 * @param originOf what else is to be said of a secret
 */
export function canonical(value: unknown, originOf: (secret: Secret) => string = () => ''): string {
  const write = (inner: unknown): string => canonical(inner, originOf)
  if (value instanceof Secret) return `s${originOf(value)}${JSON.stringify(value.reveal())}`
  if (value instanceof Template) return `t${JSON.stringify(value.reveal())}`
  if (value instanceof RegExp) return `r${JSON.stringify(String(value))}`
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
    const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${sorted.map(([key, inner]) => `${JSON.stringify(key)}:${write(inner)}`).join(',')}}`
  }
  return JSON.stringify(value) ?? 'undefined'
}
