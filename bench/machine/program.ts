import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

/** A program to be started. */
export interface ProgramOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The processor core it stays on, with its children; undefined: any. */
  readonly core: number | undefined
  /** A file that gets its standard error, and its standard output too when nobody waits for its first line. */
  readonly log: string
  readonly env?: Readonly<Record<string, string>>
  readonly isQuiet?: boolean
}

/** A program that runs. */
export interface RunningProgram {
  readonly pid: number
  /** What it says first. @throws Error with its log when it ends before that */
  readonly firstLine: Promise<string>
  /** All that it said, once it has ended. */
  readonly output: Promise<string>
  /** @throws Error with its log when it has ended by itself */
  readonly check: () => void
  readonly signal: (name: NodeJS.Signals) => void
  /** Ends it as an operator would, and waits until it has gone. */
  readonly stop: () => Promise<void>
}

const patienceMs = 5_000

/** Starts a program on a core. With `isQuiet` its standard output goes to the log file, as a service's does, instead of to us. */
export function startProgram({ command, args, core, log, env = {}, isQuiet = false }: ProgramOptions): RunningProgram {
  const file = openSync(log, 'a')
  const [program, ...others] = core === undefined ? [command, ...args] : ['taskset', '-c', String(core), command, ...args]
  const { PATH = '', HOME = '/' } = process.env
  const child = spawn(program ?? command, others, {
    env: { PATH, HOME, NODE_ENV: 'production', ...env },
    stdio: ['pipe', isQuiet ? file : 'pipe', file],
  })
  closeSync(file)
  let said = ''
  let ended: string | undefined
  const firstLine = Promise.withResolvers<string>()
  // Nobody has to wait for it.
  firstLine.promise.catch(() => {})
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.includes('\n')) firstLine.resolve(said.slice(0, said.indexOf('\n')))
  })
  child.stdin?.on('error', () => {})
  const failure = (): Error => new Error(`${command} ended (${ended}): ${reasonIn(readFileSync(log, 'utf8'))}`)
  const output = new Promise<string>((resolve) => {
    child.on('error', (error) => (ended = error.message))
    child.on('close', (code, signal) => {
      ended ??= String(code ?? signal)
      if (!said.includes('\n')) firstLine.reject(failure())
      resolve(said)
    })
  })
  return {
    pid: child.pid ?? 0,
    firstLine: firstLine.promise,
    output,
    check: () => {
      if (ended !== undefined) throw failure()
    },
    signal: (name) => void child.kill(name),
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await output
      clearTimeout(timer)
    },
  }
}

/** The line of a log that most likely says why, or else the last one. */
function reasonIn(log: string): string {
  const lines = log.split('\n').filter((line) => line.trim() !== '')
  return (lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it said nothing').slice(0, 300)
}
