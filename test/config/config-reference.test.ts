import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { referenceFile, withTables } from '../../scripts/config-reference.ts'
import { credentialSchema } from '../../src/config/schema/credential.ts'
import { gatewaySchema } from '../../src/config/schema/gateway.ts'
import { routeSchema } from '../../src/config/schema/route.ts'
import { problemsOf } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'

const markdown = readFileSync(referenceFile, 'utf8')

describe('docs/configuration.md', () => {
  it('is what the schemas say (else: node scripts/config-reference.ts --write)', () => {
    expect(markdown).toBe(withTables(markdown))
  })

  it('has a row for every key', () => {
    const keys = [gatewaySchema({}), credentialSchema({}), routeSchema({})].flatMap((schema) => Object.keys(schema.shape))
    expect(keys.length).toBeGreaterThan(40)
    for (const key of keys) expect(markdown).toContain(`| \`${key}\` |`)
    expect(markdown.split('\n').filter((line) => line.startsWith('| `')).length).toBeGreaterThan(80)
  })

  it('has examples that load as they are', () => {
    const secret = scratch().write('secret', 'value')
    const env = Object.fromEntries(
      ['GETT_CLIENT_ID', 'GETT_CLIENT_SECRET', 'EXAMPLE_CLIENT_ID', 'ODD_CLIENT_ID', 'ODD_CLIENT_SECRET', 'ODD_SHOP'].map(
        (name) => [name, 'value'],
      ),
    )
    const examples = [...markdown.matchAll(/```yaml\n([^]*?)```/g)]
      .map(([, text = '']) => text)
      .filter((text) => text.startsWith('credentials:'))
    expect(examples).toHaveLength(3)
    for (const text of examples) expect(problemsOf(text.replaceAll(/\/run\/secrets\/[a-z-]+/g, secret), env)).toEqual([])
  })
})
