import { isGroup, valueAt } from '../../src/config/groups.ts'
import type { Group } from '../../src/config/groups.ts'
import type { KubernetesObject } from './kubernetes-objects.ts'

/** A pod, or what pods are made of. */
export interface PodTemplate {
  /** `Deployment/NAME` */
  readonly owner: string
  readonly labels: Group
  readonly annotations: Group
  readonly spec: Group
}

/** The pods that some objects make. */
export function podsOf(objects: readonly KubernetesObject[]): PodTemplate[] {
  return objects.flatMap((object) => {
    const path = podPaths[object.kind]
    if (path === undefined) return []
    const template = groupAt(object, path)
    const metadata = groupAt(template, 'metadata')
    return [
      {
        owner: `${object.kind}/${object.metadata.name}`,
        labels: groupAt(metadata, 'labels'),
        annotations: groupAt(metadata, 'annotations'),
        spec: groupAt(template, 'spec'),
      },
    ]
  })
}

const podPaths: Readonly<Record<string, string>> = {
  Pod: '',
  Deployment: 'spec.template',
  StatefulSet: 'spec.template',
  Job: 'spec.template',
  CronJob: 'spec.jobTemplate.spec.template',
}

/** The containers of a pod, native sidecars first. */
export function containersOf({ spec }: PodTemplate): Group[] {
  return [...groupsAt(spec, 'initContainers'), ...groupsAt(spec, 'containers')]
}

/** What stands at a path of keys, `spec.template`; undefined when nothing does. */
export function at(value: unknown, path: string): unknown {
  return path === '' ? value : valueAt(value, path.split('.'))
}

/** As {@link at}, for a group of keys; an empty one when there is none. */
export function groupAt(value: unknown, path: string): Group {
  const found = at(value, path)
  return isGroup(found) ? found : {}
}

/** As {@link at}, for a list of groups. */
export function groupsAt(value: unknown, path: string): Group[] {
  const found = at(value, path)
  return Array.isArray(found) ? found.filter(isGroup) : []
}

/**
 * What does not fit together among objects that are applied together: names that lead nowhere, selectors that select nothing, ports
 * that no container has, and pods of ours that restricted Pod Security refuses.
 * @param elsewhere names of ConfigMaps and ServiceAccounts that are not among them
 */
export function structureProblems(objects: readonly KubernetesObject[], elsewhere: readonly string[] = []): string[] {
  const pods = podsOf(objects)
  const has = (kind: string, name: unknown): boolean =>
    elsewhere.includes(String(name)) || objects.some((object) => object.kind === kind && object.metadata.name === name)
  const names = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`)
  return [
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `${name}: there are two`),
    ...objects.flatMap((object) => selectorProblems(object, objects, pods)),
    ...pods.flatMap((pod) => referenceProblems(pod, has)),
    ...pods.flatMap((pod) => securityProblems(pod)),
  ]
}

/** Whether labels are among others. */
export function isSelected(selector: Group, labels: Group): boolean {
  const wanted = Object.entries(selector)
  return wanted.length > 0 && wanted.every(([key, value]) => labels[key] === value)
}

function selectorProblems(
  object: KubernetesObject,
  objects: readonly KubernetesObject[],
  pods: readonly PodTemplate[],
): string[] {
  const name = `${object.kind}/${object.metadata.name}`
  const selected = (path: string): PodTemplate[] => pods.filter(({ labels }) => isSelected(groupAt(object, path), labels))
  const needPorts = (found: readonly PodTemplate[], ports: readonly unknown[]): string[] =>
    found.length === 0
      ? [`${name}: selects no pod`]
      : found.flatMap((pod) =>
          ports.filter((port) => !hasPort(pod, port)).map((port) => `${name}: ${pod.owner} has no port ${String(port)}`),
        )
  switch (object.kind) {
    case 'Deployment':
    case 'StatefulSet':
      return selected('spec.selector.matchLabels').some(({ owner }) => owner === name)
        ? []
        : [`${name}: does not select its own pods`]
    case 'Service':
      return needPorts(
        selected('spec.selector'),
        groupsAt(object, 'spec.ports').map(({ targetPort }) => targetPort),
      )
    case 'PodDisruptionBudget':
      return needPorts(selected('spec.selector.matchLabels'), [])
    case 'NetworkPolicy':
      return needPorts(
        selected('spec.podSelector.matchLabels'),
        groupsAt(object, 'spec.ingress').flatMap((rule) => groupsAt(rule, 'ports').map(({ port }) => port)),
      )
    case 'HorizontalPodAutoscaler':
      return objects.some(
        ({ kind, metadata }) =>
          kind === at(object, 'spec.scaleTargetRef.kind') && metadata.name === at(object, 'spec.scaleTargetRef.name'),
      )
        ? []
        : [`${name}: scales nothing`]
    case 'PodMonitor':
      return needPorts(
        selected('spec.selector.matchLabels'),
        groupsAt(object, 'spec.podMetricsEndpoints').map(({ port }) => port),
      )
    case 'ServiceMonitor': {
      const ports = objects
        .filter(
          ({ kind, metadata }) =>
            kind === 'Service' && isSelected(groupAt(object, 'spec.selector.matchLabels'), metadata.labels ?? {}),
        )
        .flatMap((service) => groupsAt(service, 'spec.ports').map((port) => port['name']))
      const missing = groupsAt(object, 'spec.endpoints').filter(({ port }) => !ports.includes(port))
      return missing.map(({ port }) => `${name}: no Service that it selects has a port ${String(port)}`)
    }
    default:
      return []
  }
}

function hasPort(pod: PodTemplate, port: unknown): boolean {
  return containersOf(pod).some((container) =>
    groupsAt(container, 'ports').some(({ name, containerPort }) => name === port || containerPort === port),
  )
}

function referenceProblems(pod: PodTemplate, has: (kind: string, name: unknown) => boolean): string[] {
  const volumes = groupsAt(pod.spec, 'volumes')
  const account = at(pod.spec, 'serviceAccountName')
  const probes = ['startupProbe', 'livenessProbe', 'readinessProbe']
  return [
    ...(account === undefined || account === 'default' || has('ServiceAccount', account)
      ? []
      : [`no ServiceAccount ${JSON.stringify(account)}`]),
    ...volumes
      .map((volume) => at(volume, 'configMap.name'))
      .filter((name) => name !== undefined && !has('ConfigMap', name))
      .map((name) => `no ConfigMap ${String(name)}`),
    ...containersOf(pod).flatMap((container) => [
      ...groupsAt(container, 'volumeMounts')
        .filter((mount) => !volumes.some(({ name }) => name === mount['name']))
        .map((mount) => `no volume ${String(mount['name'])}`),
      ...probes
        .map((probe) => at(container, `${probe}.httpGet.port`))
        .filter((port) => port !== undefined && !hasPort(pod, port))
        .map((port) => `no port ${String(port)} to probe`),
    ]),
  ].map((problem) => `${pod.owner}: ${problem}`)
}

/** What the Pod Security Standard "restricted" wants, of containers of ours, and what we want beyond it. */
function securityProblems(pod: PodTemplate): string[] {
  return containersOf(pod)
    .filter(({ image }) => /^bearerd[:@]|\/bearerd[:@]/.test(String(image)))
    .flatMap((container) => {
      const inPod = groupAt(pod.spec, 'securityContext')
      const own = groupAt(container, 'securityContext')
      const isRight: Readonly<Record<string, boolean>> = {
        'runAsNonRoot: true': (own['runAsNonRoot'] ?? inPod['runAsNonRoot']) === true,
        'runAsUser: 65532': (own['runAsUser'] ?? inPod['runAsUser']) === 65_532,
        'seccompProfile: RuntimeDefault':
          (at(own, 'seccompProfile.type') ?? at(inPod, 'seccompProfile.type')) === 'RuntimeDefault',
        'allowPrivilegeEscalation: false': own['allowPrivilegeEscalation'] === false,
        'readOnlyRootFilesystem: true': own['readOnlyRootFilesystem'] === true,
        'capabilities: {drop: [ALL]}': JSON.stringify(own['capabilities']) === '{"drop":["ALL"]}',
        'a limit of memory': at(container, 'resources.limits.memory') !== undefined,
        'no mount by subPath': groupsAt(container, 'volumeMounts').every(({ subPath }) => subPath === undefined),
      }
      return Object.keys(isRight)
        .filter((rule) => isRight[rule] !== true)
        .map((rule) => `${pod.owner}: ${String(container['name'])} lacks ${rule}`)
    })
}
