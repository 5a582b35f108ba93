import type { z } from 'zod'
import { configProblems } from '../problem-codes.ts'
import type { ConfigProblemCode } from '../problem-codes.ts'

/**
 * What a schema gives a check or an issue of its own, so that it becomes a problem of this code.
 * @returns for `params`; an issue without is an `invalid_value`
 */
export function asProblem(code: ConfigProblemCode): { readonly problemCode: ConfigProblemCode } {
  return { problemCode: code }
}

/** The code of an issue that is about a value. */
export function problemCodeOf(issue: z.core.$ZodIssue): ConfigProblemCode {
  const code: unknown = issue.code === 'custom' ? issue.params?.['problemCode'] : undefined
  return isProblemCode(code) ? code : 'invalid_value'
}

function isProblemCode(code: unknown): code is ConfigProblemCode {
  return typeof code === 'string' && Object.hasOwn(configProblems, code)
}
