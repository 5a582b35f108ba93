import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { alertsFile, alertTestsFile, readAlerts, readRunbook } from '../support/monitoring-files.ts'

const alerts = readAlerts()
const names = alerts.map(({ alert }) => alert)
const isCi = process.env['CI'] === 'true'
const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const run = promisify(execFile)

describe.skipIf(!hasPromtool && !isCi)('promtool (skipped where it is not installed)', () => {
  // What it does not like is in the error that is thrown then.
  it('finds nothing wrong with the rules', async () => {
    const { stdout } = await run('promtool', ['check', 'rules', '--lint-fatal', alertsFile])
    expect(stdout).toContain(`${alerts.length} rules found`)
  })

  it('finds that each alert fires when it should and stays silent when it should', { timeout: 180_000 }, async () => {
    const { stdout } = await run('promtool', ['test', 'rules', alertTestsFile])
    expect(stdout).toContain('SUCCESS')
  })
})

interface RuleTest {
  readonly name: string
  readonly promql_expr_test: readonly { readonly expr: string; readonly exp_samples: readonly unknown[] }[]
}

describe('each alert', () => {
  const { tests } = parse(readFileSync(alertTestsFile, 'utf8')) as { tests: RuleTest[] }
  const checksOf = (alert: string) =>
    tests
      .filter(({ name }) => name.startsWith(`${alert} `))
      .map(({ promql_expr_test: checks }) => checks.filter(({ expr }) => expr.includes(`alertname="${alert}",`)))

  it.each(names)('%s has a case in which it fires, and one in which it never does', (alert) => {
    const cases = checksOf(alert)
    expect(cases.some((checks) => checks.some(({ exp_samples: samples }) => samples.length > 0))).toBe(true)
    expect(cases.some((checks) => checks.length > 0 && checks.every(({ exp_samples: samples }) => samples.length === 0))).toBe(
      true,
    )
  })

  it.each(names)('%s has a section in the runbook, to which it points', (alert) => {
    expect(readRunbook()).toMatch(new RegExp(`^## ${alert}$`, 'm'))
    expect(alerts.find((other) => other.alert === alert)?.annotations['runbook_url']).toBe(
      `docs/runbook.md#${alert.toLowerCase()}`,
    )
  })

  it.each(alerts.map((alert) => [alert.alert, alert] as const))(
    '%s says only what it knows',
    (_, { expr, labels, annotations }) => {
      expect(['page', 'ticket']).toContain(labels['severity'])
      expect(Object.keys(annotations)).toEqual(['summary', 'description', 'runbook_url'])
      // The outermost grouping comes first in each expression.
      const [, grouping = ''] = /\bby \(([^)]*)\)/.exec(expr) ?? []
      const known = grouping.split(', ')
      for (const [, label] of Object.values(annotations)
        .join(' ')
        .matchAll(/\$labels\.(\w+)/g))
        expect(known).toContain(label)
    },
  )
})

it('the runbook has no section without an alert', () => {
  const sections = [...readRunbook().matchAll(/^## (\S+)$/gm)].map(([, name]) => name)
  expect(sections).toEqual(names)
})

it('the runbook says of each alert what callers see, where to look, what to do and what not', () => {
  for (const section of readRunbook().split(/^## /m).slice(1))
    for (const part of ['**Callers see**', '**Look**', 'auses**', '**Do**', "**Don't**"]) expect(section).toContain(part)
})
