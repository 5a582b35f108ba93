import { mkdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { chart, sidecarValues } from '../support/chart-values.ts'
import type { Values } from '../support/chart-values.ts'
import { run } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { schemaProblems } from '../support/kubernetes-objects.ts'
import { at, containersOf, groupAt, groupsAt, structureProblems } from '../support/kubernetes-structure.ts'
import { chartObjects, describeWithHelm, helm, renderChart } from '../support/kubernetes-tools.ts'
import { freePort } from '../support/redis-server.ts'
import { configTextOf, podNamed, runPod } from '../support/rendered-config.ts'

/** A Job of another chart, as docs/kubernetes.md shows it. */
const job = `apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-report
spec:
  template:
    metadata:
      labels:
        app: report
        {{- include "bearerd.sidecarLabels" .Subcharts.NAME | nindent 8 }}
      annotations:
        {{- include "bearerd.sidecarAnnotations" .Subcharts.NAME | nindent 8 }}
    spec:
      restartPolicy: Never
      initContainers:
        {{- include "bearerd.sidecar" .Subcharts.NAME | nindent 8 }}
      containers:
        - name: report
          image: report:1.0
      volumes:
        {{- include "bearerd.sidecarVolumes" .Subcharts.NAME | nindent 8 }}
`

/** A chart that depends on ours, by a path, as from a registry. @returns its folder */
function consumer(alias?: string): string {
  const place = scratch()
  const name = alias ?? 'bearerd'
  mkdirSync(place.path('templates'))
  place.write('templates/job.yaml', job.replaceAll('NAME', name))
  const dependency = { name: 'bearerd', version: '0.1.0', repository: `file://${chart}`, ...(alias !== undefined && { alias }) }
  place.write('Chart.yaml', stringify({ apiVersion: 'v2', name: 'legacy', version: '1.0.0', dependencies: [dependency] }))
  const { isGood, says } = helm('dependency', 'update', place.folder)
  if (!isGood) throw new Error(says)
  return place.folder
}

const sidecarOf = (values: Values, alias?: string) => {
  const objects = chartObjects(consumer(alias), { [alias ?? 'bearerd']: values })
  const pod = podNamed(objects, 'Job/rel-report')
  return { objects, pod, container: containersOf(pod)[0] }
}

describeWithHelm('a chart that depends on the sidecar', () => {
  it('makes a Job with a native sidecar, whose container ends it', () => {
    const { objects, pod, container } = sidecarOf(sidecarValues)
    expect(objects.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'Job'])
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
    expect(groupsAt(pod.spec, 'containers').map(({ name }) => name)).toEqual(['report'])
    expect(container).toMatchObject({ name: 'bearerd', restartPolicy: 'Always', image: 'bearerd:0.1.0' })
    expect(groupAt(container, 'startupProbe.exec')).toEqual({ command: ['bearerd', 'healthcheck'] })
    expect(groupAt(container, 'livenessProbe.exec')).toEqual({ command: ['bearerd', 'healthcheck', '--live'] })
    // It has nothing that anybody outside of the pod could reach.
    expect(container).not.toHaveProperty('ports')
    expect(container).not.toHaveProperty('readinessProbe')
  })

  it('has a PodMonitor find its pods, and kubelet and Prometheus reach the admin interface', () => {
    const { objects, container } = sidecarOf({ ...sidecarValues, podMonitor: { enabled: true } })
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
    expect(groupsAt(container, 'ports')).toEqual([{ name: 'bearerd-admin', containerPort: 9090, protocol: 'TCP' }])
    expect(groupAt(container, 'startupProbe.httpGet')).toEqual({ path: '/readyz', port: 'bearerd-admin', scheme: 'HTTP' })
  })

  it('may give it another name, and a ConfigMap of its own', () => {
    const values = { shape: 'sidecar', existingConfigMap: 'mine', podMonitor: { enabled: true } }
    const { objects, pod } = sidecarOf(values, 'egress')
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects, ['mine'])).toEqual([])
    expect(pod.labels).toEqual({ app: 'report', 'bearerd-sidecar': 'rel-egress' })
  })

  it('is told when it forgets the shape, and what else is wrong with the values below its name', () => {
    const folder = consumer()
    const of = (values: Values) => renderChart(folder, { bearerd: values }).says
    expect(of({ existingConfigMap: 'mine' })).toContain(
      'bearerd.sidecar needs `shape: sidecar` in the values of the chart bearerd',
    )
    expect(of({ ...sidecarValues, replicaCount: 1 })).toContain("additional properties 'replicaCount' not allowed")
  })

  it('has a sidecar that starts, and that its own probes find ready and alive', async () => {
    const { objects, pod, container } = sidecarOf(sidecarValues)
    const ports = { data: await freePort(), admin: await freePort() }
    const running = runPod(pod, configTextOf(objects, pod), {
      secret: { 'gett-client-id': 'client', 'gett-client-secret': 'secret' },
      exchange: { '127.0.0.1:8080': `127.0.0.1:${ports.data}`, '127.0.0.1:9090': `127.0.0.1:${ports.admin}` },
    })
    await running.untilOutput(/"bearerd is serving"/)
    for (const probe of ['startupProbe', 'livenessProbe']) {
      const [program, ...args] = at(container, `${probe}.exec.command`) as string[]
      expect(program).toBe('bearerd')
      expect((await run(args, { env: { BEARERD_CONFIG: running.config } })).code, probe).toBe(0)
    }
    running.signal('SIGTERM')
    expect((await running.finished).code).toBe(0)
  })
})
