import type { ErrorCode } from 'yaml'

/**
 * What is wrong with a text that is not YAML. In our own words: the parser's quote the text, and the text may be a secret.
 * @returns the form `problem; remedy`
 */
export function syntaxProblem(code: ErrorCode): string {
  const [problem, remedy] = words[code] ?? [
    'this cannot stand here',
    'check the indentation, quotes and brackets around this place',
  ]
  return `not valid YAML: ${problem}; ${remedy}`
}

const words: Readonly<Partial<Record<ErrorCode, readonly [problem: string, remedy: string]>>> = {
  BAD_ALIAS: ['an alias or anchor without a proper name', 'quote a text that begins with * or &'],
  BAD_DQ_ESCAPE: ['an escape that does not exist in double quotes', 'double the backslash, or use single quotes'],
  BAD_INDENT: ['the indentation does not fit the lines around it', 'indent keys of one group alike, with spaces'],
  BAD_SCALAR_START: ['a text cannot begin with this character', 'quote the text'],
  BLOCK_AS_IMPLICIT_KEY: ['a second key on one line', 'quote a text that holds ": ", or begin a new line'],
  BLOCK_IN_FLOW: ['a list or group in lines, inside brackets', 'write it in brackets too'],
  KEY_OVER_1024_CHARS: ['a key longer than 1024 characters', 'close the quotes or brackets before it'],
  MISSING_CHAR: ['a quote, bracket, comma or colon is missing', 'add it, and quote texts that hold such characters'],
  MULTILINE_IMPLICIT_KEY: ['a key that goes over several lines', 'check the colon and the indentation around this place'],
  MULTIPLE_DOCS: ['a second document', 'remove the line ---'],
  RESOURCE_EXHAUSTION: ['nested too deeply', 'write it flatter'],
  TAB_AS_INDENT: ['a tab as indentation', 'use spaces'],
  TAG_RESOLVE_FAILED: ['an unknown tag', 'quote a text that begins with !'],
}
