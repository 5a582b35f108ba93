import type { GrantEntry, StoreKeys, TokenEntry, TokenStore } from '../../../../src/tokens/store/token-store.ts'
import { freshKeys, grantEntry, tokenEntry } from '../entries.ts'

/** A store to hold to the contract. */
export interface StoreUnderTest {
  readonly store: TokenStore
  /** Opens a further one at the same place, as another process would; absent where nobody else can get at it. */
  another?(): Promise<TokenStore>
  /** Lets so much time pass: by turning a clock, or by waiting. */
  advance(ms: number): Promise<void>
  /** The date that the store goes by. */
  epochMs(): number
  /** Closes all of them, and clears up. */
  close(): Promise<void>
}

/** What others can get at: nothing, what is kept, or locks and budgets too. */
export type Sharing = 'nothing' | 'entries' | 'everything'

/** Why a token request failed, where it does not matter why. */
export const failure = { kind: 'unavailable', code: 'http_503', message: 'the token endpoint answered 503' } as const

/** What the tests of the contract work with; a store and keys of its own for each. */
export class Bench {
  readonly sharing: Sharing
  #under: StoreUnderTest | undefined
  #keys: StoreKeys = freshKeys()

  constructor(sharing: Sharing) {
    this.sharing = sharing
  }

  /** Opens a further store at the same place. */
  async another(): Promise<TokenStore> {
    if (this.under.another === undefined) throw new Error('nobody else can get at this store')
    return await this.under.another()
  }

  setUp(under: StoreUnderTest): void {
    this.#under = under
    this.#keys = freshKeys()
  }

  get under(): StoreUnderTest {
    if (this.#under === undefined) throw new Error('no store is open')
    return this.#under
  }

  get store(): TokenStore {
    return this.under.store
  }

  get keys(): StoreKeys {
    return this.#keys
  }

  /** A token issued now. */
  token(more: Partial<TokenEntry> = {}): TokenEntry {
    return tokenEntry(this.under.epochMs(), more)
  }

  /** A grant remembered now. */
  grant(refreshToken?: string): GrantEntry {
    return grantEntry(this.under.epochMs(), refreshToken)
  }
}
