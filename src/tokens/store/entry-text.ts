import type { GrantEntry, TokenEntry } from './token-store.ts'

/** A token as text, for stores that keep texts. */
export function tokenText({ id, accessToken, fields, issuedAtEpochMs, lifeMs, isOnProbation }: TokenEntry): string {
  return JSON.stringify({ id, accessToken, fields, issuedAtEpochMs, lifeMs, isOnProbation })
}

/** @returns undefined when the text is not a token: what cannot be read is not there */
export function parseToken(text: string): TokenEntry | undefined {
  const entry = parse(text)
  const { id, accessToken, fields, issuedAtEpochMs, lifeMs, isOnProbation } = entry
  const isWhole =
    typeof id === 'string' &&
    typeof accessToken === 'string' &&
    // What comes from a store goes into a field of a request too (RFC 9110 5.5).
    /^[\x21-\x7e]+$/.test(accessToken) &&
    isCount(issuedAtEpochMs) &&
    isCount(lifeMs) &&
    typeof isOnProbation === 'boolean'
  return isWhole ? { id, accessToken, fields, issuedAtEpochMs, lifeMs, isOnProbation } : undefined
}

/** What is remembered of grants, as text. */
export function grantText({ refreshToken, firstRefreshToken, lifetimeMs, writtenAtEpochMs }: GrantEntry): string {
  return JSON.stringify({ refreshToken, firstRefreshToken, lifetimeMs, writtenAtEpochMs })
}

/** @returns undefined when the text is not such an entry */
export function parseGrant(text: string): GrantEntry | undefined {
  const { refreshToken, firstRefreshToken, lifetimeMs, writtenAtEpochMs } = parse(text)
  const isWhole =
    isTextOrAbsent(refreshToken) &&
    isTextOrAbsent(firstRefreshToken) &&
    (lifetimeMs === undefined || isCount(lifetimeMs)) &&
    isCount(writtenAtEpochMs)
  return isWhole ? { refreshToken, firstRefreshToken, lifetimeMs, writtenAtEpochMs } : undefined
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  } catch {
    return {}
  }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
