import { staticEntries, staticTable } from './static-table.ts'

/**
 * What the first block of a connection begins with: our table has no entries, which has to be said where the other side allows fewer
 * than the usual ones (RFC 7541 4.2).
 */
export const emptyTable = '\x20'

/**
 * Encodes fields without remembering any: what a request holds is different in the next one, or a secret. So every literal is one
 * that nobody on the way may remember either (RFC 7541 6.2.3, 7.1.3), and nobody has to know which of them is the token.
 * @param fields name, value, name, value, ...; names in lower case, one character for each byte
 * @returns one character for each byte
 */
export function encodeFields(fields: readonly string[]): string {
  let block = ''
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const value = fields[index + 1] as string
    const whole = name.startsWith(':') ? wholes.get(`${name} ${value}`) : undefined
    block += whole ?? `${starts.get(name) ?? `\x10${string(name)}`}${string(value)}`
  }
  return block
}

/** Said by their number in the static table alone; none of them is a secret. */
const wholes: ReadonlyMap<string, string> = new Map([
  [':method GET', '\x82'],
  [':method POST', '\x83'],
  [':scheme https', '\x87'],
])

/** How a field begins whose name is in the static table: the first entry with the name. */
const starts: ReadonlyMap<string, string> = new Map(
  Array.from({ length: staticEntries }, (_, nth) => staticEntries - nth).map((index) => [
    staticTable[2 * index - 2] as string,
    number(0x10, 0x0f, index),
  ]),
)

/** RFC 7541 5.2, without Huffman's code: a few bytes are not worth the time. */
function string(text: string): string {
  return `${number(0, 0x7f, text.length)}${text}`
}

/** RFC 7541 5.1. @param flags the other bits of its first byte */
function number(flags: number, prefix: number, value: number): string {
  if (value < prefix) return String.fromCharCode(flags | value)
  let text = String.fromCharCode(flags | prefix)
  let rest = value - prefix
  for (; rest >= 0x80; rest >>>= 7) text += String.fromCharCode((rest & 0x7f) | 0x80)
  return text + String.fromCharCode(rest)
}
