import { UsageError } from '../command.ts'
import { base64OfSubstitution } from './base64-substitution.ts'

/**
 * Splits a command line into words as bash does (quotes of all kinds, escapes, continued lines, comments). Nothing is looked up: a
 * variable becomes the text `${NAME}` in its word, in whatever spelling it was written.
 *
 * What follows the command (a pipe, a redirection) is left out. Where documentation shows what no shell takes, it is read as it is
 * meant: `<client-id>` without quotes, an address with `&` in it without quotes, a line that ends with ` /`, a line without its
 * backslash before one that begins with an option.
 * @throws UsageError when a quote is not closed, or a part is known only to the shell that runs it; shows nothing of the text
 */
export function shellWords(text: string): string[] {
  const words: string[] = []
  let current: string | undefined
  let at = 0
  const add = (piece: string, length: number): void => {
    current = (current ?? '') + piece
    at += length
  }
  const endWord = (): void => {
    if (current !== undefined) words.push(current)
    current = undefined
  }

  while (at < text.length) {
    const rest = text.slice(at)
    const character = rest.charAt(0)
    const [continued] = /^\\[ \t]*(?:\r?\n|$)/.exec(rest) ?? []
    const [placeholder] = /^<[A-Za-z][^<>|&;\n]*>/.exec(rest) ?? []
    if (continued !== undefined) at += continued.length
    else if (character === '\\') add(rest.charAt(1), 2)
    else if (character === "'") {
      const value = rest.slice(1, closing(rest, "'"))
      add(value, value.length + 2)
    } else if (character === '"' || rest.startsWith('$"')) {
      const from = character === '"' ? 1 : 2
      const { value, length } = doubleQuoted(rest.slice(from))
      add(value, from + length)
    } else if (rest.startsWith("$'")) {
      const { value, length } = ansiQuoted(rest.slice(2))
      add(value, 2 + length)
    } else if (character === '$' || character === '`') {
      const { value, length } = expansion(rest)
      add(value, length)
    } else if (placeholder !== undefined) add(placeholder, placeholder.length)
    else if (character === '#' && current === undefined) at += rest.indexOf('\n') < 0 ? rest.length : rest.indexOf('\n')
    else if (/^\s/.test(rest)) {
      const [blank = ' '] = /^\s+/.exec(rest) ?? []
      // Not a path: one that ends its line is a backslash that fell over.
      if (current === '/' && blank.includes('\n')) current = undefined
      endWord()
      at += blank.length
      // Variables of the shell that are set first.
      if (blank.includes('\n') && words.every((word) => /^(export$|\w+=)/.test(word))) words.length = 0
      if (blank.includes('\n') && words.length > 0 && !/^(-|<|#|'|"|https?:|$)/.test(text.slice(at))) {
        refuseSecondCall(text.slice(at))
        break
      }
    } else if (isOperator(rest, current)) {
      refuseSecondCall(rest)
      break
    } else {
      if (/^[“”‘’]/.test(rest)) throw new UsageError(`the call has a typographic quote (${character}); write ' or " in its place`)
      add(character, 1)
    }
  }
  endWord()
  return words
}

/** An `&` inside of a word with a query in it is part of an address. */
function isOperator(rest: string, current: string | undefined): boolean {
  if (/^&[^\s&]/.test(rest) && current?.includes('=') === true) return false
  return /^[|;&<>()]/.test(rest)
}

function refuseSecondCall(rest: string): void {
  if (/\bcurl\b/.test(rest)) throw new UsageError('there is more than one call; give only the one that asks for a token')
}

/** Where a quote ends that begins at 0. */
function closing(rest: string, quote: string): number {
  const end = rest.indexOf(quote, 1)
  if (end < 0) throw new UsageError('a quote of the call is not closed; see that it was copied whole')
  return end
}

interface Read {
  readonly value: string
  /** Of what was read, up to and with what ends it. */
  readonly length: number
}

/** What stands between double quotes; begins after the first one. */
function doubleQuoted(rest: string): Read {
  let value = ''
  let at = 0
  while (rest.charAt(at) !== '"') {
    const inner = rest.slice(at)
    if (inner === '') closing(inner, '"')
    const [continued] = /^\\\r?\n/.exec(inner) ?? []
    if (continued !== undefined) at += continued.length
    else if (/^\\[$`"\\]/.test(inner)) {
      value += inner.charAt(1)
      at += 2
    } else if (/^[$`]/.test(inner)) {
      const read = expansion(inner)
      value += read.value
      at += read.length
    } else {
      value += inner.charAt(0)
      at++
    }
  }
  return { value, length: at + 1 }
}

const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  e: '\u001b',
  E: '\u001b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** What stands between `$'` and `'`. */
function ansiQuoted(rest: string): Read {
  const [whole] = /^(?:\\[^]|[^\\'])*'/.exec(rest) ?? []
  if (whole === undefined) throw new UsageError('a quote of the call is not closed; see that it was copied whole')
  const escape = /\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|c([^])|([^]))/g
  const value = whole
    .slice(0, -1)
    .replace(escape, (escaped, hex?: string, short?: string, long?: string, octal?: string, control?: string, other?: string) => {
      if (octal !== undefined) return character(Number.parseInt(octal, 8) % 256)
      const code = hex ?? short ?? long
      if (code !== undefined) return character(Number.parseInt(code, 16))
      if (control !== undefined) return String.fromCharCode(control.toUpperCase().charCodeAt(0) & 0x1f)
      return other === undefined ? escaped : (escapes[other] ?? (/["'?\\]/.test(other) ? other : escaped))
    })
  return { value, length: whole.length }
}

function character(code: number): string {
  if (code === 0 || code > 0x10ffff) throw new UsageError("the call has a character in $'...' that no argument can have")
  return String.fromCodePoint(code)
}

/** What a shell would fill in. */
function expansion(rest: string): Read {
  const [plain, name, braced] = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/.exec(rest) ?? []
  if (plain !== undefined) return { value: `\${${name ?? braced ?? ''}}`, length: plain.length }
  if (rest.startsWith('$(') && !rest.startsWith('$((')) return substitution(rest)
  if (/^\$[{(0-9@*#?$!-]|^`/.test(rest))
    throw new UsageError(
      'the call has a part that only a shell can fill in ($(...), ${...} with more than a name, $1); write ${NAME}',
    )
  return { value: '$', length: 1 }
}

/** Commands are not run; the one that documentation shows for Basic is understood. */
function substitution(rest: string): Read {
  const [whole, inner = ''] = /^\$\(((?:'[^']*'|"(?:\\[^]|[^\\"])*"|\\[^]|[^()'"\\])*)\)/.exec(rest) ?? []
  const value = whole === undefined ? undefined : base64OfSubstitution(inner, shellWords)
  if (whole === undefined || value === undefined)
    throw new UsageError('the call takes a part from another command, $(...), which is not run; write ${NAME} in its place')
  return { value, length: whole.length }
}
