import { stringify } from 'yaml'
import { expect, it } from 'vitest'
import { chart, gatewayValues, matrix, sidecarValues } from '../support/chart-values.ts'
import type { Values } from '../support/chart-values.ts'
import { scratch } from '../support/cli-scratch.ts'
import { describeWithHelm, helm } from '../support/kubernetes-tools.ts'

/** What helm says after an installation. */
function notes(values: Values): string {
  const file = scratch().write('values.yaml', stringify(values, { version: '1.1' }))
  const { isGood, stdout, says } = helm('install', 'rel', chart, '--namespace', 'apps', '--dry-run=client', '-f', file)
  expect(isGood, says).toBe(true)
  return stdout.slice(stdout.indexOf('\nNOTES:'))
}

describeWithHelm('after helm install', () => {
  it('it is said what to type next, what applications call and how they get in', () => {
    const said = notes(gatewayValues)
    expect(said).toContain('kubectl -n apps rollout status deployment/rel-bearerd')
    expect(said).toContain('helm -n apps test rel')
    expect(said).toContain('http://rel-bearerd.apps:8080/gett\n')
    expect(said).toContain('"bearerd-caller":"true"')
    expect(said).toContain('port-forward deployment/rel-bearerd 9090:9090')
    expect(said).not.toContain('callers is `anyone`')
  })

  it('it is said what follows from open callers, and from tokens that pods do not share', () => {
    expect(notes({ ...gatewayValues, config: { ...gatewayValues.config, callers: 'anyone' } })).toContain(
      'Note: callers is `anyone`.',
    )
    expect(notes(gatewayValues)).toContain('Note: each pod asks for tokens of its own')
    expect(notes({ ...gatewayValues, replicas: 1 })).not.toContain('Note:')
    const redis = { redis: { url: 'rediss://redis.example.com:6379', encryption_key: '${KEY}' } }
    const shared = {
      ...gatewayValues,
      config: { ...gatewayValues.config, token_store: redis },
      networkPolicy: { enabled: false },
    }
    expect(notes(shared)).not.toContain('Note:')
  })

  it('it is said where other proxies get tokens, and nothing of routes where there are none', () => {
    const values = matrix['a token service for other proxies'] ?? {}
    const both = notes(values)
    const alone = notes({ ...values, config: { ...(values['config'] as object), routes: undefined } })
    for (const said of [both, alone]) {
      expect(said).toContain('http://rel-bearerd.apps:9180/authorize/CREDENTIAL\n')
      expect(said).toContain('bearerd-proxy: "true"')
    }
    expect(both).toContain('/gett\n')
    expect(alone).not.toContain('Applications call')
    expect(notes(gatewayValues)).not.toContain('Other proxies')
    expect(notes({ ...gatewayValues, config: {}, existingConfigMap: 'mine' })).toContain('http://rel-bearerd.apps:8080/...')
  })

  it('it is said how a sidecar gets into pods', () => {
    const said = notes(sidecarValues)
    expect(said).toContain('{{- include "bearerd.sidecar" .Subcharts.bearerd | nindent 8 }}')
    expect(said).toContain('http://127.0.0.1:8080/gett instead')
  })
})
