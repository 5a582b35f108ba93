import { accountOf } from '../machine/accounting.ts'
import type { Account } from '../machine/accounting.ts'
import type { Bench } from '../bench.ts'
import type { RunningContender } from '../contenders/contender.ts'
import type { LoadResult, Pattern } from '../load/load.ts'
import { exchanges } from '../upstream/answers.ts'
import type { Exchange } from '../upstream/answers.ts'
import { inRounds } from './rounds.ts'
import { coreFigure, cpuFigure, failedFigure } from './workload.ts'
import type { Figure, Reading, Workload } from './workload.ts'

interface RequestWorkload {
  readonly name: string
  readonly about: string
  readonly exchange: Exchange
  readonly connections?: number
  readonly hasTls?: boolean
  /** For large bodies: bytes rather than requests are compared. */
  readonly isBulk?: boolean
}

const perSecond: Figure = { key: 'perSecond', title: 'requests/s', digits: 0 }
const residentMiB: Figure = { key: 'residentMiB', title: 'MiB', digits: 0 }
const mibPerCpuSecond: Figure = { key: 'mibPerCpuSecond', title: 'MiB per CPU s', digits: 0 }

/** As many requests as go through: what each of them costs. */
export const requestWorkloads: readonly Workload[] = [
  requests({ name: 'small-get', about: 'GET, 100 bytes back', exchange: exchanges.small }),
  requests({ name: 'post', about: 'POST of 1 KiB', exchange: exchanges.post }),
  requests({ name: 'download', about: 'GET, 64 KiB back', exchange: exchanges.download, isBulk: true }),
  requests({ name: 'upload', about: 'POST of 1 MiB', exchange: exchanges.upload, connections: 10, isBulk: true }),
  requests({ name: 'tls', about: 'small GET, the upstream has TLS', exchange: exchanges.small, hasTls: true }),
  requests({ name: 'connections', about: 'small GET', exchange: exchanges.small, connections: 1_000 }),
]

function requests({ name, about, exchange, connections = 50, hasTls = false, isBulk = false }: RequestWorkload): Workload {
  return {
    name,
    about: `${about}; ${connections.toLocaleString('en')} connections`,
    figures: [cpuFigure, ...(isBulk ? [mibPerCpuSecond] : []), perSecond, coreFigure, residentMiB, failedFigure],
    compared: isBulk ? mibPerCpuSecond.key : cpuFigure.key,
    run: async (bench) => {
      const { size, upstream } = bench
      // Opening very many connections takes a while, in which few requests are made.
      const times = connections > 100 ? 2 : 1
      const pattern = (ms: number): Pattern => ({ kind: 'closed', connections, ms: times * ms })
      const entrants = await bench.validated(hasTls ? upstream.tls : upstream.plain, exchange)
      return await inRounds({
        rounds: size.rounds,
        entrants,
        warmUp: async (contender) => await bench.load(contender, exchange, pattern(size.warmUpMs)),
        measure: async (contender) => {
          const { result, used } = await loadAndAccount(bench, contender, exchange, pattern(size.ms))
          return readingOf(result, used, Math.max(exchange.bodyBytes, exchange.answer.length))
        },
      })
    },
  }
}

/** Puts load on a contender. @returns what came of it, and what the contender used meanwhile; undefined: it has no process */
export async function loadAndAccount(
  bench: Bench,
  contender: RunningContender,
  exchange: Exchange,
  pattern: Pattern,
): Promise<{ readonly result: LoadResult; readonly used: Account | undefined }> {
  const account = (): Account | undefined => (contender.pid === undefined ? undefined : accountOf(contender.pid))
  const before = account()
  const result = await bench.load(contender, exchange, pattern)
  const after = account()
  return { result, used: before && after && { ...after, cpuSeconds: after.cpuSeconds - before.cpuSeconds } }
}

function readingOf({ answered, failed, seconds }: LoadResult, used: Account | undefined, bytes: number): Reading {
  if (answered === 0) throw new Error(`no request was answered, ${failed} failed`)
  const reading = { perSecond: answered / seconds, failed }
  if (used === undefined) return reading
  const { cpuSeconds, residentMiB } = used
  return {
    ...reading,
    cpuUs: (cpuSeconds * 1e6) / answered,
    corePercent: (100 * cpuSeconds) / seconds,
    mibPerCpuSecond: (answered * bytes) / 2 ** 20 / cpuSeconds,
    residentMiB,
  }
}
