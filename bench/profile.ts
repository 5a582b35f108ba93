import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Bench } from './bench.ts'
import { bearerd } from './contenders/bearerd.ts'
import { columns } from './report/table.ts'
import { exchanges } from './upstream/answers.ts'

const warmUpMs = 3_000
const profiledMs = 10_000
const shownFunctions = 40
const root = join(import.meta.dirname, '..')

/** The part of V8's format (`.cpuprofile`) that is read here; times are microseconds of the system's monotonic clock. */
interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: CallFrame }[]
  readonly startTime: number
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/**
 * Runs bearerd under small GETs and has V8 write a profile of it.
 * @param folder where the profile stays
 * @returns the functions that took most time by themselves, as a table
 */
export async function profileBearerd(bench: Bench, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.endsWith('.cpuprofile')) rmSync(join(folder, name))
  const running = await bench.start(bearerd, bench.upstream, ['--cpu-prof', `--cpu-prof-dir=${folder}`])
  const load = { kind: 'closed', connections: 50 } as const
  await bench.load(running, exchanges.small, { ...load, ms: warmUpMs })
  const fromUs = Number(process.hrtime.bigint() / 1_000n)
  const { answered } = await bench.load(running, exchanges.small, { ...load, ms: profiledMs })
  const toUs = Number(process.hrtime.bigint() / 1_000n)
  await running.stop()
  const name = readdirSync(folder).find((each) => each.endsWith('.cpuprofile'))
  if (name === undefined) throw new Error('bearerd wrote no profile')
  const file = join(folder, name)
  const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as CpuProfile, fromUs, toUs)
  return `${tableOf(times, answered)}\n\n${answered} requests; the profile is ${relative(process.cwd(), file)}`
}

/** Microseconds by function, between two times. */
function selfTimes({ nodes, startTime, samples, timeDeltas }: CpuProfile, fromUs: number, toUs: number): Map<string, number> {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let atUs = startTime
  for (const [nth, id] of samples.entries()) {
    // A delta is the time before its sample; what a function took is the time until the next one.
    atUs += timeDeltas[nth] ?? 0
    if (atUs < fromUs || atUs > toUs) continue
    const name = names.get(id) ?? ''
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[nth + 1] ?? 0))
  }
  times.delete('(idle)')
  return times
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  if (url === '') return functionName === '' ? '(native)' : functionName
  const path = url.startsWith('file://') ? relative(root, new URL(url).pathname) : url
  return `${functionName === '' ? '(anonymous)' : functionName} ${path}:${lineNumber + 1}`
}

function tableOf(times: ReadonlyMap<string, number>, requests: number): string {
  const total = [...times.values()].reduce((sum, us) => sum + us, 0)
  const sorted = [...times].sort(([, a], [, b]) => b - a).slice(0, shownFunctions)
  const row = ([name, us]: readonly [string, number]): string[] => [
    name,
    `${((100 * us) / total).toFixed(1)} %`,
    (us / requests).toFixed(2),
  ]
  return columns([['function', 'self', 'us/request'], ...sorted.map(row), row(['all', total])])
}
