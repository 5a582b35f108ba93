import type { z } from 'zod'

/** A finding of the schema, with a message of the form `problem; remedy`. */
export interface SchemaIssue {
  readonly path: readonly (string | number)[]
  readonly message: string
  /** Whether the key itself is wrong, or what stands behind it. */
  readonly part: 'key' | 'value'
}

/**
 * Turns what zod found into problems for people: one per unknown key, a missing key said as such, and of a union the
 * alternative that was meant instead of all of them.
 * @param value what was parsed, to tell a missing value from a wrong one
 */
export function issuesOf(error: z.ZodError, value: unknown): SchemaIssue[] {
  return error.issues.flatMap((issue) => issuesFrom(issue, value, []))
}

function issuesFrom(issue: z.core.$ZodIssue, value: unknown, around: readonly PropertyKey[]): SchemaIssue[] {
  const path = [...around, ...issue.path].map((key) => (typeof key === 'number' ? key : String(key)))
  const found = valueAt(value, path)
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n')
    return issue.keys.map((key, index) => ({ path: [...path, key], message: messages[index] ?? issue.message, part: 'key' }))
  }
  if (issue.code === 'invalid_union') {
    const meant = alternativeMeant(issue.errors, found)
    if (meant !== undefined) return meant.flatMap((inner) => issuesFrom(inner, value, path))
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? issue.message
    return [{ path, message, part: 'key' }]
  }
  if (found === undefined && issue.code !== 'custom') {
    const remedy = issue.message.split('; ').slice(1).join('; ')
    return [{ path, message: `this key is required; ${remedy === '' ? 'add it' : remedy}`, part: 'value' }]
  }
  return [{ path, message: issue.message, part: 'value' }]
}

/** The one alternative for a value of this kind; none when several could be meant, so that the union's own message is used. */
function alternativeMeant(
  alternatives: readonly (readonly z.core.$ZodIssue[])[],
  found: unknown,
): readonly z.core.$ZodIssue[] | undefined {
  if (typeof found !== 'object' || found === null) return undefined
  const possible = alternatives.filter(
    (issues) => !issues.some((issue) => issue.path.length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')),
  )
  return possible.length === 1 ? possible[0] : undefined
}

function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) => (typeof inner === 'object' && inner !== null ? (inner as Record<string | number, unknown>)[key] : undefined),
    value,
  )
}
