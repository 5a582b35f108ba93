import type { BudgetTerms, BudgetVerdict, GrantEntry, KeptToken, StoreKeys, TokenEntry } from './token-store.ts'

/**
 * Where a store that serves one process keeps things. All that changes something is synchronous, so that nothing can come in
 * between; only a place outside the process has something to wait for. Nothing here ever throws.
 */
export interface Shelf {
  /** Takes over what others have put there meanwhile. */
  catchUp(): Promise<void>
  /** @returns undefined for an expired one too */
  token(keys: StoreKeys): KeptToken | undefined
  keepToken(keys: StoreKeys, token: TokenEntry): void
  /** Drops the token if it has this id. */
  dropToken(keys: StoreKeys, id: string): void
  /** The token with this id, if it is there, is on probation no longer. */
  acquitToken(keys: StoreKeys, id: string): void
  grant(keys: StoreKeys): GrantEntry | undefined
  /**
   * @param known what was there when this one came to be: if there is another one now, that one stays. A person's login takes no
   *   lock, and must not be lost to a token request that began before it.
   */
  replaceGrant(keys: StoreKeys, grant: GrantEntry, known: GrantEntry | undefined): void
  /** Keeps it whatever is there. */
  keepGrant(keys: StoreKeys, grant: GrantEntry): void
  /** Spends one token request of a budget, if the terms allow it. */
  spend(key: string, terms: BudgetTerms): BudgetVerdict
  /** Whether everything up to now is where it is to be kept; resolved when known, or when it has taken too long to wait. */
  saved(): Promise<boolean>
  close(): Promise<void>
}
