import type { z } from 'zod'
import { valueAt } from './groups.ts'
import type { ConfigProblemCode } from './problem-codes.ts'
import { nearest, suggest } from './problem.ts'
import { problemCodeOf } from './schema/problem-code.ts'
import { broken } from './yaml-document.ts'

/** A finding of the schema. */
export interface SchemaIssue {
  readonly code: ConfigProblemCode
  readonly path: readonly (string | number)[]
  /** Of the form `problem; remedy`; undefined when the problem is reported already. */
  readonly message: string | undefined
  /** Whether the key itself is wrong, or what stands behind it, or there is nothing at all. */
  readonly part: 'key' | 'value' | 'missing'
  /** Of an unknown key: the key that was probably meant. */
  readonly meant?: SchemaIssue['path']
}

/**
 * Turns what zod found into problems for people: one per unknown key, a missing key said as such, of a union the
 * alternative that was meant instead of all of them.
 * @param value what was parsed, to tell a missing value from a wrong one
 */
export function issuesOf(error: z.ZodError, value: unknown): SchemaIssue[] {
  const issues = error.issues.flatMap((issue) => issuesFrom(issue, value, []))
  const meant = new Set(issues.map((issue) => JSON.stringify(issue.meant)))
  // A key that is misspelt is not missing as well.
  return issues.map((issue) =>
    issue.part === 'missing' && meant.has(JSON.stringify(issue.path)) ? { ...issue, message: undefined } : issue,
  )
}

function issuesFrom(issue: z.core.$ZodIssue, value: unknown, around: readonly PropertyKey[]): SchemaIssue[] {
  const path = [...around, ...issue.path].map((key) => (typeof key === 'number' ? key : String(key)))
  const found = valueAt(value, path)
  if (found === broken) return [{ code: 'invalid_value', path, message: undefined, part: 'value' }]
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(', ')
    return issue.keys.map((key) => unknownKey(key, path, known))
  }
  if (issue.code === 'invalid_union') {
    const meant = alternativeMeant(issue.errors)
    if (meant !== undefined) return meant.flatMap((inner) => issuesFrom(inner, value, path))
  }
  if (issue.code === 'invalid_key') {
    const inner = issue.issues[0] ?? issue
    return [{ code: problemCodeOf(inner), path, message: inner.message, part: 'key' }]
  }
  if (found === undefined && issue.code !== 'custom') {
    const remedy = issue.message.split('; ').slice(1).join('; ')
    const message = `this key is required; ${remedy === '' ? 'add it' : remedy}`
    return [{ code: 'required_key', path, message, part: 'missing' }]
  }
  return [{ code: problemCodeOf(issue), path, message: issue.message, part: 'value' }]
}

function unknownKey(key: string, path: SchemaIssue['path'], known: readonly string[]): SchemaIssue {
  const meant = nearest(key, known)
  const message = `there is no key "${key}" here; ${suggest(key, known)}`
  return {
    code: 'unknown_key',
    path: [...path, key],
    message,
    part: 'key',
    ...(meant !== undefined && { meant: [...path, meant] }),
  }
}

/**
 * The one alternative for a value of this kind (text, list, group); none when several could be meant, so that the union's own
 * message is used.
 */
function alternativeMeant(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const possible = alternatives.filter((issues) => !issues.some(refusesKind))
  return possible.length === 1 ? possible[0] : undefined
}

function refusesKind(issue: z.core.$ZodIssue): boolean {
  if (issue.path.length > 0) return false
  return (
    issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    (issue.code === 'invalid_union' && alternativeMeant(issue.errors) === undefined)
  )
}
