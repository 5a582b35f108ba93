import { describe, expect, it } from 'vitest'
import { rows } from '../../scripts/dashboard.ts'
import { createExposition } from '../../src/telemetry/exposition.ts'
import { WorkerMetrics } from '../../src/telemetry/worker-metrics.ts'
import { blocksOf, readAlerts, readRunbook } from '../support/monitoring-files.ts'
import { groupingsOf, selectorsOf } from '../support/promql.ts'
import { usedMetrics } from '../support/used-metrics.ts'

/** What Prometheus and those who collect from several of them add to each series. */
const targetLabels = ['cluster', 'namespace', 'job', 'instance']
/** Labels whose values are known beforehand. */
const closed = new Set(['outcome', 'result', 'le'])

const workers = new WorkerMetrics(() => 2)
workers.setUsage(1, 1, 1)
const { body } = await createExposition({ instruments: [...usedMetrics().instruments, ...workers.instruments] })(undefined)

/** By metric and label, the values. */
const registry = new Map<string, Map<string, Set<string>>>([['up', new Map()]])
for (const [, metric = '', inside = ''] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
  const labels = registry.get(metric) ?? new Map<string, Set<string>>()
  registry.set(metric, labels)
  for (const [, label = '', value = ''] of inside.matchAll(/(\w+)="([^"]*)"/g))
    labels.set(label, (labels.get(label) ?? new Set()).add(value))
}
const labelNames = new Set([...targetLabels, ...[...registry.values()].flatMap((labels) => [...labels.keys()])])

const expressions = [
  ...readAlerts().map(({ alert, expr }) => [alert, expr] as const),
  ...rows.flatMap(({ panels }) => panels.flatMap(({ title, queries }) => queries.map(({ expr }) => [title, expr] as const))),
  ...blocksOf(readRunbook(), 'promql').map((block) => ['runbook', block] as const),
]

describe('alerts, dashboard and runbook', () => {
  it('ask for something', () => {
    expect(expressions.length).toBeGreaterThan(60)
    expect(new Set(expressions.flatMap(([, expr]) => selectorsOf(expr).map(({ metric }) => metric))).size).toBeGreaterThan(25)
  })

  it.each(expressions)('%s names only metrics and labels that there are: %s', (_, expr) => {
    const selectors = selectorsOf(expr)
    expect(selectors.length).toBeGreaterThan(0)
    for (const { metric, matchers } of selectors) {
      const labels = registry.get(metric)
      expect(labels, metric).toBeDefined()
      for (const { label, operator, value } of matchers) {
        if (targetLabels.includes(label)) continue
        expect([...(labels?.keys() ?? [])], `${metric}{${label}}`).toContain(label)
        const values = operator.endsWith('~') ? value.split('|') : [value]
        if (closed.has(label)) for (const one of values) expect([...(labels?.get(label) ?? [])]).toContain(one)
      }
    }
    for (const label of groupingsOf(expr)) expect([...labelNames]).toContain(label)
  })
})

it('every metric of ours is on the dashboard', () => {
  const shown = new Set(
    rows
      .flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.flatMap(({ expr }) => selectorsOf(expr))))
      .map(({ metric }) => metric),
  )
  const missing = [...registry.keys()].filter((metric) => metric.startsWith('bearerd_') && !shown.has(metric))
  expect(missing.filter((metric) => !/_(sum|count|bucket)$/.test(metric))).toEqual([])
})
