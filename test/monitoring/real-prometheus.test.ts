import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { rows } from '../../scripts/dashboard.ts'
import { projectRoot } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { until } from '../support/cli-admin-gateway.ts'
import { startMonitoredGateway } from '../support/monitored-gateway.ts'
import { alertsFile, blocksOf, readAlerts, readRunbook } from '../support/monitoring-files.ts'
import { describeWithPrometheus, startPrometheus } from '../support/prometheus.ts'
import type { Prometheus, Rule } from '../support/prometheus.ts'
import { selectorsOf } from '../support/promql.ts'

const run = promisify(execFile)
const limitMs = 60_000

/** There is none where the tests run without a limit of memory. */
const mayBeAbsent = /^bearerd_memory_limit_bytes/

/** What these say is the case with the gateway under test. */
const alertsOfThisGateway = [
  'BearerdTokenEndpointRefuses',
  'BearerdCallersWithoutToken',
  'BearerdReplaysFruitless',
  'BearerdUpstreamErrors',
]

/** As Grafana does it, with one job and everything else chosen. */
function withVariables(expr: string): string {
  const values: Readonly<Record<string, string>> = { job: 'bearerd', instance: '.*', credential: '.*', route: '.*' }
  return expr
    .replaceAll(/\$(job|instance|credential|route)\b/g, (_, name: string) => values[name] ?? '')
    .replaceAll('$__rate_interval', '1m')
}

/** Waits until an expression has a series. */
async function hasData(prometheus: Prometheus, expr: string): Promise<boolean> {
  return await until(async () => (await prometheus.query(expr)).length > 0, limitMs)
}

describeWithPrometheus('a real Prometheus that scrapes a real gateway', () => {
  it('has data for every panel, every alert and every query of the runbook', { timeout: 180_000 }, async () => {
    const { adminUrl, configFile } = await startMonitoredGateway()
    const prometheus = await startPrometheus(new URL(adminUrl).host, alertsFile)

    for (const { title, queries } of rows.flatMap(({ panels }) => panels)) {
      for (const { expr } of queries.filter((query) => !mayBeAbsent.test(query.expr))) {
        expect(await hasData(prometheus, withVariables(expr)), `${title}: ${expr}`).toBe(true)
      }
    }

    for (const { alert, expr } of readAlerts()) {
      await prometheus.query(expr)
      for (const { text } of selectorsOf(expr).filter((selector) => !mayBeAbsent.test(selector.text)))
        expect(await hasData(prometheus, text), `${alert}: ${text}`).toBe(true)
    }
    for (const query of blocksOf(readRunbook(), 'promql').flatMap((block) => block.trim().split('\n')))
      await prometheus.query(query)

    // Loaded, evaluated, and with texts in which nothing is missing.
    const isSettled = (rules: readonly Rule[]): boolean =>
      rules.every(
        ({ name, health, alerts }) => health !== 'unknown' && (alerts.length > 0 || !alertsOfThisGateway.includes(name)),
      )
    await until(async () => isSettled(await prometheus.rules()), limitMs)
    const rules = await prometheus.rules()
    expect(rules.map(({ name }) => name).sort()).toEqual(
      readAlerts()
        .map(({ alert }) => alert)
        .sort(),
    )
    for (const { name, health, lastError } of rules) expect(health, `${name}: ${lastError}`).toBe('ok')
    const active = rules.filter(({ alerts }) => alerts.length > 0).map(({ name }) => name)
    expect(active).toEqual(expect.arrayContaining(alertsOfThisGateway))
    for (const { annotations } of rules.flatMap(({ alerts }) => alerts))
      expect(Object.values(annotations).join(' ')).not.toMatch(/no value|error expanding|\{\{/)

    writeFileSync(configFile, 'listen: nonsense')
    await fetch(`${adminUrl}/reload`, { method: 'POST' })
    const { expr } = readAlerts().find(({ alert }) => alert === 'BearerdReloadFailed')!
    expect(await hasData(prometheus, expr)).toBe(true)
  })
})

const hasTools = await Promise.all([run('curl', ['--version']), run('jq', ['--version'])]).then(
  () => true,
  () => process.env['CI'] === 'true',
)

it.skipIf(!hasTools)('every command of the runbook works (skipped without curl and jq)', { timeout: 120_000 }, async () => {
  const { adminUrl, configFile } = await startMonitoredGateway()
  const inline = [...readRunbook().matchAll(/`(curl -s [^`]+)`/g)].map(([, command = '']) => command)
  const blocks = [...blocksOf(readRunbook(), 'sh').flatMap((block) => block.trim().split('\n')), ...inline]
  expect(blocks.length).toBeGreaterThan(20)
  const shims = scratch().write(
    'shims.sh',
    `set -eu -o pipefail
curl() { command curl --fail --show-error --noproxy '*' "$@"; }
bearerd() { '${projectRoot}/node_modules/.bin/node' '${projectRoot}/bin/bearerd.js' "$@"; }
`,
  )
  for (const command of new Set(blocks)) {
    const script = `. '${shims}'\n${command.replaceAll('http://127.0.0.1:9090', adminUrl)}`
    const said = async () => (await run('bash', ['-c', script], { env: { ...process.env, BEARERD_CONFIG: configFile } })).stdout
    // Of requests there is something to say as soon as there were some.
    expect(await until(async () => (await said()) !== '', limitMs), command).toBe(true)
  }
})
