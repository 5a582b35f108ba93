import type { Path } from './yaml-document.ts'

/** Reports a problem at a place of the configuration. The message has the form `problem; remedy`. */
export type Report = (path: Path, message: string, part?: 'key' | 'value') => void

/** Reports at places below `path`. */
export function reportBelow(path: Path, report: Report): Report {
  return (inner, message, part) => report([...path, ...inner], message, part)
}
