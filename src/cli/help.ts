import type { Command } from './command.ts'
import { commandNames, commands } from './commands.ts'

/** The text of `bearerd --help`. */
export function generalHelp(): string {
  const width = Math.max(...commandNames.map((name) => name.length))
  const rows = commandNames.map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary ?? ''}`)
  return `bearerd puts OAuth 2.0 access tokens onto the requests of applications that cannot get their own.

Usage: bearerd [COMMAND] [OPTIONS]

${rows.join('\n')}

bearerd COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage.`
}

/** The text of `bearerd COMMAND --help`. */
export function commandHelp({ name, usage, options, details }: Command): string {
  const rows = Object.entries(options).map(([option, { short, value, help }]) => {
    const names = `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`
    return `  ${names.padEnd(20)}  ${help}`
  })
  return [`Usage: ${usage}`, commands[name]?.summary, details, rows.length > 0 ? `Options:\n${rows.join('\n')}` : undefined]
    .filter((part) => part !== undefined)
    .join('\n\n')
}
