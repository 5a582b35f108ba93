/** Options as `util.parseArgs` takes them, each with a line for --help. */
export type CommandOptions = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string; readonly help: string; readonly value?: string }>
>

/** A terminal; what goes to a file or into a pipe has none. */
export interface Screen {
  /** Whether standard output goes to it. */
  readonly isOutput: boolean
  /** Writes to standard error without ending the line, where that goes to it. */
  readonly write: ((text: string) => void) | undefined
  readonly columns: number
}

/** What a command gets to work with. */
export interface CommandContext {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly positionals: readonly string[]
  readonly env: Readonly<NodeJS.ProcessEnv>
  /** Writes a line of data. */
  readonly stdout: (line: string) => void
  /** Writes a line of talk. */
  readonly stderr: (line: string) => void
  /** Where somebody looks on. */
  readonly screen?: Screen | undefined
}

/** One command of the command line: a file in this folder and an entry in commands.ts. */
export interface Command {
  readonly name: string
  readonly usage: string
  readonly options: CommandOptions
  /** Longer explanation for --help. */
  readonly details?: string
  /** Positional arguments it takes, at most. */
  readonly maxPositionals?: number
  /** Whether its last argument may stand any number of times; `maxPositionals` says nothing then. */
  readonly repeatsLast?: boolean
  /** For each positional argument the words that it may be, for completion; absent or empty where nobody can know. */
  readonly completes?: () => readonly (readonly string[])[]
  /**
   * @returns the exit code: 0 done, 1 failed.
   * @throws UsageError for a wrong command line, ConfigError for a wrong configuration
   */
  run(context: CommandContext): Promise<number>
}

/** A wrong command line; exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError' as const
}

/** Something outside that a person can mend (an address in use); exit code 1, one line. */
export class OperationError extends Error {
  override name = 'OperationError' as const
}
