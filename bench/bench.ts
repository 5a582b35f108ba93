import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender, RunningContender } from './contenders/contender.ts'
import type { LoadResult, LoadTarget, Pattern } from './load/load.ts'
import { runLoad } from './load/run-load.ts'
import type { Cores } from './machine/cores.ts'
import { exchanges } from './upstream/answers.ts'
import type { Exchange } from './upstream/answers.ts'
import { tokenOf } from './upstream/tokens.ts'
import { startUpstream } from './upstream/upstream.ts'
import type { Upstream, UpstreamProcess } from './upstream/upstream.ts'
import { validate } from './validate.ts'
import type { Entrant } from './workloads/rounds.ts'

/** How long and how often. */
export interface Size {
  /** How long a contender has small GETs when it is new, in milliseconds: what runs on V8 has its code compiled then. */
  readonly firstWarmUpMs: number
  /** How long it has a workload before the first round. */
  readonly warmUpMs: number
  readonly rounds: number
  /** And in a round. */
  readonly ms: number
  /** The load at a fixed rate. */
  readonly steadyMs: number
  /** How often each is started for the footprint. */
  readonly starts: number
  /** How long it idles then before its memory is read. */
  readonly idleMs: number
}

/** What workloads measure with. */
export interface Bench {
  readonly size: Size
  readonly contenders: readonly Contender[]
  readonly cores: Cores
  readonly upstream: UpstreamProcess
  /** The value of `Authorization` that the upstream wants. */
  readonly authorization: string
  /** A folder that goes away in the end. */
  folderFor(name: string): string
  /** Starts a contender by itself, in front of the usual upstream if no other is given; who starts it may stop it. */
  start(contender: Contender, upstream?: UpstreamProcess, nodeFlags?: readonly string[]): Promise<RunningContender>
  /** All contenders in front of an upstream, started when first wanted; those that get this exchange wrong have a problem instead. */
  validated(upstream: Upstream | undefined, exchange: Exchange): Promise<readonly Entrant<RunningContender>[]>
  readonly load: (contender: RunningContender, exchange: Exchange, pattern: Pattern) => Promise<LoadResult>
  /** Ends all that was started. */
  readonly close: () => Promise<void>
}

/** What a bench is made of. */
export interface BenchOptions {
  readonly size: Size
  readonly contenders: readonly Contender[]
  readonly cores: Cores
}

const settleMs = 50

/** What is said of a contender whose program is missing. */
export const notInstalled = 'it is not installed'

/** Starts the upstream; contenders follow when they are wanted. */
export async function openBench({ size, contenders, cores }: BenchOptions): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-bench-'))
  const authorization = `Bearer ${tokenOf(1)}`
  const upstream = await startUpstream(folder, cores.others)
  const running: RunningContender[] = []
  const pools = new Map<Upstream, readonly Entrant<RunningContender>[]>()
  let folders = 0
  const folderFor = (name: string): string => {
    const path = join(folder, `${++folders}-${name}`)
    mkdirSync(path)
    return path
  }
  const load: Bench['load'] = async ({ base, ca, fields }, { method, path, bodyBytes }, pattern) => {
    const target: LoadTarget = { base, ca, method, path, fields, bodyBytes }
    const result = await runLoad(target, pattern, cores.others, join(folder, 'load.log'))
    // What was under way when the load ended is not to be on the account of the next one.
    await sleep(settleMs)
    return result
  }
  const startBefore = async (
    contender: Contender,
    target: Upstream,
    tokenEndpoint: string,
    nodeFlags: readonly string[],
  ): Promise<RunningContender> => {
    const setting = { upstream: target, authorization, tokenEndpoint, folder: folderFor(contender.name), core: cores.proxy }
    const started = await contender.start({ ...setting, nodeFlags })
    running.push(started)
    return started
  }
  const enter = async (contender: Contender, target: Upstream): Promise<Entrant<RunningContender>> => {
    const { name } = contender
    if (contender.version() === undefined) return { name, measured: undefined, problem: notInstalled }
    try {
      return { name, measured: await startBefore(contender, target, upstream.tokenEndpoint, []) }
    } catch (error) {
      return { name, measured: undefined, problem: messageOf(error) }
    }
  }
  const pool = async (target: Upstream): Promise<readonly Entrant<RunningContender>[]> => {
    const known = pools.get(target)
    if (known !== undefined) return known
    const started = await Promise.all(contenders.map(async (contender) => await enter(contender, target)))
    pools.set(target, started)
    for (const { measured } of started)
      if (measured) await load(measured, exchanges.small, { kind: 'closed', connections: 50, ms: size.firstWarmUpMs })
    return started
  }
  return {
    size,
    contenders,
    cores,
    upstream,
    authorization,
    folderFor,
    start: async (contender, other = upstream, nodeFlags = []) =>
      await startBefore(contender, other.plain, other.tokenEndpoint, nodeFlags),
    validated: async (target, exchange) => {
      if (target === undefined)
        return contenders.map(({ name }) => ({ name, measured: undefined, problem: 'no certificate: openssl is missing' }))
      const validated: Entrant<RunningContender>[] = []
      // One after the other: the upstream knows only its last request.
      for (const entrant of await pool(target)) {
        const { name, measured } = entrant
        const problem = measured && (await validate(measured, exchange, upstream, authorization).catch(messageOf))
        validated.push(problem === undefined ? entrant : { name, measured: undefined, problem })
      }
      return validated
    },
    load,
    close: async () => {
      await Promise.all(running.map(async ({ stop }) => await stop()))
      await upstream.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
