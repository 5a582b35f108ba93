import { readFileSync } from 'node:fs'
import { cpus, loadavg, release } from 'node:os'
import type { Contender } from '../contenders/contender.ts'
import { closedLoopBy } from '../load/run-load.ts'
import type { Cores } from '../machine/cores.ts'

/** What the tables mean nothing without: the machine and who takes part. */
export interface Preface {
  readonly machine: Readonly<Record<string, string>>
  readonly contenders: readonly { readonly name: string; readonly version: string | undefined; readonly about: string }[]
}

/** Describes this machine and the contenders. */
export function prefaceOf({ proxy, others }: Cores, contenders: readonly Contender[]): Preface {
  return {
    machine: {
      processor: /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'latin1'))?.[1] ?? 'unknown',
      cores: `${cpus().length}; ${proxy === undefined ? 'nothing is pinned' : `proxy on ${proxy}, load and upstream on ${others}`}`,
      kernel: release(),
      'node.js': process.version,
      load: closedLoopBy,
      // Of the machine's other users, too: with more than a core or two, times and rates say nothing.
      'load average': `${loadavg()[0]?.toFixed(1)} before the first workload`,
    },
    contenders: contenders.map((contender) => ({ name: contender.name, version: contender.version(), about: contender.about })),
  }
}

/** The preface for people. */
export function prefaceText({ machine, contenders }: Preface): string {
  const entries = [
    ...Object.entries(machine),
    ...contenders.map(
      ({ name, version = 'not installed', about }) => [name, version === '' ? about : `${version}: ${about}`] as const,
    ),
  ]
  const width = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, text]) => `${name.padEnd(width)}  ${text}`).join('\n')
}
