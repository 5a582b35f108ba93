import { createHash, randomUUID } from 'node:crypto'
import { expect, vi } from 'vitest'
import type { Claim, GrantEntry, StoreKeys, TokenEntry, TokenLock, TokenStore } from '../../../src/tokens/store/token-store.ts'

/** Keys that no other test uses, so that tests can share a place. */
export function freshKeys(): StoreKeys {
  const digest = (): string => createHash('sha256').update(randomUUID()).digest('hex')
  return { token: digest(), grant: digest(), budget: digest() }
}

/** A token issued now, with an hour to live. */
export function tokenEntry(issuedAtEpochMs: number, more: Partial<TokenEntry> = {}): TokenEntry {
  const id = more.id ?? randomUUID()
  return {
    id,
    accessToken: `canary-access-token-${id}`,
    fields: { expires_in: 3600, 'naïve "field"': ['canary-field', null, 1.5] },
    issuedAtEpochMs,
    lifeMs: 3_600_000,
    isOnProbation: false,
    ...more,
  }
}

/** What is remembered of a grant with a refresh token. */
export function grantEntry(writtenAtEpochMs: number, refreshToken = 'canary-refresh-token'): GrantEntry {
  return { refreshToken, firstRefreshToken: 'digest-of-the-first', lifetimeMs: 3_600_000, writtenAtEpochMs }
}

/** A budget of `limit` requests per `windowMs`, nothing reserved. */
export function budgetOf(limit: number, windowMs = 60_000, reserve = 0) {
  return { limit, windowMs, reserve }
}

/** Claims, and expects to get the lock. */
export async function locked(store: TokenStore, keys: StoreKeys, knownId?: string): Promise<TokenLock> {
  const claim = await store.claim(keys, knownId)
  expect(claim.state).toBe('locked')
  if (claim.state !== 'locked') throw new Error(`the claim is ${claim.state}`)
  return claim.lock
}

/** Publishes a token under a lock of its own. */
export async function publish(store: TokenStore, keys: StoreKeys, token: TokenEntry, knownId?: string): Promise<boolean> {
  const lock = await locked(store, keys, knownId)
  return await lock.publish(token, grantEntry(token.issuedAtEpochMs))
}

/** The id of the token that a claim gave. */
export function keptId(claim: Claim): string | undefined {
  return claim.state === 'kept' ? claim.token.id : undefined
}

/** Waits until a check passes; for what happens soon, but not at once. */
export function eventually<Result>(check: () => Result | Promise<Result>): Promise<Result> {
  return vi.waitFor(check, { timeout: 10_000, interval: 10 })
}
