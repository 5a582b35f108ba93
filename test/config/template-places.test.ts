import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { credentialSchema } from '../../src/config/schema/credential.ts'
import { gatewaySchema } from '../../src/config/schema/gateway.ts'
import { routeSchema } from '../../src/config/schema/route.ts'
import { upstreamText } from '../../src/config/schema/upstream.ts'
import { jsonTemplate, template } from '../../src/config/schema/values.ts'
import { isTemplatePlace } from '../../src/config/template-places.ts'
import type { Path } from '../../src/config/yaml-document.ts'

interface Leaf {
  readonly path: Path
  readonly isTemplate: boolean
}

/** What the walk over zod's own structure needs to know of a schema. */
interface Definition {
  readonly innerType?: z.core.$ZodType
  readonly in?: z.core.$ZodType
  readonly element?: z.core.$ZodType
  readonly valueType?: z.core.$ZodType
  readonly options?: readonly z.core.$ZodType[]
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>
}

const templates: ReadonlySet<z.core.$ZodType> = new Set([template, jsonTemplate, upstreamText])

function leavesOf(schema: z.core.$ZodType, path: Path): Leaf[] {
  if (templates.has(schema)) return [{ path, isTemplate: true }]
  const { innerType, in: input, element, valueType, options, shape } = schema._zod.def as Definition
  if (shape !== undefined) return Object.entries(shape).flatMap(([key, value]) => leavesOf(value, [...path, key]))
  if (element !== undefined) return leavesOf(element, [...path, 0])
  if (valueType !== undefined) return leavesOf(valueType, [...path, 'any'])
  if (options !== undefined) return options.flatMap((option) => leavesOf(option, path))
  const inside = innerType ?? input
  return inside === undefined ? [{ path, isTemplate: false }] : leavesOf(inside, path)
}

describe('the places of templates', () => {
  const leaves = [
    ...leavesOf(credentialSchema({}), ['credentials', 'any']),
    ...leavesOf(routeSchema({}), ['routes', 0]),
    ...leavesOf(gatewaySchema({}), []),
  ]

  it('are those where the schemas have one, and no others', () => {
    expect(leaves.length).toBeGreaterThan(60)
    expect(leaves.filter(({ path }) => isTemplatePlace(path)).map(({ path }) => path.join('.'))).toEqual(
      leaves.filter(({ isTemplate }) => isTemplate).map(({ path }) => path.join('.')),
    )
  })

  it('are seven', () => {
    expect(leaves.filter(({ isTemplate }) => isTemplate).map(({ path }) => path.slice(2).join('.'))).toEqual([
      'token_request.headers.any',
      'token_request.query.any',
      'token_request.params.any',
      'token_request.assertion.claims.any',
      'inject.value',
      'inject.0.value',
      'upstream',
    ])
  })
})
