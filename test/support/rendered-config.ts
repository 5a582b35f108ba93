import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { start } from './cli-process.ts'
import type { Started } from './cli-process.ts'
import { scratch } from './cli-scratch.ts'
import type { KubernetesObject } from './kubernetes-objects.ts'
import { at, containersOf, groupAt, groupsAt, podsOf } from './kubernetes-structure.ts'
import type { PodTemplate } from './kubernetes-structure.ts'

/** The configuration that the pods of some objects mount. @throws Error when there is not just one */
export function configTextOf(objects: readonly KubernetesObject[], pod: PodTemplate): string {
  const name = groupsAt(pod.spec, 'volumes')
    .map((volume) => at(volume, 'configMap.name'))
    .find((found) => found !== undefined)
  const texts = objects
    .filter(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name)
    .map(({ data }) => data?.['proxy.config.yaml'])
  if (texts.length !== 1 || texts[0] === undefined) throw new Error(`${pod.owner} has no configuration`)
  return texts[0]
}

/** The pod that the objects make whose owner has this name, `Deployment/NAME`. */
export function podNamed(objects: readonly KubernetesObject[], owner: string): PodTemplate {
  const pod = podsOf(objects).find((candidate) => candidate.owner === owner)
  if (pod === undefined) throw new Error(`there is no ${owner}`)
  return pod
}

/** What the volumes and variables of a pod are filled from. */
export interface PodSources {
  /** The Secret that is mounted at /run/secrets/bearerd, by key. */
  readonly secret: Readonly<Record<string, string>>
  /** What of the configuration is another one on this machine: ports that are free, say. */
  readonly exchange: Readonly<Record<string, string>>
}

/** A gateway that runs as the container of a pod would. */
export interface RunningPod extends Started {
  /** The file that its configuration is in. */
  readonly config: string
  /** Puts another configuration into the mounted ConfigMap, as kubelet does. */
  replaceConfig(text: string): void
}

/** Runs what the container named bearerd of a pod would run, with its variables, and its volumes as kubelet lays them out. */
export function runPod(pod: PodTemplate, text: string, { secret, exchange }: PodSources): RunningPod {
  const place = scratch()
  const container = containersOf(pod).find(({ name }) => name === 'bearerd')
  mkdirSync(place.path('secrets'))
  for (const [key, value] of Object.entries(secret)) writeFileSync(place.path(`secrets/${key}`), value)
  const onThisMachine = (config: string): string =>
    Object.entries({ ...exchange, '/run/secrets/bearerd/': `${place.path('secrets')}/` }).reduce(
      (result, [from, to]) => result.replaceAll(from, () => to),
      config,
    )
  const variables = variablesOf(groupsAt(container, 'env'), secret)
  let version = 0
  const replaceConfig = (next: string): void => {
    const folder = `..version-${++version}`
    mkdirSync(place.path(folder))
    place.write(`${folder}/proxy.config.yaml`, onThisMachine(next))
    symlinkSync(folder, place.path('..data_tmp'))
    renameSync(place.path('..data_tmp'), place.path('..data'))
  }
  replaceConfig(text)
  symlinkSync('..data/proxy.config.yaml', place.path('proxy.config.yaml'))
  if (dirname(variables['BEARERD_CONFIG'] ?? '') !== '/etc/bearerd')
    throw new Error('the pod does not say where its configuration is')
  const config = place.path('proxy.config.yaml')
  return { ...start(['serve'], { env: { ...variables, BEARERD_CONFIG: config } }), config, replaceConfig }
}

/** Those of the container; one from a key that the Secret does not have is not there, if it may. */
function variablesOf(
  env: readonly Readonly<Record<string, unknown>>[],
  secret: Readonly<Record<string, string>>,
): Record<string, string> {
  const pairs = env.flatMap(({ name, value, valueFrom }) => {
    const { key, optional } = groupAt(valueFrom, 'secretKeyRef')
    const found = typeof value === 'string' ? value : secret[String(key)]
    if (found === undefined && optional !== true) throw new Error(`the container would not be made: no key ${String(key)}`)
    return found === undefined ? [] : [[String(name), found] as const]
  })
  return Object.fromEntries(pairs)
}
