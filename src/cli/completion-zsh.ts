import type { CompletedCommand, CompletedOption } from './completed-command.ts'

/** The completion script for zsh: to be found by compinit, or to be read with `source` after it. */
export function zshCompletion(commands: readonly CompletedCommand[]): string {
  const fallback = commands.find(({ isDefault }) => isDefault)?.name ?? ''
  return `#compdef bearerd
# zsh completion for bearerd; made by: bearerd completion zsh
_bearerd() {
  local command=${fallback}
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    local -a commands
    commands=(
${commands.map(({ name, summary }) => `      ${quoted(`${name}:${escaped(summary, /:/g)}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  if [[ $words[2] != -* ]]; then
    command=$words[2]
    shift words
    (( CURRENT-- ))
  fi
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _bearerd ]]; then
  _bearerd "$@"
else
  compdef _bearerd bearerd
fi`
}

function commandCase({ name, options, positionals, repeatsLast }: CompletedCommand): string {
  const isLast = (index: number): boolean => repeatsLast && index === positionals.length - 1
  const words = positionals.map((each, index) => positionalSpec(each, isLast(index) ? '*' : `${index + 1}`))
  const specs = [...options.map(optionSpec), ...words]
  return `    ${name})\n      _arguments ${specs.join(' \\\n        ')}\n      ;;`
}

function optionSpec({ name, short, value, help }: CompletedOption): string {
  const action = value === undefined ? '' : `:${value}:${value === 'FILE' ? '_files' : ' '}`
  const rest = `[${escaped(help, /[\]:]/g)}]${action}`
  const [joinedShort, joinedLong] = value === undefined ? ['', ''] : ['+', '=']
  if (short === undefined) return quoted(`--${name}${joinedLong}${rest}`)
  return `${quoted(`(-${short} --${name})`)}{-${short}${joinedShort},--${name}${joinedLong}}${quoted(rest)}`
}

function positionalSpec(words: readonly string[], position: string): string {
  return quoted(`${position}:argument:${words.length === 0 ? ' ' : `(${words.join(' ')})`}`)
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, '\\$&')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
