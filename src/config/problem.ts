import type { ConfigProblemCode } from './problem-codes.ts'

/** One thing that is wrong with the configuration: where, what, and what to do about it. */
export interface ConfigProblem {
  /** What kind of problem it is: stable, and the entry of it in docs/errors.md. */
  readonly code: ConfigProblemCode
  readonly file: string
  /** 1-based; 0 when the problem has no place in the file (the file is missing). */
  readonly line: number
  readonly column: number
  /** The key's path as people write it: `credentials.gett.scope`, `routes[0].path`; empty for the whole file. */
  readonly path: string
  readonly problem: string
  readonly remedy: string
}

/** The configuration cannot be used. Carries every problem found, in file order; the command line prints them and exits 1. */
export class ConfigError extends Error {
  override name = 'ConfigError' as const
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const sorted = [...problems].sort((a, b) => a.line - b.line || a.column - b.column)
    super(sorted.map(formatProblem).join('\n'))
    this.problems = sorted
  }
}

/**
 * Makes a problem of a message.
 * @param path as `formatPath` makes it
 * @param message of the form `problem; remedy`
 */
export function problemAt(
  code: ConfigProblemCode,
  file: string,
  place: { readonly line: number; readonly column: number },
  path: string,
  message: string,
): ConfigProblem {
  const [problem = message, ...remedy] = message.split('; ')
  return { code, file, ...place, path, problem, remedy: remedy.join('; ') }
}

/**
 * Formats a problem as `file:line:column: path: problem; remedy [code]`, one line, which editors and terminals can follow to
 * the place.
 */
export function formatProblem({ code, file, line, column, path, problem, remedy }: ConfigProblem): string {
  const place = line > 0 ? `${file}:${line}:${column}` : file
  return [place, ...(path === '' ? [] : [path]), `${problem}; ${remedy} [${code}]`].map(visible).join(': ')
}

/** Keys may hold what would forge a further line or move a terminal's cursor: shown as an escape. */
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, (character) => `\\u{${character.charCodeAt(0).toString(16)}}`)
}

/** Formats a key's path: `['routes', 0, 'path']` -> `routes[0].path`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === 'number' ? `${text}[${key}]` : text === '' ? String(key) : `${text}.${String(key)}`),
    '',
  )
}

/**
 * The remedy for a name that is not known: the nearest known one when it is near enough to be a slip, else all of them.
 * @param name what was written
 * @param known every name that would have been right
 */
export function suggest(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  if (meant !== undefined) return `did you mean "${meant}"?`
  return known.length === 0 ? 'remove it' : `known here: ${known.join(', ')}`
}

/** The known name that one was probably meant to be: near enough to be a slip. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const [first] = known
    .map((candidate) => ({ candidate, distance: editDistance(name.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)
  const isSlip = first !== undefined && first.distance < name.length && first.distance <= Math.max(2, Math.floor(name.length / 3))
  return isSlip ? first.candidate : undefined
}

/** Levenshtein distance; a transposition counts as two edits, which is near enough for a slip of the finger. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const substitution = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1)
      current.push(Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, substitution))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
