import { spellingsOf } from './completed-command.ts'
import type { CompletedCommand } from './completed-command.ts'

/** The completion script for bash, 3.2 and later. Where none of our words can stand, it completes names of files. */
export function bashCompletion(commands: readonly CompletedCommand[]): string {
  const fallback = commands.find(({ isDefault }) => isDefault)?.name ?? ''
  return `# bash completion for bearerd; made by: bearerd completion bash
_bearerd() {
  local current=\${COMP_WORDS[COMP_CWORD]} command=\${COMP_WORDS[1]} first=2
  local options= valued= words= skip= position=0 index word
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 && $current != -* ]]; then
    COMPREPLY=($(compgen -W ${quoted(commands.map(({ name }) => name))} -- "$current"))
    return
  fi
  if [[ $command == -* ]]; then
    command=${fallback}
    first=1
  fi
  case $command in
${commands.map(optionsCase).join('\n')}
  esac
  for ((index = first; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ -n $skip ]]; then
      skip=
    elif [[ " $valued " == *" $word "* ]]; then
      skip=1
    elif [[ $word != -* ]]; then
      position=$((position + 1))
    fi
  done
  [[ -n $skip ]] && return
  if [[ $current == -* ]]; then
    words=$options
  else
    case $command:$position in
${commands.flatMap(positionalCases).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _bearerd bearerd`
}

function optionsCase({ name, options }: CompletedCommand): string {
  const valued = options.filter(({ value }) => value !== undefined)
  return `    ${name}) options=${quoted(options.flatMap(spellingsOf))} valued=${quoted(valued.flatMap(spellingsOf))} ;;`
}

function positionalCases({ name, positionals, repeatsLast }: CompletedCommand): string[] {
  return positionals.flatMap((words, index) => {
    const position = repeatsLast && index === positionals.length - 1 ? '*' : index
    return words.length === 0 ? [] : [`      ${name}:${position}) words=${quoted(words)} ;;`]
  })
}

/** Names of commands, options and methods: nothing in them has a meaning to a shell. */
function quoted(words: readonly string[]): string {
  return `'${words.join(' ')}'`
}
