/**
 * Every value of a field, in order.
 * @param fields name, value, name, value, ...
 * @param lowerName the field's name in lower case
 */
export function valuesOf(fields: readonly string[], lowerName: string): string[] {
  const values: string[] = []
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    if (name.length === lowerName.length && name.toLowerCase() === lowerName) values.push(fields[index + 1] as string)
  }
  return values
}

/**
 * RFC 9110 5.6.3: only SP and HTAB; `String.prototype.trim` would take `chunked\xa0` for `chunked`, and a pattern takes seconds for a
 * value with 60,000 spaces in it.
 */
export function trimOws(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isOws(text.charCodeAt(start))) start++
  while (end > start && isOws(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/**
 * Writes fields as they stand on the wire, for the few heads that the platform cannot write.
 * @param fields name, value, name, value, ...; checked by the parser or made by us
 */
export function formatFields(fields: readonly string[]): string {
  let text = ''
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`
  return text
}
