import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { chart, gatewayValues } from '../support/chart-values.ts'
import { chartObjects, describeWithHelm } from '../support/kubernetes-tools.ts'

describeWithHelm('the chart', () => {
  it('has every alert in its PrometheusRule, with the templates of Prometheus as they are', () => {
    const [rule] = chartObjects(
      chart,
      { ...gatewayValues, prometheusRule: { enabled: true } },
      '-s',
      'templates/prometheusrule.yaml',
    )
    const alerts = readFileSync(join(chart, 'files/alerts.yml'), 'utf8')
    expect(rule?.spec).toEqual(parse(alerts))
    expect(JSON.stringify(rule?.spec)).toContain('{{ $labels.')
  })

  it('has the whole dashboard in its ConfigMap', () => {
    const [map] = chartObjects(chart, { ...gatewayValues, dashboard: { enabled: true } }, '-s', 'templates/dashboard.yaml')
    const dashboard = readFileSync(join(chart, 'files/dashboard.json'), 'utf8')
    expect(map?.metadata.labels).toHaveProperty('grafana_dashboard', '1')
    expect(JSON.parse(map?.data?.['bearerd.json'] ?? '')).toEqual(JSON.parse(dashboard))
  })
})
