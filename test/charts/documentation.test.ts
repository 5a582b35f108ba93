import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { chart } from '../support/chart-values.ts'
import type { Values } from '../support/chart-values.ts'
import { projectRoot } from '../support/cli-process.ts'
import { schemaProblems } from '../support/kubernetes-objects.ts'
import { structureProblems } from '../support/kubernetes-structure.ts'
import { chartObjects, describeWithHelm, objectsIn } from '../support/kubernetes-tools.ts'

const pages = ['docs/kubernetes.md', 'charts/bearerd/README.md'].map(
  (name) => [name, readFileSync(join(projectRoot, name), 'utf8')] as const,
)

/** What stands in a page as YAML and begins in a certain way. */
function blocksOf(page: string, start: RegExp): string[] {
  return [...page.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text).filter((text) => start.test(text))
}

const valuesIn = (text: string): Values => objectsIn(text)[0] as unknown as Values

describeWithHelm('the pages on Kubernetes', () => {
  it('have no YAML that is not looked at here', () => {
    const known = /^(# values\.yaml\n|# values\.yaml of your chart\n|# Chart\.yaml of your chart\n|apiVersion: )/
    for (const [name, page] of pages) expect(blocksOf(page, known), name).toEqual(blocksOf(page, /^/))
  })

  it.each(pages)('%s has values that the chart takes', (_name, page) => {
    const blocks = blocksOf(page, /^# values\.yaml/).map(valuesIn)
    expect(blocks.length).toBeGreaterThan(0)
    for (const values of blocks) {
      const objects = chartObjects(chart, (values['bearerd'] ?? values) as Values)
      expect(objects.flatMap(schemaProblems)).toEqual([])
      // OpenShift sets the users itself.
      const isOpenShift = values['securityContext'] !== undefined
      expect(structureProblems(objects, ['bearerd']).filter((problem) => !isOpenShift || !problem.includes('runAsUser'))).toEqual(
        [],
      )
    }
  })

  it('docs/kubernetes.md has a Job that the API takes and that restricted Pod Security lets in', () => {
    const objects = blocksOf(pages[0]?.[1] ?? '', /^apiVersion: batch/).flatMap(objectsIn)
    expect(objects).toHaveLength(1)
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects, ['bearerd-sidecar'])).toEqual([])
  })

  it('docs/kubernetes.md takes the numbers of users out as it says', () => {
    const [openShift] = blocksOf(pages[0]?.[1] ?? '', /runAsUser: null/).map(valuesIn)
    const made = JSON.stringify(chartObjects(chart, openShift ?? {}))
    expect(made).toContain('"runAsNonRoot":true')
    expect(made).not.toContain('65532')
  })
})
