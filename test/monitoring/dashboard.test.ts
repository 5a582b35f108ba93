import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { dashboard, dashboardFile, rows } from '../../scripts/dashboard.ts'

interface Shown {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[]
}

const text = readFileSync(dashboardFile, 'utf8')
const shown = JSON.parse(text) as {
  readonly uid: string
  readonly schemaVersion: number
  readonly templating: { readonly list: readonly { readonly name: string }[] }
  readonly panels: readonly Shown[]
}

it('monitoring/dashboard.json is what the script makes (else: npm run docs)', () => {
  expect(text).toBe(dashboard())
})

it('has the variables that its queries use, and no other', () => {
  const used = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name = '']) => name).filter((name) => !name.startsWith('__'))
  expect(new Set(shown.templating.list.map(({ name }) => name))).toEqual(new Set(used))
  expect(shown.schemaVersion).toBeGreaterThanOrEqual(38)
})

it('every panel says what is good and what is bad, and takes its data from the chosen source', () => {
  const panels = shown.panels.filter(({ type }) => type !== 'row')
  expect(panels).toHaveLength(rows.flatMap((row) => row.panels).length)
  for (const { title, description = '', targets = [] } of panels) {
    expect(description, title).toMatch(/Good|Bad|how many|How many/)
    expect(targets.length).toBeGreaterThan(0)
    for (const { datasource } of targets) expect(datasource.uid).toBe('${datasource}')
  }
})

it('no panel lies on another, none is wider than the page, and ids are unique', () => {
  const taken = new Set<string>()
  for (const { gridPos } of shown.panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x} ${y}`)).toBe(false)
        taken.add(`${x} ${y}`)
      }
  }
  expect(new Set(shown.panels.map(({ id }) => id)).size).toBe(shown.panels.length)
})
