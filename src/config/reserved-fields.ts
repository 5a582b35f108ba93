const reserved = new Set([
  'connection', 'content-length', 'expect', 'host', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'via',
])

/**
 * Whether a field belongs to the connection or to message framing (RFC 9110 7.6.1, RFC 9112 6). The gateway makes these
 * itself for each connection; a configured one would break a request apart.
 */
export function isReservedField(name: string): boolean {
  return reserved.has(name.toLowerCase())
}
