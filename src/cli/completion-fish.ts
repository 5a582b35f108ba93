import type { CompletedCommand, CompletedOption } from './completed-command.ts'

/** The completion script for fish. */
export function fishCompletion(commands: readonly CompletedCommand[]): string {
  return [
    '# fish completion for bearerd; made by: bearerd completion fish',
    'complete -c bearerd -f',
    ...commands.map(({ name, summary }) => `complete -c bearerd -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`),
    ...commands.flatMap(linesOf),
  ].join('\n')
}

function linesOf({ name, isDefault, options, positionals, repeatsLast }: CompletedCommand): string[] {
  const isNamed = quoted(`__fish_seen_subcommand_from ${name}`)
  const conditions = isDefault ? [isNamed, '__fish_use_subcommand'] : [isNamed]
  return [
    ...conditions.flatMap((condition) => options.map((option) => `complete -c bearerd -n ${condition} ${optionOf(option)}`)),
    ...positionals.flatMap((words, index) => {
      // The words in front of it: the program, the command, and earlier arguments.
      const comparison = repeatsLast && index === positionals.length - 1 ? 'ge' : 'eq'
      const condition = quoted(
        `__fish_seen_subcommand_from ${name}; and test (count (commandline -opc)) -${comparison} ${index + 2}`,
      )
      return words.length === 0 ? [] : [`complete -c bearerd -n ${condition} -a ${quoted(words.join(' '))}`]
    }),
  ]
}

function optionOf({ name, short, value, help }: CompletedOption): string {
  const argument = value === undefined ? [] : [value === 'FILE' ? '-r -F' : '-x']
  return [...(short === undefined ? [] : [`-s ${short}`]), `-l ${name}`, ...argument, `-d ${quoted(help)}`].join(' ')
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`
}
