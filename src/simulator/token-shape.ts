import { randomBytes } from 'node:crypto'

/**
 * A token that looks like a JWT (RFC 7519) and decodes like one. Its signature is random bytes: the providers' callers
 * cannot verify it either, and the simulator recognises a token by its whole value.
 */
export function jwtShapedToken(alg: 'RS256' | 'HS256', claims: Record<string, unknown>): string {
  const signature = randomBytes(alg === 'RS256' ? 256 : 32).toString('base64url')
  return `${toBase64Url({ alg, typ: 'JWT' })}.${toBase64Url(claims)}.${signature}`
}

/** A token without a shape, from this many random bytes. */
export function opaqueToken(bytes: number): string {
  return randomBytes(bytes).toString('base64url')
}

function toBase64Url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
