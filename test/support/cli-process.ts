import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { main } from '../../src/main.ts'

/** The root of the project. */
export const projectRoot = join(import.meta.dirname, '../..')

const node = join(projectRoot, 'node_modules/.bin/node')
const commandLine = join(projectRoot, 'bin/bearerd.js')

/** How a run of the command line ended. */
export interface Finished {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A run of the command line that goes on; killed when the test ends. */
export interface Started {
  readonly pid: number
  /** Everything written so far. */
  output(): { readonly stdout: string; readonly stderr: string }
  /** Waits until the standard output, or what is said besides, matches. Fails when the process ends before. */
  untilOutput(pattern: RegExp): Promise<RegExpExecArray>
  signal(name: NodeJS.Signals): void
  /** Stops reading, as `| head -1` does. */
  closeOutput(): void
  finished: Promise<Finished>
}

interface RunOptions {
  /** Beyond PATH and HOME: nothing of the environment of the tests gets in. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** What is run instead of the checkout. */
  readonly program?: string
  /** The whole command in place of our Node.js and the program. */
  readonly command?: readonly string[]
  /** The number of the user that it runs as, where it is another one. */
  readonly uid?: number | undefined
}

/** Runs `bearerd ARGS` to its end, with the project's own Node.js. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return start(args, options).finished
}

/**
 * Runs `bearerd ARGS` to its end without a process of its own, which takes half a second each: for what a command says, where how its process
 * begins and ends is not the question.
 */
export async function runHere(
  args: readonly string[],
  { env = {} }: Pick<RunOptions, 'env'> = {},
): Promise<Omit<Finished, 'signal'>> {
  const { PATH = '', HOME = '' } = process.env
  const written = { stdout: '', stderr: '' }
  const code = await main(args, {
    env: { PATH, HOME, ...env },
    stdout: (line) => void (written.stdout += `${line}\n`),
    stderr: (line) => void (written.stderr += `${line}\n`),
  })
  return { code, ...written }
}

/** Starts `bearerd ARGS`. */
export function start(
  args: readonly string[],
  { env = {}, cwd = projectRoot, program = commandLine, command = [node, program], uid }: RunOptions = {},
): Started {
  const { PATH = '', HOME = '' } = process.env
  const [file = '', ...first] = command
  const child = spawn(file, [...first, ...args], {
    ...(uid !== undefined && { uid, gid: uid }),
    cwd,
    env: { PATH, HOME, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let hasEnded = false
  const listeners = new Set<() => void>()
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    tell()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    tell()
  })
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      hasEnded = true
      resolve({ code, signal, stdout, stderr })
      tell()
    })
  })
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await finished
  })
  return {
    pid: child.pid ?? 0,
    output: () => ({ stdout, stderr }),
    untilOutput: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(stdout) ?? pattern.exec(stderr)
          if (match !== null) resolve(match)
          else if (hasEnded) reject(new Error(`ended before it wrote ${String(pattern)}:\n${stdout}\n${stderr}`))
          else return
          listeners.delete(look)
        }
        listeners.add(look)
        look()
      }),
    signal: (name) => void child.kill(name),
    closeOutput: () => void child.stdout.destroy(),
    finished,
  }
}
