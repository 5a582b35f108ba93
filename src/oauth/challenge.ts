/** Challenges that a new token of the same kind cannot satisfy: RFC 6750 3.1, RFC 9470 3, RFC 9449 8. */
const beyondATokensPower = new Set(['insufficient_scope', 'insufficient_user_authentication', 'use_dpop_nonce'])

/**
 * Says whether a refusal asks for something that renewing the token does not bring.
 * @param challenges the values of WWW-Authenticate (RFC 9110 11.6.1)
 * @returns the challenge's error code, or undefined when a new token may help
 */
export function pointlessChallenge(challenges: readonly string[]): string | undefined {
  for (const challenge of challenges) {
    // Every parameter is taken whole, so that nothing inside a quoted text counts (RFC 9110 11.2).
    for (const [, name, quoted, bare] of challenge.matchAll(/([^\s=,"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))/g)) {
      const code = (quoted ?? bare ?? '').toLowerCase()
      if (name?.toLowerCase() === 'error' && beyondATokensPower.has(code)) return code
    }
  }
  return undefined
}
