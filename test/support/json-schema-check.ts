import { isDeepStrictEqual } from 'node:util'

type Schema = Readonly<Record<string, unknown>>

/**
 * Checks a value against a JSON Schema, as far as the schema of the configuration needs it (draft-07).
 * @returns what is wrong, each with its place; nothing when the value is valid
 * @throws Error for a keyword that this check does not know: nothing may pass because nobody looked
 */
export function schemaProblems(root: Schema, value: unknown, schema: Schema = root, place = ''): string[] {
  return Object.entries(schema).flatMap(([keyword, wanted]): string[] => {
    const check = checks[keyword]
    if (check === undefined) throw new Error(`the keyword ${keyword} at ${place} is not known here`)
    return check({ root, value, schema, place, wanted })
  })
}

interface Checked {
  readonly root: Schema
  readonly value: unknown
  readonly schema: Schema
  readonly place: string
  /** What stands behind the keyword. */
  readonly wanted: unknown
}

type Check = (checked: Checked) => string[]

const nothing: Check = () => []

const checks: Readonly<Record<string, Check>> = {
  $schema: nothing,
  title: nothing,
  description: nothing,
  default: nothing,
  examples: nothing,
  definitions: nothing,
  $ref: ({ root, value, place, wanted }) => {
    const name = String(wanted).replace('#/definitions/', '')
    const definition = (root['definitions'] as Readonly<Record<string, Schema>>)[name]
    if (definition === undefined) throw new Error(`there is no definition ${name}`)
    return schemaProblems(root, value, definition, place)
  },
  type: ({ value, place, wanted }) =>
    [wanted].flat().some((type) => typeOf(value) === type || (type === 'integer' && Number.isInteger(value)))
      ? []
      : [`${place}: not of type ${String(wanted)}`],
  enum: ({ value, place, wanted }) =>
    (wanted as readonly unknown[]).some((one) => isDeepStrictEqual(one, value)) ? [] : [`${place}: not one of ${String(wanted)}`],
  const: ({ value, place, wanted }) => (isDeepStrictEqual(wanted, value) ? [] : [`${place}: not ${String(wanted)}`]),
  pattern: ({ value, place, wanted }) =>
    typeof value !== 'string' || new RegExp(String(wanted)).test(value) ? [] : [`${place}: does not match ${String(wanted)}`],
  minLength: ({ value, place, wanted }) =>
    typeof value !== 'string' || value.length >= Number(wanted) ? [] : [`${place}: too short`],
  minItems: ({ value, place, wanted }) => (!Array.isArray(value) || value.length >= Number(wanted) ? [] : [`${place}: too few`]),
  anyOf: ({ root, value, place, wanted }) => {
    const all = (wanted as readonly Schema[]).map((one) => schemaProblems(root, value, one, place))
    return all.some((problems) => problems.length === 0) ? [] : [`${place}: no alternative fits (${all.flat().join('; ')})`]
  },
  items: ({ root, value, place, wanted }) =>
    Array.isArray(value)
      ? value.flatMap((item: unknown, index) => schemaProblems(root, item, wanted as Schema, `${place}[${index}]`))
      : [],
  required: ({ value, place, wanted }) =>
    isObject(value)
      ? (wanted as readonly string[]).filter((key) => !(key in value)).map((key) => `${place}.${key}: missing`)
      : [],
  properties: ({ root, value, place, wanted }) =>
    Object.entries(wanted as Readonly<Record<string, Schema>>).flatMap(([key, one]) =>
      isObject(value) && Object.hasOwn(value, key) ? schemaProblems(root, value[key], one, `${place}.${key}`) : [],
    ),
  propertyNames: ({ root, value, place, wanted }) =>
    isObject(value) ? Object.keys(value).flatMap((key) => schemaProblems(root, key, wanted as Schema, `${place}.${key}`)) : [],
  additionalProperties: ({ root, value, schema, place, wanted }) => {
    if (!isObject(value)) return []
    const known = Object.keys(schema['properties'] ?? {})
    return Object.keys(value)
      .filter((key) => !known.includes(key))
      .flatMap((key) =>
        wanted === false ? [`${place}.${key}: not known`] : schemaProblems(root, value[key], wanted as Schema, `${place}.${key}`),
      )
  },
}

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeOf(value) === 'object'
}
