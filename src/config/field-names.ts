const reserved = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
])

/**
 * Whether a field belongs to the connection or to message framing (RFC 9110 7.6.1, RFC 9112 6). The gateway makes these
 * itself for each connection; a configured one would break a request apart.
 */
export function isReservedField(name: string): boolean {
  return reserved.has(name.toLowerCase())
}

/**
 * Finds names of fields that stand for a field named before: they are case-insensitive (RFC 9110 5.1).
 * @param reportName told of each later one, and where it stands
 */
export function reportRepeated(names: readonly string[], reportName: (name: string, index: number) => void): void {
  const seen = new Set<string>()
  for (const [index, name] of names.entries()) {
    if (seen.has(name.toLowerCase())) reportName(name, index)
    seen.add(name.toLowerCase())
  }
}
