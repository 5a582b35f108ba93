import { spawnSync } from 'node:child_process'
import { parseAllDocuments, stringify } from 'yaml'
import { scratch } from './cli-scratch.ts'
import { describeWithProgram } from './describe-with.ts'
import type { KubernetesObject } from './kubernetes-objects.ts'

/** Tests that need the real helm or kubectl; where it is missing they are skipped and say so, but never in CI. */
export const describeWithHelm = describeWithProgram('helm', 'version')
export const describeWithKubectl = describeWithProgram('kubectl', 'version', '--client')

/** How a run of helm or kubectl ended. */
export interface ToolRun {
  readonly isGood: boolean
  readonly stdout: string
  /** What it says, errors included. */
  readonly says: string
}

/** Runs helm, which finds no settings of whoever runs the tests. */
export function helm(...args: readonly string[]): ToolRun {
  const home = scratch().folder
  return run('helm', args, { HELM_CONFIG_HOME: home, HELM_CACHE_HOME: home, HELM_DATA_HOME: home })
}

/** What `helm template` makes of a chart. */
export function renderChart(chart: string, values: Readonly<Record<string, unknown>>, ...args: readonly string[]): ToolRun {
  return helm(
    'template',
    'rel',
    chart,
    '--namespace',
    'apps',
    '-f',
    scratch().write('values.yaml', stringify(values, { version: '1.1' })),
    ...args,
  )
}

/** The objects that a chart makes. @throws Error with what helm says */
export function chartObjects(
  chart: string,
  values: Readonly<Record<string, unknown>>,
  ...args: readonly string[]
): KubernetesObject[] {
  return objectsOf(renderChart(chart, values, ...args))
}

/** The objects that `kubectl kustomize` makes of a folder. @throws Error with what kubectl says */
export function kustomizeObjects(folder: string): KubernetesObject[] {
  return objectsOf(run('kubectl', ['kustomize', folder], {}))
}

/** The objects in a text of YAML, as Kubernetes reads them: YAML 1.1, where `0444` is octal. */
export function objectsIn(text: string): KubernetesObject[] {
  return parseAllDocuments(text, { version: '1.1', merge: false })
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0]
      return document.toJS() as KubernetesObject | null
    })
    .filter((object) => object !== null)
}

function objectsOf({ isGood, stdout, says }: ToolRun): KubernetesObject[] {
  if (!isGood) throw new Error(says)
  return objectsIn(stdout)
}

function run(program: string, args: readonly string[], env: Readonly<Record<string, string>>): ToolRun {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', env: { ...process.env, ...env } })
  if (error !== undefined) throw new Error(`${program} is needed on the build machine`, { cause: error })
  return { isGood: status === 0, stdout, says: `${stdout}${stderr}` }
}
