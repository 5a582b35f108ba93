import { describe, expect, it } from 'vitest'
import { matrix, chart, gatewayValues, sidecarValues } from '../support/chart-values.ts'
import { scratch } from '../support/cli-scratch.ts'
import { schemaProblems } from '../support/kubernetes-objects.ts'
import type { KubernetesObject } from '../support/kubernetes-objects.ts'
import { at, containersOf, groupAt, groupsAt, podsOf, structureProblems } from '../support/kubernetes-structure.ts'
import type { PodTemplate } from '../support/kubernetes-structure.ts'
import { chartObjects, describeWithHelm, helm, objectsIn, renderChart } from '../support/kubernetes-tools.ts'
import { stringify } from 'yaml'

/** Names of objects that the values of the matrix take for granted. */
const elsewhere = ['mine']

function gatewayPod(objects: readonly KubernetesObject[]): PodTemplate {
  const pod = podsOf(objects).find(({ owner }) => owner.startsWith('Deployment/'))
  if (pod === undefined) throw new Error('there is no Deployment')
  return pod
}

const kindsOf = (objects: readonly KubernetesObject[]): string[] => objects.map(({ kind }) => kind).sort()

describeWithHelm('the chart', () => {
  describe.each(Object.entries(matrix))('with %s', (name, values) => {
    it('makes objects that the API of Kubernetes takes, that fit together and that restricted Pod Security lets in', () => {
      const objects = chartObjects(chart, values)
      expect(objects.length).toBeGreaterThan(0)
      expect(objects.flatMap(schemaProblems)).toEqual([])
      // The pods that the PodMonitor of a sidecar selects are those of another chart.
      const own = name.includes('for its pods') ? objects.filter(({ kind }) => kind !== 'PodMonitor') : objects
      expect(structureProblems(own, elsewhere)).toEqual([])
    })

    it('passes helm lint --strict', () => {
      const { isGood, says } = helm(
        'lint',
        '--strict',
        chart,
        '-f',
        scratch().write('values.yaml', stringify(values, { version: '1.1' })),
      )
      expect(says).toContain('1 chart(s) linted, 0 chart(s) failed')
      expect(isGood).toBe(true)
    })
  })

  it('makes of the least a Deployment behind a Service, with its policies and a test, and no monitor', () => {
    expect(kindsOf(chartObjects(chart, gatewayValues))).toEqual(
      ['ConfigMap', 'ConfigMap', 'Deployment', 'NetworkPolicy', 'Pod', 'PodDisruptionBudget', 'Service', 'ServiceAccount'].sort(),
    )
    expect(kindsOf(chartObjects(chart, matrix['one pod and nothing that can be left out'] ?? {}))).toEqual(
      ['ConfigMap', 'ConfigMap', 'Deployment', 'Pod', 'Service'].sort(),
    )
  })

  it('makes of a sidecar nothing but its configuration', () => {
    expect(kindsOf(chartObjects(chart, sidecarValues))).toEqual(['ConfigMap'])
  })

  it('leaves the number of pods to the autoscaler', () => {
    const [deployment] = chartObjects(chart, matrix['an autoscaler'] ?? {}).filter(({ kind }) => kind === 'Deployment')
    expect(at(deployment, 'spec.replicas')).toBeUndefined()
    expect(at(deployment, 'spec.strategy.type')).toBe('RollingUpdate')
  })

  it('says nothing of a rolling update where pods are recreated, as a volume for one pod at a time wants', () => {
    const objects = chartObjects(chart, { ...gatewayValues, strategy: { type: 'Recreate' } })
    const [deployment] = objects.filter(({ kind }) => kind === 'Deployment')
    expect(at(deployment, 'spec.strategy')).toEqual({ type: 'Recreate' })
  })

  it('gives the pod as long to end as a stop can take', () => {
    const graceOf = (values: Readonly<Record<string, unknown>>) =>
      at(gatewayPod(chartObjects(chart, values)).spec, 'terminationGracePeriodSeconds')
    const withShutdown = (shutdown: unknown) => ({ ...gatewayValues, config: { ...gatewayValues.config, shutdown } })
    expect(graceOf(gatewayValues)).toBe(55)
    expect(graceOf(withShutdown({ grace: '2m' }))).toBe(145)
    expect(graceOf(withShutdown({ delay: '1500ms', grace: '0s' }))).toBe(22)
    expect(graceOf(matrix['a ConfigMap and a ServiceAccount of the user'] ?? {})).toBe(90)
    expect(graceOf({ ...gatewayValues, terminationGracePeriodSeconds: 300 })).toBe(300)
  })

  it('mounts no token of a service account, and the Secret in a way that has bearerd say what is missing', () => {
    const { spec } = gatewayPod(chartObjects(chart, gatewayValues))
    expect(at(spec, 'securityContext')).toMatchObject({ fsGroup: 65532 })
    expect(at(spec, 'automountServiceAccountToken')).toBe(false)
    expect(groupsAt(spec, 'volumes').map(({ name, secret }) => [name, secret])).toEqual([
      ['bearerd-config', undefined],
      ['bearerd-secrets', { secretName: 'providers', defaultMode: 0o440, optional: true }],
    ])
    const [container] = groupsAt(spec, 'containers')
    expect(groupsAt(container, 'env')).toContainEqual({
      name: 'GETT_CLIENT_ID',
      valueFrom: { secretKeyRef: { name: 'providers', key: 'gett-client-id', optional: true } },
    })
  })

  it('has the Secret readable for all where no group of volumes is said', () => {
    const { spec } = gatewayPod(chartObjects(chart, { ...gatewayValues, podSecurityContext: { fsGroup: null } }))
    expect(groupsAt(spec, 'volumes')).toContainEqual({
      name: 'bearerd-secrets',
      secret: { secretName: 'providers', defaultMode: 0o444, optional: true },
    })
  })

  it('asks by TLS where the admin interface speaks it', () => {
    const objects = chartObjects(chart, matrix['TLS on both listeners'] ?? {})
    const [container] = containersOf(gatewayPod(objects))
    expect(groupsAt(container, 'ports').map(({ containerPort }) => containerPort)).toEqual([8443, 9443])
    expect(groupAt(container, 'readinessProbe.httpGet')).toEqual({ path: '/readyz', port: 'bearerd-admin', scheme: 'HTTPS' })
    const [monitor] = objects.filter(({ kind }) => kind === 'ServiceMonitor')
    expect(groupsAt(monitor, 'spec.endpoints')).toMatchObject([{ scheme: 'https', tlsConfig: { serverName: 'bearerd' } }])
  })

  it('has the monitors present the key that the admin interface wants', () => {
    const objects = chartObjects(chart, matrix['a ServiceMonitor, with a key'] ?? {})
    const [monitor] = objects.filter(({ kind }) => kind === 'ServiceMonitor')
    expect(groupsAt(monitor, 'spec.endpoints')).toMatchObject([
      { interval: '30s', authorization: { type: 'Bearer', credentials: { name: 'metrics', key: 'metrics-key' } } },
    ])
    const [config] = objects.filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'rel-bearerd')
    const [read] = objectsIn(config?.data?.['proxy.config.yaml'] ?? '')
    expect(at(read, 'admin.callers')).toEqual([
      { name: 'prometheus', api_key: { file: '/run/secrets/bearerd-metrics/metrics-key' } },
    ])
  })

  it('lets nothing in but labelled pods, Prometheus and its own test, and nothing out but DNS, Redis and public addresses', () => {
    const objects = chartObjects(chart, matrix['tokens in Redis'] ?? {})
    const [policy] = objects.filter(({ kind }) => kind === 'NetworkPolicy')
    expect(at(policy, 'spec.policyTypes')).toEqual(['Ingress', 'Egress'])
    expect(groupsAt(policy, 'spec.ingress').map((rule) => [at(rule, 'ports.0.port'), groupsAt(rule, 'from').length])).toEqual([
      ['bearerd', 1],
      ['bearerd-admin', 2],
    ])
    const egress = groupsAt(policy, 'spec.egress')
    expect(egress.map((rule) => groupsAt(rule, 'ports').map(({ port }) => port))).toEqual([[53, 53], [6379], [443]])
    // Among the rest: where clouds hand out the identity of the machine.
    expect(at(egress[2], 'to.0.ipBlock.except')).toContain('169.254.0.0/16')
  })

  it('lets other proxies than callers reach the token service, where there is one', () => {
    const objects = chartObjects(chart, matrix['a token service for other proxies'] ?? {})
    const [service, policy] = ['Service', 'NetworkPolicy'].map((kind) => objects.find((object) => object.kind === kind))
    expect(groupsAt(service, 'spec.ports').map(({ name, port }) => [name, port])).toContainEqual(['tokens', 9180])
    const [rule] = groupsAt(policy, 'spec.ingress').filter((candidate) => at(candidate, 'ports.0.port') === 'bearerd-tokens')
    expect(at(rule, 'from')).toEqual([{ podSelector: { matchLabels: { 'bearerd-proxy': 'true' } } }])
  })

  it('renders templates in the objects that a user adds', () => {
    const names = chartObjects(chart, matrix['everything that users add'] ?? {}).map(({ metadata }) => metadata.name)
    expect(names).toEqual(expect.arrayContaining(['rel-egress-more', 'rel-text']))
  })

  it('can be packed', () => {
    const place = scratch()
    const { isGood, says } = helm('package', chart, '-d', place.folder)
    expect(says).toContain('bearerd-0.1.0.tgz')
    expect(isGood).toBe(true)
    expect(renderChart(place.path('bearerd-0.1.0.tgz'), gatewayValues).isGood).toBe(true)
  })
})

describe('what checks the objects', () => {
  const service = objectsIn(`
apiVersion: v1
kind: Service
metadata: {name: a}
spec: {selector: {app: a}, ports: [{port: 80, targetPort: web}]}
`)

  it('finds wrong types, unknown fields at any depth, and kinds that do not exist', () => {
    const text = (spec: string) =>
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, labels: {any: thing}}\nspec: ${spec}\n`
    const problemsIn = (spec: string) => objectsIn(text(spec)).flatMap(schemaProblems)
    const pod = (more: string) =>
      `{selector: {matchLabels: {app: a}}, template: {metadata: {labels: {app: a}}, spec: {containers: [{name: a, image: a${more}}]}}}`
    expect(problemsIn(pod(''))).toEqual([])
    expect(problemsIn(pod(', imagePolicy: Never'))).toEqual([
      'Deployment/a: there is no field spec.template.spec.containers[0].imagePolicy',
    ])
    expect(problemsIn(`{replicas: many, ${pod('').slice(1)}`)[0]).toMatch(/replicas must be integer/)
    expect(objectsIn('{apiVersion: v1, kind: Deployment, metadata: {name: a}}').flatMap(schemaProblems)[0]).toMatch(
      /no such kind/,
    )
  })

  it('finds selectors that select nothing and ports that nobody has', () => {
    const pod = (labels: string) =>
      objectsIn(`{apiVersion: v1, kind: Pod, metadata: {name: p, labels: ${labels}}, spec: {containers: [{name: c, image: c}]}}`)
    expect(structureProblems([...service, ...pod('{app: b}')])).toEqual(['Service/a: selects no pod'])
    expect(structureProblems([...service, ...pod('{app: a}')])).toEqual(['Service/a: Pod/p has no port web'])
  })

  it('finds a container of ours that restricted Pod Security refuses', () => {
    const [pod] = objectsIn(
      '{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: "bearerd:1"}]}}',
    )
    if (pod === undefined) throw new Error('no pod')
    expect(structureProblems([pod])).toContain('Pod/p: c lacks runAsNonRoot: true')
  })
})
