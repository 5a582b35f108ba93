import { trimOws } from './fields.ts'

/** RFC 9110 7.6.1, RFC 9113 8.2.2: fields that concern one connection only, whether or not Connection names them. */
const hopByHop = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Whether a field is never forwarded. @param lowerName the field's name in lower case */
export function isHopByHop(lowerName: string): boolean {
  return hopByHop.has(lowerName)
}

/**
 * The names that the Connection fields of a message nominate (RFC 9110 7.6.1): all its Connection fields are one list.
 * @param fields name, value, name, value, ...
 * @returns lower-case names; undefined when none is nominated beyond what is dropped anyway, which is nearly always
 */
export function connectionOptions(fields: readonly string[]): ReadonlySet<string> | undefined {
  let options: Set<string> | undefined
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    const value = fields[index + 1] as string
    if (value === 'keep-alive' || value === 'close') continue
    for (const option of value.split(',')) {
      const lowerName = trimOws(option).toLowerCase()
      if (lowerName === '' || lowerName === 'close' || hopByHop.has(lowerName)) continue
      options ??= new Set()
      options.add(lowerName)
    }
  }
  return options
}
