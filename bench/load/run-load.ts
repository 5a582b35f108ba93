import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startProgram } from '../machine/program.ts'
import type { LoadResult, LoadTarget, Pattern } from './load.ts'

const hasWrk = spawnSync('wrk', ['-v']).error === undefined

/** What makes the load of a closed loop; everything else is our own. */
export const closedLoopBy = hasWrk ? 'wrk' : "the benchmark's own load (wrk is missing)"

/** Puts load on a proxy from a process of its own. @param core the processor core for it */
export async function runLoad(target: LoadTarget, pattern: Pattern, core: number | undefined, log: string): Promise<LoadResult> {
  if (pattern.kind === 'closed' && hasWrk) return await runWrk(target, pattern, core, log)
  const program = startProgram({
    command: process.execPath,
    args: [join(import.meta.dirname, 'program.ts'), JSON.stringify(target), JSON.stringify(pattern)],
    core,
    log,
  })
  const result = JSON.parse(await program.firstLine) as LoadResult
  // It has to be gone before anything else is measured.
  await program.output
  return result
}

async function runWrk(
  { base, method, path, fields, bodyBytes }: LoadTarget,
  { connections, ms }: Extract<Pattern, { kind: 'closed' }>,
  core: number | undefined,
  log: string,
): Promise<LoadResult> {
  const script = method === 'GET' ? [] : ['--script', join(import.meta.dirname, 'post.lua')]
  const headers = Object.entries(fields).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  const program = startProgram({
    // Its lines have to come at once: when it says that it runs, it can be stopped.
    command: 'stdbuf',
    // It knows only whole seconds; a signal ends it earlier, with the same report.
    args: ['-oL', 'wrk', '-t1', `-c${connections}`, '-d1h', '--timeout', '10s', ...script, ...headers, base + path],
    core,
    log,
    env: { BODY_BYTES: String(bodyBytes) },
  })
  await program.firstLine
  await sleep(ms)
  program.signal('SIGINT')
  return resultOf(await program.output)
}

/** Reads what wrk prints. @throws Error when that is something else */
function resultOf(report: string): LoadResult {
  const number = (pattern: RegExp): number | undefined => {
    const text = pattern.exec(report)?.[1]
    return text === undefined ? undefined : Number(text)
  }
  const requests = number(/(\d+) requests in /)
  const perSecond = number(/Requests\/sec: +([\d.]+)/)
  if (requests === undefined || perSecond === undefined) throw new Error(`wrk said: ${report}`)
  const refused = number(/Non-2xx or 3xx responses: (\d+)/) ?? 0
  const [, ...socketErrors] = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(report) ?? []
  const broken = socketErrors.reduce((total, count) => total + Number(count), 0)
  return {
    answered: requests - refused,
    failed: refused + broken,
    seconds: requests / perSecond,
    firstByteMs: undefined,
    tookMs: undefined,
  }
}
