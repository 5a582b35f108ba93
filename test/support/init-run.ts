import { initCommand } from '../../src/cli/init.ts'
import type { Questions } from '../../src/cli/init/questions.ts'
import { scratch } from './cli-scratch.ts'
import type { Scratch } from './cli-scratch.ts'

/** How a run of `bearerd init` ended. */
export interface InitRun {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly questions: readonly string[]
}

/** What is typed, what is piped in, and what else there is. */
interface InitOptions {
  readonly providers?: readonly string[]
  readonly values?: Readonly<Record<string, string | boolean>>
  /** Answers to the questions, in their order; without them nobody sits at the terminal. */
  readonly answers?: readonly string[]
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs `bearerd init` in this process. @throws what the command throws */
export async function runInit({ providers = [], values = {}, answers, input = '', env = {} }: InitOptions): Promise<InitRun> {
  const stdout: string[] = []
  const stderr: string[] = []
  const asked: string[] = []
  const left = [...(answers ?? [])]
  const questions: Questions = {
    ask: (question) => {
      asked.push(question)
      const answer = left.shift()
      return answer === undefined ? Promise.reject(new Error(`nobody answers ${question}`)) : Promise.resolve(answer)
    },
    end: () => {},
  }
  const command = initCommand({
    openQuestions: () => (answers === undefined ? undefined : questions),
    readInput: () => Promise.resolve(input),
  })
  const code = await command.run({
    values,
    positionals: providers,
    env,
    stdout: (line) => stdout.push(line),
    stderr: (line) => stderr.push(line),
  })
  if (left.length > 0) throw new Error(`nobody asked for ${left.join(', ')}`)
  return { code, stdout: stdout.join('\n'), stderr: stderr.join('\n'), questions: asked }
}

/** A folder, and the value of `-c` for a configuration in it. */
export function initPlace(): Scratch & { readonly config: string } {
  const place = scratch()
  return { ...place, config: place.path('proxy.config.yaml') }
}
