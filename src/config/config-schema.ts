import { z } from 'zod'
import { isGroup } from './groups.ts'
import type { Group } from './groups.ts'
import { presetNames } from './presets.ts'
import { formatQuantity } from './quantities.ts'
import { credentialSchema } from './schema/credential.ts'
import { gatewaySchema } from './schema/gateway.ts'
import { routeSchema } from './schema/route.ts'

/**
 * The JSON Schema (draft-07) of a configuration file as it is written, for editors and for tools that make such files. It comes from
 * the schemas that the file is read with. What takes more than one value to judge is left to `bearerd check`.
 */
export function configJsonSchema(): Group {
  const { $schema, definitions: ofTop, ...top } = jsonSchemaOf('top', gatewaySchema({}))
  const { $schema: _, definitions: ofCredential, ...credential } = jsonSchemaOf('credential', credentialSchema({}))
  const { $schema: __, definitions: ofRoute, ...route } = jsonSchemaOf('route', routeSchema({}))
  const { credentials, routes, ...others } = top['properties'] as Readonly<Record<string, Group>>
  const { provider, ...ownKeys } = credential['properties'] as Readonly<Record<string, Group>>
  const ofFile = { provider: { ...provider, enum: presetNames() }, ...ownKeys }
  return finished({
    $schema,
    title: 'Configuration of bearerd',
    ...top,
    properties: {
      ...others,
      credentials: { ...credentials, additionalProperties: { ...credential, properties: ofFile } },
      // A preset has an upstream.
      routes: { ...routes, items: { ...route, required: ['path'] } },
    },
    definitions: { ...(ofTop as Group), ...(ofCredential as Group), ...(ofRoute as Group) },
  })
}

/** @param name sets its definitions apart from those of others */
function jsonSchemaOf(name: string, schema: z.core.$ZodType): Group {
  const flagged = new Set<unknown>()
  const json = z.toJSONSchema(schema, {
    target: 'draft-7',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const { def } = zodSchema._zod
      // What is read is no longer what was written.
      if (def.type === 'default') jsonSchema.default = written(def.defaultValue, unitIn(jsonSchema))
      for (const { _zod } of def.checks ?? []) {
        const pattern = 'pattern' in _zod.def ? _zod.def.pattern : undefined
        if (pattern instanceof RegExp && pattern.flags !== '') flagged.add(pattern.source)
      }
    },
  })
  // A pattern of JSON Schema has no flags: without them it would refuse what is right.
  const withoutFlagged = (key: string, value: unknown): unknown => (key === 'pattern' && flagged.has(value) ? undefined : value)
  return JSON.parse(JSON.stringify(json).replaceAll('__schema', `${name}_`), withoutFlagged) as Group
}

function unitIn(json: object): 'duration' | 'size' | undefined {
  const unit = 'unit' in json ? json.unit : undefined
  return unit === 'duration' || unit === 'size' ? unit : undefined
}

function written(value: unknown, unit: 'duration' | 'size' | undefined): z.core.util.JSONType {
  if (typeof value === 'number' && unit !== undefined) return formatQuantity(value, unit)
  return JSON.parse(JSON.stringify(value)) as z.core.util.JSONType
}

/** Where any text may stand, `${NAME}` may: what it is filled in with is known later. */
const variable = { type: 'string', pattern: '\\$\\{' }

/** Takes out what only we understand, and lets variables stand for values. */
function finished(node: Group): Group {
  // The library drops examples of what is transformed: they go by another name until here.
  const { unit: _, anyOf = [], shown, ...others } = node
  const plain = shown === undefined ? others : { ...others, examples: shown }
  // A text that variables were filled into stands beside one that is as it was written: in the file they are the same.
  const alternatives = (anyOf as readonly Group[]).filter((inner) => Object.keys(inner).length > 0)
  const [only, ...further] = alternatives
  if (only !== undefined && further.length === 0) return finished({ ...plain, ...only })
  const done: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(plain)) {
    // Nothing is filled into names, and nobody shows examples of them.
    if (key === 'propertyNames' && isGroup(value))
      done[key] = Object.fromEntries(Object.entries(value).filter(([name]) => name !== 'shown'))
    else if (key === 'default' || key === 'examples' || !isGroup(value)) done[key] = value
    else done[key] = key === 'properties' || key === 'definitions' ? eachFinished(value) : finished(value)
  }
  if (alternatives.length > 0) done['anyOf'] = alternatives.map(finished)
  if (isGroup(done['default']) && Object.keys(done['default']).length === 0) delete done['default']
  const isNarrow = 'pattern' in done || 'enum' in done || 'const' in done
  if (done['type'] !== 'string' || !isNarrow) return done
  const { description, default: fallback, examples, ...own } = done
  return {
    ...(description !== undefined && { description }),
    ...(fallback !== undefined && { default: fallback }),
    ...(examples !== undefined && { examples }),
    anyOf: [own, variable],
  }
}

function eachFinished(nodes: Group): Group {
  return Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, finished(node as Group)]))
}
