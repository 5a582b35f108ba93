import type { ConfigProblemCode } from './problem-codes.ts'
import type { Path } from './yaml-document.ts'

/** Reports a problem at a place of the configuration. The message has the form `problem; remedy`. */
export type Report = (code: ConfigProblemCode, path: Path, message: string, part?: 'key' | 'value') => void

/** Reports at places below `path`. */
export function reportBelow(path: Path, report: Report): Report {
  return (code, inner, message, part) => report(code, [...path, ...inner], message, part)
}
