import { suggest } from '../config/problem.ts'
import { UsageError } from './command.ts'
import type { Command } from './command.ts'
import { commandNames, commands, defaultCommand } from './commands.ts'
import { bashCompletion } from './completion-bash.ts'
import { fishCompletion } from './completion-fish.ts'
import type { CompletedCommand } from './completed-command.ts'
import { zshCompletion } from './completion-zsh.ts'

const scripts: Readonly<Record<string, (commands: readonly CompletedCommand[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
}

/** `bearerd completion` */
export const completion: Command = {
  name: 'completion',
  usage: 'bearerd completion bash|zsh|fish',
  options: {},
  details:
    'Prints a script that has a shell complete commands and options. Save it where the shell looks for such scripts:\n\n' +
    '  bearerd completion bash > ~/.local/share/bash-completion/completions/bearerd\n' +
    '  bearerd completion zsh > ~/.zfunc/_bearerd        (with ~/.zfunc in fpath, before compinit)\n' +
    '  bearerd completion fish > ~/.config/fish/completions/bearerd.fish',
  maxPositionals: 1,
  completes: () => [Object.keys(scripts)],
  run: async ({ positionals: [shell = ''], stdout }) => {
    const write = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
    if (write === undefined)
      throw new UsageError(
        shell === ''
          ? 'say for which shell'
          : `there is none for ${JSON.stringify(shell)}; ${suggest(shell, Object.keys(scripts))}`,
      )
    stdout(write(await Promise.all(commandNames.map(completed))))
    return 0
  },
}

async function completed(name: string): Promise<CompletedCommand> {
  const entry = commands[name]
  if (entry === undefined) throw new TypeError(`unknown command ${name}`)
  const { options, maxPositionals = 0, completes, repeatsLast = false } = await entry.load()
  const all: Command['options'] = { ...options, help: { type: 'boolean', short: 'h', help: 'explain the command' } }
  const words = completes?.() ?? []
  return {
    name,
    summary: entry.summary ?? '',
    isDefault: name === defaultCommand,
    options: Object.entries(all).map(([option, { short, value, help }]) => ({ name: option, short, value, help })),
    positionals: repeatsLast ? words : Array.from({ length: maxPositionals }, (_, index) => words[index] ?? []),
    repeatsLast,
  }
}
