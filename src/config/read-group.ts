import type { z } from 'zod'
import type { Known } from './config.ts'
import { isGroup } from './groups.ts'
import type { Group } from './groups.ts'
import type { Report } from './report.ts'
import { issuesOf } from './schema-issues.ts'
import type { SchemaIssue } from './schema-issues.ts'

/** What a schema makes of a group of keys. */
export interface Reading<Whole> {
  /** Undefined when something of it is wrong or missing. */
  readonly whole: Whole | undefined
  /** The keys that are right, defaults filled in: what concerns several keys is checked on them, whatever else is wrong. */
  readonly known: Known<Whole>
  /** Whether a key is absent, and no default fills it in: not merely wrong, which is reported already. */
  readonly isAbsent: (key: keyof Whole) => boolean
}

/**
 * Reads a group of keys and reports what is wrong with each of them.
 * @param mayLack keys that the schema requires and that may still be absent, because what would fill them in is unknown
 */
export function readGroup<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape, z.core.$strict>,
  value: unknown,
  report: Report,
  mayLack: (key: unknown) => boolean = () => false,
): Reading<z.output<z.ZodObject<Shape, z.core.$strict>>> {
  const { data, error } = schema.safeParse(value)
  if (error === undefined) return { whole: data, known: data, isAbsent: (key) => data[key] === undefined }

  const issues = issuesOf(error, value)
  for (const { code, path, message, part } of issues) {
    if (message === undefined || (part === 'missing' && path.length === 1 && mayLack(path[0]))) continue
    report(code, path, message, part === 'key' ? 'key' : 'value')
  }
  const known = rightKeys(schema.shape, value, issues) as Known<z.output<typeof schema>>
  return { whole: undefined, known, isAbsent: (key) => Object.hasOwn(known, key) && known[key] === undefined }
}

/**
 * Reads each key on its own. A wrong value makes its whole top-level key unknown; a key that should not be there is left out,
 * no more.
 */
function rightKeys(shape: z.ZodRawShape, value: unknown, issues: readonly SchemaIssue[]): Group {
  if (!isGroup(value)) return {}
  const misspelt = issues.flatMap(({ meant = [] }) => (meant.length === 1 && !Object.hasOwn(value, meant[0] ?? '') ? meant : []))
  const wrong = new Set([...misspelt, ...issues.filter(({ part }) => part !== 'key').map(({ path }) => path[0])])
  const surplus = issues.filter(({ part }) => part === 'key').map(({ path }) => path)
  const rest = surplus.reduce<unknown>(without, value) as Group
  const right: Record<string, unknown> = {}
  for (const [key, schema] of Object.entries(shape as Readonly<Record<string, z.ZodType>>)) {
    const { success, data } = wrong.has(key)
      ? { success: false }
      : schema.safeParse(Object.hasOwn(rest, key) ? rest[key] : undefined)
    if (success) right[key] = data
  }
  return right
}

function without(value: unknown, [key, ...inner]: SchemaIssue['path']): unknown {
  if (Array.isArray(value)) return value.map((item: unknown, index) => (index === key ? without(item, inner) : item))
  if (!isGroup(value) || key === undefined || !Object.hasOwn(value, key)) return value
  const { [key]: found, ...others } = value
  return inner.length === 0 ? others : { ...others, [key]: without(found, inner) }
}
