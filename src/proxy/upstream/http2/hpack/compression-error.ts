/** A block of fields cannot be decoded (RFC 7541 2.3.3 and others): from here on nobody knows what the tables hold. */
export class CompressionError extends Error {
  override name = 'CompressionError' as const
}
