import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { formatQuantity } from '../src/config/quantities.ts'
import { credentialSchema } from '../src/config/schema/credential.ts'
import { gatewaySchema } from '../src/config/schema/gateway.ts'
import { routeSchema } from '../src/config/schema/route.ts'

/** Where the reference is kept. */
export const referenceFile = join(import.meta.dirname, '../docs/configuration.md')

/**
 * Puts the tables of keys into the reference. They come from the schemas' own descriptions and defaults, so that they cannot
 * say anything else than the code; the text around them is written by hand.
 * @param markdown the reference, with its old tables
 * @returns the reference, with new ones
 */
export function withTables(markdown: string): string {
  const schemas: Readonly<Record<string, z.core.$ZodType>> = {
    top: gatewaySchema({}),
    credential: credentialSchema({}),
    route: routeSchema({}),
  }
  return Object.entries(schemas).reduce((text, [name, schema]) => {
    const place = new RegExp(`(<!-- table: ${name} -->\\n)[^]*?(?=\\n<!-- end -->)`)
    if (!place.test(text)) throw new Error(`the reference has no place for the table "${name}"`)
    return text.replace(place, (_old, start: string) => `${start}${table(rowsOf(schema))}`)
  }, markdown)
}

interface Row {
  readonly key: string
  readonly meaning: string
  readonly fallback: string
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ key, meaning, fallback }) => `| \`${key}\` | ${inCell(meaning)} | ${inCell(fallback)} |`)
  return ['| key | meaning | default |', '|---|---|---|', ...lines].join('\n')
}

function inCell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function rowsOf(schema: z.core.$ZodType, prefix = ''): Row[] {
  return Object.entries(groupOf(schema)?.shape ?? {}).flatMap(([name, value]) => {
    const key = `${prefix}${name}`
    const inner = groupOf(value)
    const rest = inner === undefined ? [] : rowsOf(inner.schema, `${key}${inner.suffix}.`)
    return [{ key, meaning: meaningOf(value, key), fallback: fallbackOf(value, inner?.suffix === '') }, ...rest]
  })
}

function meaningOf(schema: z.core.$ZodType, key: string): string {
  const { description } = schema as z.ZodType
  if (description === undefined) throw new Error(`the key ${key} has no description`)
  const words = wordsOf(schema)
  return words.length < 2 ? description : `${description} One of ${words.map((word) => `\`${word}\``).join(', ')}.`
}

/** The default, as a user would write it. */
function fallbackOf(schema: z.core.$ZodType, isGroup: boolean): string {
  const fallback = findDefault(schema)
  if (fallback === undefined) return isOptional(schema) ? '' : 'required'
  if (isGroup && Object.keys(fallback.value as object).length === 0) return ''
  return `\`${written(fallback.value, fallback.unit)}\``
}

function written(value: unknown, unit: 'duration' | 'size' | undefined): string {
  if (typeof value === 'number' && unit !== undefined) return formatQuantity(value, unit)
  if (Array.isArray(value)) return `[${value.map((item) => written(item, undefined)).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).filter(([, inner]) => inner !== undefined)
    return `{${entries.map(([key, inner]) => `${key}: ${written(inner, undefined)}`).join(', ')}}`
  }
  if (typeof value === 'string') return value === '' || /^\s|\s$|[{}#]/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value)
}

/** What the walk over zod's own structure needs to know of a schema. */
interface Definition {
  readonly type: string
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly element?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
  readonly entries?: Readonly<Record<string, string>>
  readonly values?: readonly unknown[]
  readonly defaultValue?: unknown
}

function definitionOf(schema: z.core.$ZodType): Definition {
  return schema._zod.def
}

/** What a default, an optional or a transformation is wrapped around. */
function insideOf(schema: z.core.$ZodType): z.core.$ZodType | undefined {
  const { innerType, in: input } = definitionOf(schema)
  return innerType ?? input
}

function isOptional(schema: z.core.$ZodType): boolean {
  const inside = insideOf(schema)
  return definitionOf(schema).type === 'optional' || (inside !== undefined && isOptional(inside))
}

function findDefault(
  schema: z.core.$ZodType,
): { readonly value: unknown; readonly unit: 'duration' | 'size' | undefined } | undefined {
  const { type, defaultValue } = definitionOf(schema)
  if (type === 'default' || type === 'prefault') return { value: defaultValue, unit: unitOf(schema) }
  const inside = insideOf(schema)
  return inside === undefined ? undefined : findDefault(inside)
}

function unitOf(schema: z.core.$ZodType): 'duration' | 'size' | undefined {
  const unit = z.globalRegistry.get(schema)?.['unit']
  if (unit === 'duration' || unit === 'size') return unit
  const inside = insideOf(schema)
  return inside === undefined ? undefined : unitOf(inside)
}

/** The words that may be written, for keys that take nothing but certain words. */
function wordsOf(schema: z.core.$ZodType): string[] {
  const { type, entries } = definitionOf(schema)
  if (type === 'enum') return Object.keys(entries ?? {})
  const inside = insideOf(schema)
  return inside === undefined ? [] : wordsOf(inside)
}

/** The keys of a group, of the items of a list, or of the one group among alternatives. */
function groupOf(
  schema: z.core.$ZodType,
):
  | { readonly schema: z.core.$ZodType; readonly shape: Readonly<Record<string, z.core.$ZodType>>; readonly suffix: string }
  | undefined {
  const { type, shape, element, options } = definitionOf(schema)
  if (type === 'object') return { schema, shape: shape ?? {}, suffix: '' }
  if (type === 'array' && element !== undefined) {
    const inner = groupOf(element)
    return inner && { ...inner, suffix: `[]${inner.suffix}` }
  }
  if (type === 'union') {
    const groups = (options ?? []).map(groupOf).filter((group) => group !== undefined)
    const only = groups.length === 1 ? groups[0] : undefined
    return only !== undefined && Object.values(only.shape).every((value) => (value as z.ZodType).description !== undefined)
      ? only
      : undefined
  }
  const inside = insideOf(schema)
  return inside === undefined ? undefined : groupOf(inside)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const markdown = withTables(readFileSync(referenceFile, 'utf8'))
  if (process.argv.includes('--write')) writeFileSync(referenceFile, markdown)
  else process.stdout.write(markdown)
}
