import type { ConfigProblemCode } from './problem-codes.ts'

/** A piece of a text: as it was written, or filled in from a variable. */
export interface Piece {
  readonly text: string
  readonly isFilled: boolean
}

/** What is wrong with a variable; never shows a value. */
export interface VariableProblem {
  readonly code: ConfigProblemCode
  readonly problem: string
  readonly remedy: string
}

/**
 * A text that variables were filled into, for places where what was written has a meaning (a template) that what was filled in
 * must never get. Holds secrets; used while the configuration is read, kept by nobody.
 */
export class FilledText {
  readonly #pieces: readonly Piece[]

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces
  }

  get pieces(): readonly Piece[] {
    return this.#pieces
  }
}

/**
 * Fills in `${NAME}` and `${NAME:-default}`; `$${` stands for a literal `${`. As in a shell, `:-` also covers a variable
 * that is set but empty.
 * @returns the filled text in pieces, and a problem for each variable that is missing or malformed
 */
export function interpolate(source: string, env: Readonly<NodeJS.ProcessEnv>): { pieces: Piece[]; problems: VariableProblem[] } {
  const pieces: Piece[] = []
  const problems: VariableProblem[] = []
  let end = 0
  for (const match of source.matchAll(/\$\$\{|\$\{([^}]*)(\}?)/g)) {
    const [whole, inner, close] = match
    pieces.push({ text: source.slice(end, match.index), isFilled: false })
    const filled = inner === undefined ? '${' : valueOf(inner, close === '}', env)
    if (typeof filled === 'string') pieces.push({ text: filled, isFilled: true })
    else problems.push(filled)
    end = match.index + whole.length
  }
  pieces.push({ text: source.slice(end), isFilled: false })
  return { pieces, problems }
}

function valueOf(inner: string, isClosed: boolean, env: Readonly<NodeJS.ProcessEnv>): string | VariableProblem {
  const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inner) ?? []
  if (name === undefined || !isClosed)
    return {
      code: 'malformed_variable',
      problem: 'malformed variable',
      remedy: 'write ${NAME} or ${NAME:-default}; $${ for a literal ${',
    }
  if (fallback?.includes('${') === true)
    return {
      code: 'malformed_variable',
      problem: 'a default cannot hold another variable',
      remedy: `set ${name}, or write its default out`,
    }
  // The environment of a process is an object: without this, ${toString} would be set.
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  if (fallback !== undefined) return value === undefined || value === '' ? fallback : value
  return (
    value ?? {
      code: 'missing_variable',
      problem: `the environment variable ${name} is not set`,
      remedy: `set it, or give a default: \${${name}:-default}`,
    }
  )
}
