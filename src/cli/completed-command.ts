/** What a completion script knows of a command. */
export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  /** Runs when none is named. */
  readonly isDefault: boolean
  readonly options: readonly CompletedOption[]
  /** For each argument the words that it may be; none where nobody can know. */
  readonly positionals: readonly (readonly string[])[]
  /** Whether the last of them may stand any number of times. */
  readonly repeatsLast: boolean
}

/** What a completion script knows of an option. */
export interface CompletedOption {
  /** Without its hyphens, as `short`. */
  readonly name: string
  readonly short: string | undefined
  /** What follows it: `FILE` is the name of a file. Undefined when nothing does. */
  readonly value: string | undefined
  readonly help: string
}

/** An option in every spelling. */
export function spellingsOf({ name, short }: CompletedOption): string[] {
  return [...(short === undefined ? [] : [`-${short}`]), `--${name}`]
}
