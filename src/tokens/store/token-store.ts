import type { TokenRequestFailure } from './shared-failure.ts'

/**
 * What names the entries of one token in a store: digests over everything that shapes it, so that two tokens that may differ
 * never meet, and nothing can be read from a name.
 */
export interface StoreKeys {
  /** Of the token: over everything that shapes its token request, secrets included. */
  readonly token: string
  /** Of what outlives tokens: over the same without the client's secrets, whose rotation must not lose a refresh token. */
  readonly grant: string
  /** Of the budget: over the client at its token endpoint. */
  readonly budget: string
}

/** A token as a store keeps it: all that another process needs to use it. Holds secrets: never log it. */
export interface TokenEntry {
  /** Made up anew for each granted token; tells which one is meant without saying anything about it. */
  readonly id: string
  readonly accessToken: string
  /** The token response, for `{token.FIELD}`. */
  readonly fields: unknown
  readonly issuedAtEpochMs: number
  /** Its whole life, in milliseconds. */
  readonly lifeMs: number
  /** It replaced a refused token, and nobody knows yet whether it is accepted itself. */
  readonly isOnProbation: boolean
}

/** A token from a store. */
export interface KeptToken extends TokenEntry {
  /** What is left of its life, in milliseconds: counted by the store, so that clocks which differ do no harm. */
  readonly remainingMs: number
}

/** What is remembered of grants beyond the life of a token. Holds secrets: never log it. */
export interface GrantEntry {
  readonly refreshToken: string | undefined
  /** Digest of the first refresh token of the configuration that this one followed from; undefined after `bearerd login`. */
  readonly firstRefreshToken: string | undefined
  /** The last lifetime that the endpoint named, in milliseconds. */
  readonly lifetimeMs: number | undefined
  /** When it was written, in milliseconds since the epoch: of two that differ, the later one counts. */
  readonly writtenAtEpochMs: number
}

/** What everybody who shares a store is told about a token. */
export type StoreEvent =
  /** There is a new one. */
  | { readonly type: 'granted'; readonly id: string }
  /** An upstream refused the token with this id, and it is being renewed. */
  | { readonly type: 'rejected'; readonly id: string }
  /** An upstream accepted the token with this id, which had replaced a refused one. */
  | { readonly type: 'accepted'; readonly id: string }
  /** The token request under way has failed. */
  | { readonly type: 'failed' }
  /** A person has logged in: there is a new refresh token. */
  | { readonly type: 'login' }

/** The provider's limit on token requests: at most `limit` in any stretch of `windowMs`, of which `reserve` are left untouched. */
export interface BudgetTerms {
  readonly limit: number
  readonly windowMs: number
  readonly reserve: number
}

/** What a store says about a budget. */
export interface BudgetVerdict {
  /** Whether one was spent. */
  readonly isSpent: boolean
  /** How long ago each token request of the window was made, this one included, in milliseconds; oldest first. */
  readonly agesMs: readonly number[]
}

/** The right to make the one token request of the fleet. Its lease is extended until one of the three ends it. */
export interface TokenLock {
  /** What is remembered of earlier grants; read under the lock, so that nobody can have changed it meanwhile. */
  readonly grant: GrantEntry | undefined
  /** Spends one token request of the budget; undefined when the store cannot tell in time. */
  spend(key: string, terms: BudgetTerms): Promise<BudgetVerdict | undefined>
  /**
   * Keeps what was granted, tells the others, and ends the lock. If what is remembered of grants is no longer what was read
   * under the lock, it stays: a person has logged in meanwhile.
   * @returns whether it is kept; resolved when that is known or when it has taken too long to wait any longer
   */
  publish(token: TokenEntry, grant: GrantEntry): Promise<boolean>
  /** Tells the others that there is no token and why, for as long as they need not try for themselves, and ends the lock. */
  fail(failure: TokenRequestFailure, pauseMs: number): void
  /** Ends the lock with nothing to tell. */
  release(): void
}

/** The answer to a claim. */
export type Claim =
  /** There is a token that the claimant does not know. */
  | { readonly state: 'kept'; readonly token: KeptToken }
  /** There is none, and the claimant is the one to ask for it. */
  | { readonly state: 'locked'; readonly lock: TokenLock }
  /** Somebody else is asking, or has just asked in vain. */
  | { readonly state: 'taken'; readonly failure: TokenRequestFailure | undefined }
  /** The store does not answer: everybody is on their own. */
  | { readonly state: 'unavailable' }

/**
 * Where tokens are kept, and how those who share it agree on who asks for the next one. No operation ever throws, and none takes
 * longer than 100 ms, whatever becomes of the place where things are kept: a store is never a reason to fail. An entry that
 * cannot be read is none.
 */
export interface TokenStore {
  /** For metrics and log lines. */
  readonly name: 'memory' | 'file' | 'redis'
  /** Whether what is kept outlives the process. */
  readonly isLasting: boolean
  /** Whether other replicas may be using the same tokens. */
  readonly isShared: boolean

  /** The token that is kept, if there is one. */
  read(keys: StoreKeys): Promise<KeptToken | undefined>
  /**
   * In one step: gives the token that is kept, unless it is the one that the claimant knows and cannot use; else takes the lock.
   * @param knownId the id of that token
   * @param isUrgent takes the lock even where somebody has just asked in vain
   */
  claim(keys: StoreKeys, knownId: string | undefined, isUrgent?: boolean): Promise<Claim>
  /** What is remembered of grants, for whoever is not asking for a token. */
  readGrant(keys: StoreKeys): Promise<GrantEntry | undefined>
  /**
   * What of a budget has been spent.
   * @returns how long ago each token request of the window was made, in milliseconds, oldest first; undefined when it cannot be told
   */
  readBudget(key: string, windowMs: number): Promise<readonly number[] | undefined>
  /**
   * Keeps a refresh token that did not come from a token request under the lock. This alone may take longer than 100 ms: a person
   * waits for it.
   * @returns whether it is kept
   */
  keepGrant(keys: StoreKeys, grant: GrantEntry): Promise<boolean>
  /** A refused token is kept no longer, if it still is the one that is kept; the others are told. */
  reject(keys: StoreKeys, id: string): void
  /** The renewal of a refused token has failed: it is kept again, unless another one is; the others are told. */
  restore(keys: StoreKeys, token: KeptToken): void
  /** Takes a token that had replaced a refused one off its probation, and tells the others. */
  accept(keys: StoreKeys, id: string): void
  /** Forgets the token; for one that has been revoked. */
  forget(keys: StoreKeys, id: string): Promise<void>
  /**
   * Has a listener told what happens to the token of these keys, whoever does it.
   * @returns a function that ends it
   */
  subscribe(keys: StoreKeys, listener: (event: StoreEvent) => void): () => void
  /** Ends connections and timers. */
  close(): Promise<void>
}
