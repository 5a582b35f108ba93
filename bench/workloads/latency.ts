import type { Exchange } from '../upstream/answers.ts'
import { exchanges } from '../upstream/answers.ts'
import type { LoadResult, Pattern, Quantiles } from '../load/load.ts'
import type { Size } from '../bench.ts'
import type { Account } from '../machine/accounting.ts'
import { loadAndAccount } from './requests.ts'
import { inRounds } from './rounds.ts'
import { cpuFigure, failedFigure } from './workload.ts'
import type { Reading, Workload } from './workload.ts'

interface LatencyWorkload {
  readonly name: string
  readonly about: string
  readonly exchange: Exchange
  readonly pattern: (size: Size) => Pattern
  /** Which time is measured. */
  readonly timeOf: (result: LoadResult) => Quantiles | undefined
}

/** What a proxy adds to the time that a caller waits. */
export const latencyWorkloads: readonly Workload[] = [
  latency({
    name: 'fixed-rate',
    about: 'small GET, 500 a second; time until the answer is whole',
    exchange: exchanges.small,
    pattern: ({ steadyMs }) => ({ kind: 'steady', perSecond: 500, ms: steadyMs }),
    timeOf: ({ tookMs }) => tookMs,
  }),
  latency({
    name: 'events',
    about: 'server-sent events, 10 connections; time until the first byte of the first event',
    exchange: exchanges.events,
    pattern: ({ ms }) => ({ kind: 'streams', connections: 10, ms }),
    timeOf: ({ firstByteMs }) => firstByteMs,
  }),
]

function latency({ name, about, exchange, pattern, timeOf }: LatencyWorkload): Workload {
  return {
    name,
    about,
    figures: [
      { key: 'p50', title: 'p50 ms', digits: 2 },
      { key: 'p99', title: 'p99 ms', digits: 2 },
      { key: 'addedP50', title: 'added p50 ms', digits: 2, isOverDirect: true },
      { key: 'addedP99', title: 'added p99 ms', digits: 2, isOverDirect: true },
      cpuFigure,
      failedFigure,
    ],
    compared: undefined,
    run: async (bench) => {
      const { size } = bench
      const entrants = await bench.validated(bench.upstream.plain, exchange)
      const warmUp = pattern({ ...size, ms: size.warmUpMs, steadyMs: size.warmUpMs })
      return await inRounds({
        rounds: size.rounds,
        entrants,
        warmUp: async (contender) => await bench.load(contender, exchange, warmUp),
        measure: async (contender) => {
          const { result, used } = await loadAndAccount(bench, contender, exchange, pattern(size))
          return readingOf(result, timeOf(result), used)
        },
      })
    },
  }
}

function readingOf({ answered, failed }: LoadResult, time: Quantiles | undefined, used: Account | undefined): Reading {
  if (time === undefined || answered === 0) throw new Error(`no request was answered, ${failed} failed`)
  const reading = { ...time, addedP50: time.p50, addedP99: time.p99, failed }
  return used === undefined ? reading : { ...reading, cpuUs: (used.cpuSeconds * 1e6) / answered }
}
