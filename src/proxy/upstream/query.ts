/**
 * Sets a parameter in a query and leaves the rest byte for byte. Every parameter of that name goes, in whatever spelling, so
 * that a server which takes the first and one which takes the last see the same.
 * @param query with its question mark, or empty
 * @returns with its question mark
 */
export function setParameter(query: string, name: string, value: string): string {
  const kept =
    query.length > 1
      ? query
          .slice(1)
          .split('&')
          .filter((parameter) => nameOf(parameter) !== name)
      : []
  kept.push(`${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
  return `?${kept.join('&')}`
}

function nameOf(parameter: string): string {
  const name = parameter.split('=', 1)[0] ?? ''
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
