/**
 * Writes fields as they stand on the wire, for the few heads that the platform cannot write.
 * @param fields name, value, name, value, ...; checked by the parser or made by us
 */
export function formatFields(fields: readonly string[]): string {
  let text = ''
  for (let index = 0; index < fields.length; index += 2) text += `${fields[index]}: ${fields[index + 1]}\r\n`
  return text
}
