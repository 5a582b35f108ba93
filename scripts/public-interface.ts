/**
 * What people build on, by name: a release records it, and a test fails when something of the last record is gone.
 * `npm run record-interface` writes it down; docs/releases.md says when.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { commandNames, commands } from '../src/cli/commands.ts'
import { packageVersion } from '../src/cli/version.ts'
import { configJsonSchema } from '../src/config/config-schema.ts'
import { presetNames } from '../src/config/presets.ts'
import { configProblems } from '../src/config/problem-codes.ts'
import { tokenErrors } from '../src/oauth/token-error-codes.ts'
import { gatewayErrors } from '../src/proxy/errors/gateway-error.ts'
import { AccessLog } from '../src/telemetry/access-log.ts'
import type { Instrument } from '../src/telemetry/instruments.ts'
import { createLog } from '../src/telemetry/log.ts'
import { usedMetrics } from '../test/support/used-metrics.ts'
import { WorkerMetrics } from '../src/telemetry/worker-metrics.ts'

/** Each part as lines that stand for themselves: one that is gone, or says something else, broke something. */
export interface PublicInterface {
  readonly version: string
  readonly parts: Readonly<Record<string, readonly string[]>>
}

/** Where the record of the last release is. */
export const recordFile = join(import.meta.dirname, '../test/contracts/public-interface.json')

/** The interface of the last release. */
export function recordedInterface(): PublicInterface {
  return JSON.parse(readFileSync(recordFile, 'utf8')) as PublicInterface
}

/** The interface as it is now. */
export async function publicInterface(): Promise<PublicInterface> {
  return {
    version: packageVersion(),
    parts: {
      'configuration keys, their words and defaults': [...new Set(linesOfSchema(configJsonSchema()))].sort(),
      'provider presets': [...presetNames()].sort(),
      'commands and options': await linesOfCommands(),
      'error codes': Object.entries(gatewayErrors).map(([code, { status }]) => `${code} ${status}`),
      'codes of failed token requests': Object.keys(tokenErrors),
      'codes of configuration problems': Object.keys(configProblems),
      'metrics and labels': metricLines(),
      'fields of the access log': accessLogFields(),
    },
  }
}

/**
 * What is gone, as messages.
 * @returns nothing when whoever built on the record can go on
 */
export function breaksOf(recorded: PublicInterface, current: PublicInterface): string[] {
  return Object.entries(recorded.parts).flatMap(([part, lines]) => {
    const now = new Set(current.parts[part])
    return lines
      .filter((line) => !now.has(line))
      .map(
        (line) =>
          `this is a breaking change: ${recorded.version} has "${line}" among its ${part}; keep it, or see docs/releases.md for how to change it`,
      )
  })
}

type Node = Readonly<Record<string, unknown>>

/** `KEY`, `KEY: WORD` for the words that it takes, `KEY = DEFAULT`. */
function linesOfSchema(root: Node, node: Node = root, path = '', seen: readonly unknown[] = []): string[] {
  const { properties = {}, items, additionalProperties, anyOf = [], allOf = [], enum: words = [], const: word, $ref } = node
  const below = (inner: unknown, at: string): string[] =>
    typeof inner === 'object' && inner !== null ? linesOfSchema(root, inner as Node, at, seen) : []
  const lines = [
    ...[...(words as unknown[]), ...(word === undefined ? [] : [word])].map((each) => `${path}: ${String(each)}`),
    ...('default' in node ? [`${path} = ${JSON.stringify(node['default'])}`] : []),
  ]
  // Definitions may lead back to themselves.
  const referred =
    typeof $ref === 'string' && !seen.includes($ref) ? linesOfSchema(root, atPointer(root, $ref), path, [...seen, $ref]) : []
  return [
    ...lines,
    ...referred,
    ...Object.entries(properties as Node).flatMap(([name, inner]) => {
      const key = path === '' ? name : `${path}.${name}`
      return [key, ...below(inner, key)]
    }),
    ...below(items, `${path}[]`),
    ...below(additionalProperties, `${path}.NAME`),
    ...[...(anyOf as unknown[]), ...(allOf as unknown[])].flatMap((inner) => below(inner, path)),
  ]
}

function atPointer(root: Node, pointer: string): Node {
  return pointer
    .split('/')
    .slice(1)
    .reduce<Node>((node, name) => node[name] as Node, root)
}

async function linesOfCommands(): Promise<string[]> {
  const lists = commandNames.map(async (name) => {
    const { options = {} } = (await commands[name]?.load()) ?? {}
    return [
      name,
      ...Object.entries(options).map(([option, { short }]) => `${name} --${option}${short === undefined ? '' : ` -${short}`}`),
    ]
  })
  return (await Promise.all(lists)).flat()
}

/** `NAME{LABEL,...}`, and the outcomes that alerts are written for. */
function metricLines(): string[] {
  const workers = new WorkerMetrics(() => 1)
  workers.setUsage(1, 0, 0)
  return [...usedMetrics().instruments, ...workers.instruments].flatMap(linesOfMetric).sort()
}

function linesOfMetric(instrument: Instrument): string[] {
  const [first] = instrument.samples()
  if (first === undefined) throw new Error(`${instrument.name} has no series here; count something`)
  const labels = Object.keys(first.labels).filter((label) => label !== 'le')
  const words = instrument
    .samples()
    .flatMap(({ labels: { outcome, result } }) => [outcome, result])
    .filter((word) => word !== undefined)
  return [`${instrument.type} ${instrument.name}{${labels.join(',')}}`, ...words.map((word) => `${instrument.name} ${word}`)]
}

/** Of a line that says everything. */
function accessLogFields(): string[] {
  let line = '{}'
  const log = createLog({ write: (text) => void (line = text) })
  new AccessLog(log).write({
    request_id: '1',
    trace_id: '1',
    caller: 'app',
    route: '/',
    method: 'GET',
    path: '/',
    query: '?',
    status: 502,
    duration_ms: 1,
    token: 'hit',
    replay: 'accepted',
    upstream: 'localhost',
    upstream_status: 200,
    upstream_ms: 1,
    error: 'upstream_reset',
  })
  return Object.keys(JSON.parse(line) as object)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(recordFile, `${JSON.stringify(await publicInterface(), null, 2)}\n`)
