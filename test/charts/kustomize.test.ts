import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { projectRoot } from '../support/cli-process.ts'
import { problemsOf } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'
import { schemaProblems } from '../support/kubernetes-objects.ts'
import { at, containersOf, groupAt, groupsAt, podsOf, structureProblems } from '../support/kubernetes-structure.ts'
import { describeWithKubectl, kustomizeObjects } from '../support/kubernetes-tools.ts'
import { configTextOf, podNamed } from '../support/rendered-config.ts'

const base = join(projectRoot, 'kustomize/base')
const component = join(projectRoot, 'kustomize/components/sidecar')
const example = join(projectRoot, 'examples/kubernetes-sidecar')

/** A configuration with its secrets in a file of this machine. */
function withSecret(text: string): string {
  return text.replaceAll(/\/run\/secrets\/[\w./-]+/g, scratch().write('secret', 'value'))
}

/** A kustomization of a user in a folder of its own. @returns what is made of it */
function overlay(lines: string, files: Readonly<Record<string, string>> = {}) {
  const place = scratch()
  for (const [name, text] of Object.entries(files)) place.write(name, text)
  // kustomize takes no absolute path.
  const text = lines.replaceAll(base, relative(place.folder, base)).replaceAll(component, relative(place.folder, component))
  place.write('kustomization.yaml', text)
  return kustomizeObjects(place.folder)
}

describeWithKubectl('kustomize/base', () => {
  it('makes objects that the API takes, that fit together and that restricted Pod Security lets in', () => {
    const objects = kustomizeObjects(base)
    expect(objects.map(({ kind }) => kind).sort()).toEqual([
      'ConfigMap',
      'Deployment',
      'NetworkPolicy',
      'PodDisruptionBudget',
      'Service',
    ])
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
  })

  it('has a configuration that loads, on the ports of the pod, and gives it the time to end', () => {
    const objects = kustomizeObjects(base)
    const pod = podNamed(objects, 'Deployment/bearerd')
    const { listen, admin, shutdown } = parseConfig('f.yaml', withSecret(configTextOf(objects, pod)), {})
    const [container] = containersOf(pod)
    expect(groupsAt(container, 'ports').map(({ containerPort }) => containerPort)).toEqual([
      at(listen, 'port'),
      at(admin.listen, 'port'),
    ])
    expect(at(pod.spec, 'terminationGracePeriodSeconds')).toBe((shutdown.delay + shutdown.grace) / 1_000 + 20)
  })

  it('keeps whom its NetworkPolicy means when an overlay adds labels to all selectors', () => {
    const objects = overlay(
      `resources: [${base}]\nlabels: [{pairs: {team: payments}, includeSelectors: true}]\nnamePrefix: egress-\n`,
    )
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
    const policy = objects.find(({ kind }) => kind === 'NetworkPolicy')
    expect(at(policy, 'spec.podSelector.matchLabels')).toHaveProperty('team', 'payments')
    expect(JSON.stringify([at(policy, 'spec.ingress'), at(policy, 'spec.egress')])).not.toContain('payments')
  })

  it('takes the configuration and the image of the overlay in docs/kubernetes.md', () => {
    const page = readFileSync(join(projectRoot, 'docs/kubernetes.md'), 'utf8')
    const [, lines = ''] = /```yaml\n([^`]*kind: Kustomization\n[^`]*)```/.exec(page) ?? []
    const objects = overlay(lines.replace('../kustomize/base', base), { 'proxy.config.yaml': 'callers: anyone\n' })
    const pod = podNamed(objects, 'Deployment/bearerd')
    expect(configTextOf(objects, pod)).toBe('callers: anyone\n')
    expect(containersOf(pod).map(({ image }) => image)).toEqual(['images.example.com/bearerd:0.1.0'])
  })
})

describeWithKubectl('kustomize/components/sidecar', () => {
  const pod =
    'metadata: {labels: {app: a}}, spec: {restartPolicy: RESTART, initContainers: [{name: first, image: first}], containers: [{name: a, image: a}]}'
  const workload = (kind: string, api: string, spec: string, label: string) =>
    `apiVersion: ${api}\nkind: ${kind}\nmetadata: {name: ${kind.toLowerCase()}-${label}, labels: {bearerd-sidecar: "${label}"}}\nspec: ${spec}\n`
  const always = pod.replace('RESTART', 'Always')
  const never = pod.replace('RESTART', 'Never')
  const selector = 'selector: {matchLabels: {app: a}}'

  it('puts the sidecar first into whatever has its label, and leaves the rest alone', () => {
    const workloads = ['true', 'false'].flatMap((label) => [
      workload('Deployment', 'apps/v1', `{${selector}, template: {${always}}}`, label),
      workload('StatefulSet', 'apps/v1', `{serviceName: a, ${selector}, template: {${always}}}`, label),
      workload('Job', 'batch/v1', `{template: {${never}}}`, label),
      workload('CronJob', 'batch/v1', `{schedule: "0 4 * * *", jobTemplate: {spec: {template: {${never}}}}}`, label),
    ])
    const objects = overlay(
      `resources: [workloads.yaml]
components: [${component}]
configMapGenerator: [{name: bearerd-sidecar, files: [proxy.config.yaml]}]
generatorOptions: {disableNameSuffixHash: true}
`,
      { 'workloads.yaml': workloads.join('---\n'), 'proxy.config.yaml': 'routes: []\n' },
    )
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
    const containers = Object.fromEntries(podsOf(objects).map((made) => [made.owner, containersOf(made).map(({ name }) => name)]))
    const kinds = ['Deployment', 'StatefulSet', 'Job', 'CronJob']
    expect(containers).toEqual({
      ...Object.fromEntries(kinds.map((kind) => [`${kind}/${kind.toLowerCase()}-true`, ['bearerd', 'first', 'a']])),
      ...Object.fromEntries(kinds.map((kind) => [`${kind}/${kind.toLowerCase()}-false`, ['first', 'a']])),
    })
  })

  it('has the same pod in both of its patches', () => {
    const specOf = (name: string) =>
      readFileSync(join(component, name), 'utf8')
        .replaceAll(/^ +/gm, '')
        .replace(/^[^]*?(?=initContainers:)/, '')
    expect(specOf('deployment.yaml')).toContain('restartPolicy: Always')
    expect(specOf('cronjob.yaml')).toBe(specOf('deployment.yaml'))
  })
})

describeWithKubectl('examples/kubernetes-sidecar', () => {
  it('is a legacy application and a Job, each with a native sidecar, and the API takes all of it', () => {
    const objects = kustomizeObjects(example)
    expect(objects.flatMap(schemaProblems)).toEqual([])
    expect(structureProblems(objects)).toEqual([])
    for (const owner of ['Deployment/legacy-app', 'Job/report']) {
      const [container] = containersOf(podNamed(objects, owner))
      expect(container).toMatchObject({ name: 'bearerd', restartPolicy: 'Always' })
      expect(groupAt(container, 'startupProbe.exec')).toEqual({ command: ['bearerd', 'healthcheck'] })
    }
  })

  it('has a configuration that loads, on the address that the applications call', () => {
    const objects = kustomizeObjects(example)
    const text = configTextOf(objects, podNamed(objects, 'Job/report'))
    expect(problemsOf(withSecret(text))).toEqual([])
    const { listen, routes } = parseConfig('f.yaml', withSecret(text), {})
    const base = `http://${String(at(listen, 'host'))}:${String(at(listen, 'port'))}${routes[0]?.path ?? ''}`
    expect(JSON.stringify(podNamed(objects, 'Deployment/legacy-app').spec)).toContain(`"${base}"`)
    expect(JSON.stringify(podNamed(objects, 'Job/report').spec)).toContain(`"${base}/v1/`)
  })
})
