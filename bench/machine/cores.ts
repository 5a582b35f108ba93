import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Processor cores: one for the proxy alone, one for everything around it. Undefined: wherever the system wants. */
export interface Cores {
  readonly proxy: number | undefined
  readonly others: number | undefined
}

/** Finds two cores that this process may use; none where `taskset` or a second core is missing. */
export function findCores(): Cores {
  const allowed = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? ''
  const cores = allowed.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number)
    return Array.from({ length: last - first + 1 }, (_, nth) => first + nth)
  })
  const [others, proxy] = cores
  if (proxy === undefined || spawnSync('taskset', ['--version']).status !== 0) return { proxy: undefined, others: undefined }
  return { proxy, others }
}

/** Keeps this process off the proxy's core. */
export function stayOn(core: number | undefined): void {
  if (core !== undefined) spawnSync('taskset', ['-acp', String(core), String(process.pid)])
}
