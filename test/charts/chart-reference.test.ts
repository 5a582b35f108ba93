import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { chartFiles, chartFolder } from '../../scripts/chart-reference.ts'
import { isGroup, valueAt } from '../../src/config/groups.ts'
import type { Group } from '../../src/config/groups.ts'

const read = (name: string): string => readFileSync(join(chartFolder, name), 'utf8')

describe('the chart', () => {
  it.each(chartFiles())('has $path as it is made (else: npm run docs)', ({ path, text }) => {
    expect(readFileSync(path, 'utf8')).toBe(text)
  })

  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(chartFolder, '../../package.json'), 'utf8')) as { version: string }
    expect(parse(read('Chart.yaml'))).toMatchObject({ version, appVersion: version })
  })

  it('has a schema that knows every value, and no other', () => {
    const schema = JSON.parse(read('values.schema.json')) as Group
    const compare = (values: Group, known: unknown, at: string): string[] => {
      const properties = valueAt(known, ['properties'])
      // A free map, such as labels.
      if (!isGroup(properties)) return []
      expect(valueAt(known, ['additionalProperties']), at).toBe(false)
      const missing = Object.keys(values).filter((key) => !Object.hasOwn(properties, key))
      const unknown = Object.keys(properties).filter((key) => !Object.hasOwn(values, key) && !optional.includes(`${at}${key}`))
      const inner = Object.entries(values).flatMap(([key, value]) =>
        isGroup(value) ? compare(value, properties[key], `${at}${key}.`) : [],
      )
      return [...missing, ...unknown].map((key) => `${at}${key}`).concat(inner)
    }
    expect(compare(parse(read('values.yaml')) as Group, schema, '')).toEqual([])
  })
})

const timing = ['initialDelaySeconds', 'successThreshold', 'terminationGracePeriodSeconds']

/** What may be said but has no value of its own. */
const optional = [
  'global',
  'resources.claims',
  ...['startup', 'liveness', 'readiness'].flatMap((probe) => timing.map((key) => `probes.${probe}.${key}`)),
]
