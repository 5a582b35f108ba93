import { setTimeout as sleep } from 'node:timers/promises'
import { notInstalled } from '../bench.ts'
import type { Bench } from '../bench.ts'
import type { Contender } from '../contenders/contender.ts'
import { accountOf } from '../machine/accounting.ts'
import { exchanges } from '../upstream/answers.ts'
import { validate } from '../validate.ts'
import { inRounds } from './rounds.ts'
import type { Entrant } from './rounds.ts'
import type { Reading, Workload } from './workload.ts'

/** What a proxy costs before it has done anything, and how much memory it takes for it. */
export const footprint: Workload = {
  name: 'footprint',
  about:
    'from the start of the process to its first proxied answer; resident memory idle, and after small GETs over 50 connections',
  figures: [
    { key: 'startUpMs', title: 'start-up ms', digits: 0 },
    { key: 'idleMiB', title: 'idle MiB', digits: 0 },
    { key: 'loadedMiB', title: 'loaded MiB', digits: 0 },
  ],
  compared: undefined,
  run: async (bench) => {
    const entrants = bench.contenders
      .filter(({ name }) => name !== 'direct')
      .map((contender): Entrant<Contender> => {
        const entrant = { name: contender.name, measured: contender }
        return contender.version() === undefined ? { ...entrant, problem: notInstalled } : entrant
      })
    return await inRounds({
      rounds: bench.size.starts,
      entrants,
      measure: async (contender) => await footprintOf(bench, contender),
    })
  },
}

async function footprintOf(bench: Bench, contender: Contender): Promise<Reading> {
  const startedMs = performance.now()
  const running = await bench.start(contender)
  try {
    const problem = await validate(running, exchanges.small, bench.upstream, bench.authorization)
    const startUpMs = performance.now() - startedMs
    if (problem !== undefined || running.pid === undefined) throw new Error(problem ?? 'there is no process')
    await sleep(bench.size.idleMs)
    const idle = accountOf(running.pid)
    await bench.load(running, exchanges.small, { kind: 'closed', connections: 50, ms: bench.size.ms })
    return { startUpMs, idleMiB: idle.residentMiB, loadedMiB: accountOf(running.pid).residentMiB }
  } finally {
    await running.stop()
  }
}
