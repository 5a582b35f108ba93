/** Keys with values, as they stand in the file. */
export type Group = Readonly<Record<string, unknown>>

/** Whether a value of the file is a group of keys: no list, no text. */
export function isGroup(value: unknown): value is Group {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

/** What stands at a path; undefined when nothing does. */
export function valueAt(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => {
    if (!isGroup(inner) && !Array.isArray(inner)) return undefined
    return Object.hasOwn(inner, key) ? (inner as Record<string | number, unknown>)[key] : undefined
  }, value)
}
