import { parseConfig } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/config.ts'
import { ConfigError, formatProblem } from '../../src/config/problem.ts'
import type { ConfigProblem } from '../../src/config/problem.ts'

/** A small configuration without problems; line numbers in tests count on it. */
export const goodConfig = `credentials:
  main:
    token_endpoint: https://auth.example.com/token
    client_id: client
    client_secret: secret
routes:
  - path: /api
    upstream: https://api.example.com/v1
    credential: main
`

/** `goodConfig` with further lines in its credential (4 spaces in front of each), below `client_secret`. */
export function withCredential(...lines: readonly string[]): string {
  return goodConfig.replace(
    '    client_secret: secret\n',
    `    client_secret: secret\n${lines.map((line) => `    ${line}\n`).join('')}`,
  )
}

/** `goodConfig` with further lines in its route, at the end of the file. */
export function withRoute(...lines: readonly string[]): string {
  return goodConfig + lines.map((line) => `    ${line}\n`).join('')
}

/** `goodConfig` with further lines at the top level, at the end of the file. */
export function withTop(...lines: readonly string[]): string {
  return goodConfig + lines.map((line) => `${line}\n`).join('')
}

/** The configuration of a text; fails with its problems when it has any. */
export function configOf(text: string, env: Readonly<NodeJS.ProcessEnv> = {}): Config {
  return parseConfig('f.yaml', text, env)
}

/**
 * Every problem of a text, as the lines that people see but for the codes at their ends, for which there is `codesOf`; empty when
 * it has none. Anything but a ConfigError is thrown on.
 */
export function problemsOf(text: string, env: Readonly<NodeJS.ProcessEnv> = {}): string[] {
  return linesOf(text, env).map(withoutCode)
}

/** Every problem of a text, as the lines that people see. */
export function linesOf(text: string, env: Readonly<NodeJS.ProcessEnv> = {}): string[] {
  return problemsIn(text, env).map(formatProblem)
}

/** A line without the code at its end. */
export function withoutCode(line: string): string {
  return line.replace(/ \[[a-z_]+\]$/, '')
}

/** `line:column path` of every problem. */
export function placesOf(text: string, env: Readonly<NodeJS.ProcessEnv> = {}): string[] {
  return problemsIn(text, env).map(({ line, column, path }) => `${line}:${column} ${path}`)
}

/** `code path` of every problem. */
export function codesOf(text: string, env: Readonly<NodeJS.ProcessEnv> = {}): string[] {
  return problemsIn(text, env).map(({ code, path }) => `${code} ${path}`)
}

function problemsIn(text: string, env: Readonly<NodeJS.ProcessEnv>): readonly ConfigProblem[] {
  try {
    parseConfig('f.yaml', text, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
