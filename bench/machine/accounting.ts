import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'

/** What the kernel has counted for a process and all that it has started. */
export interface Account {
  /** Time on a processor core so far, in user and in kernel mode, of every thread, in seconds. */
  readonly cpuSeconds: number
  /** Resident memory now, in MiB; what processes share counts for each of them. */
  readonly residentMiB: number
}

/** The kernel's unit of processor time. */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
const pageBytes = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }))

/** Reads the account of a process with its children, from `/proc/PID/stat` (see proc_pid_stat(5)). */
export function accountOf(pid: number): Account {
  const stats = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => statOf(Number(name))),
  )
  let ticks = 0
  let pages = 0
  for (const [each, stat] of stats) {
    if (!descendsFrom(pid, each, stats)) continue
    ticks += stat.ticks
    pages += stat.pages
  }
  return { cpuSeconds: ticks / ticksPerSecond, residentMiB: (pages * pageBytes) / 2 ** 20 }
}

interface Stat {
  readonly parent: number
  readonly ticks: number
  readonly pages: number
}

function statOf(pid: number): [number, Stat][] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field is the program's name, which may hold anything; the third is here the first.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    const field = (nth: number): number => Number(fields[nth - 3])
    // User and system time, of its own and of children that have ended.
    const ticks = field(14) + field(15) + field(16) + field(17)
    return [[pid, { parent: field(4), ticks, pages: field(24) }]]
  } catch {
    // It has ended meanwhile.
    return []
  }
}

function descendsFrom(ancestor: number, pid: number, stats: ReadonlyMap<number, Stat>): boolean {
  for (let each: number | undefined = pid; each !== undefined; each = stats.get(each)?.parent) if (each === ancestor) return true
  return false
}
