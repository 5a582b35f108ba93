import { parseConfig } from '../../config/load-config.ts'
import { ConfigError } from '../../config/problem.ts'
import type { ConfigProblem } from '../../config/problem.ts'
import { OperationError } from '../command.ts'
import { variablesIn } from './config-file-text.ts'

/**
 * A configuration that is going to be written, unless it could never be loaded.
 * @param text with variables, for whose values something stands here
 * @param file the name shown in problems
 * @returns the text
 * @throws OperationError with the first problem, in one line
 */
export function checkedText(text: string, file: string): string {
  const env = Object.fromEntries(variablesIn(text).map((name) => [name, 'a.example']))
  try {
    parseConfig(file, text, env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [first] = error.problems.filter((problem) => !isOpen(problem, text))
    if (first !== undefined)
      throw new OperationError(`nothing is written: ${first.path}: ${first.problem}; ${first.remedy}`, { cause: error })
  }
  return text
}

/** What depends on files and variables is known only where bearerd runs. */
function isOpen({ path, line }: ConfigProblem, text: string): boolean {
  return (
    /\.token_request\.(tls|assertion\.key)/.test(path) ||
    (text.split('\n')[line - 1] ?? '').split(' #')[0]?.includes('${') === true
  )
}
