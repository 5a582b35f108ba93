import { parseArgs } from 'node:util'
import { OperationError, UsageError } from './cli/command.ts'
import type { Command, Screen } from './cli/command.ts'
import { commandNames, commands, defaultCommand } from './cli/commands.ts'
import { commandHelp, generalHelp } from './cli/help.ts'
import { ConfigError, formatProblem, suggest } from './config/problem.ts'

/** Where the command line reads from and writes to. */
export interface Terminal {
  readonly env: Readonly<NodeJS.ProcessEnv>
  readonly stdout: (line: string) => void
  readonly stderr: (line: string) => void
  readonly screen?: Screen | undefined
}

/**
 * Runs the command line.
 * @param args without the program's own name
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage
 */
export async function main(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await run(args, terminal)
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const problem of error.problems) terminal.stderr(formatProblem(problem))
      return 1
    }
    if (error instanceof OperationError) {
      terminal.stderr(`bearerd: ${error.message}`)
      return 1
    }
    if (!(error instanceof UsageError)) throw error
    terminal.stderr(`bearerd: ${error.message}`)
    return 2
  }
}

async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const [first, ...others] = args
  if (first === '--help' || first === '-h' || first === 'help') {
    terminal.stdout(generalHelp())
    return 0
  }
  const isNamed = first !== undefined && !first.startsWith('-')
  const name = isNamed ? first : first === '--version' ? 'version' : defaultCommand
  const entry = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (entry === undefined)
    throw new UsageError(`there is no command ${JSON.stringify(name)}; ${suggest(name, commandNames)} See bearerd --help.`)
  const command = await entry.load()
  try {
    return await runCommand(command, isNamed ? others : first === '--version' ? [] : args, terminal)
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${error.message}\nUsage: ${command.usage}`) : error
  }
}

async function runCommand(command: Command, args: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = parse(command, args)
  if (values['help'] === true) {
    terminal.stdout(commandHelp(command))
    return 0
  }
  return await command.run({ ...terminal, values, positionals })
}

function parse(command: Command, args: readonly string[]) {
  const options = { ...command.options, help: { type: 'boolean', short: 'h' } } as const
  const { values, positionals } = parseStrictly(args, options)
  if (command.repeatsLast !== true && positionals.length > (command.maxPositionals ?? 0))
    throw new UsageError(`unexpected argument ${JSON.stringify(positionals.at(-1))}`)
  return { values: values as Readonly<Record<string, string | boolean | undefined>>, positionals }
}

function parseStrictly(
  args: readonly string[],
  options: Command['options'] | Record<string, { type: 'boolean'; short: string }>,
) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true })
  } catch (error) {
    const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
    if (!isUsage) throw error
    throw new UsageError(error.message.split('. ')[0] ?? error.message)
  }
}
