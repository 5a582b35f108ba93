import { UsageError } from '../command.ts'

/** Whether a call was written for the command prompt of Windows, as browsers copy it ("Copy as cURL (cmd)"). */
export function isForCmd(text: string): boolean {
  return /\^[ \t]*\r?\n|\s\^"/.test(text) && !/\\\r?\n|(^|\s)\$?'/.test(text)
}

/**
 * Splits a command line for the command prompt of Windows into words: carets are taken away as cmd.exe does, then quotes and backslashes
 * read as programs do that are built with Microsoft's C library. A variable `%NAME%` becomes `${NAME}`.
 * @throws UsageError when a quote is not closed
 */
export function cmdWords(text: string): string[] {
  const words: string[] = []
  let current: string | undefined
  let isQuoted = false
  for (const [piece, slashes, quotes] of withoutCarets(text).matchAll(/(\\*)("{1,2})|\\+|\s+|[^\\"\s]+/g)) {
    if (quotes !== undefined) {
      const backslashes = slashes ?? ''
      current = (current ?? '') + '\\'.repeat(Math.floor(backslashes.length / 2))
      const isLiteral = backslashes.length % 2 === 1
      if (isLiteral) current += '"'
      // Of two, the other one: inside of quotes a doubled one is a quote.
      const left = quotes.length - (isLiteral ? 1 : 0)
      if (left === 2 && isQuoted) current += '"'
      else if (left === 1) isQuoted = !isQuoted
    } else if (/^\s/.test(piece) && !isQuoted) {
      if (current !== undefined) words.push(current)
      current = undefined
    } else current = (current ?? '') + piece
  }
  if (isQuoted) throw new UsageError('a quote of the call is not closed; see that it was copied whole')
  if (current !== undefined) words.push(current)
  return words.map((word) => word.replace(/%([A-Z_][A-Z0-9_]{2,})%/g, '${$1}'))
}

/** A caret outside of quotes takes from the next character what it means to cmd.exe; before the end of a line it continues it. */
function withoutCarets(text: string): string {
  let result = ''
  let isQuoted = false
  const lines = text.replaceAll('\r\n', '\n').replace(/\^[ \t]+\n/g, '^\n')
  for (const [token] of lines.matchAll(/\^\n?[^]?|[^^]/g)) {
    if (token === '"') isQuoted = !isQuoted
    if (!token.startsWith('^')) result += token
    else if (isQuoted) {
      result += token
      if (token.endsWith('"')) isQuoted = false
    } else result += token.replace(/^\^\n?/, '')
  }
  return result
}
