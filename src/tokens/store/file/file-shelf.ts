import type { Clock } from '../../clock.ts'
import { grantText, parseGrant, parseToken, tokenText } from '../entry-text.ts'
import type { Shelf } from '../shelf.ts'
import { spendFrom } from '../sliding-budget.ts'
import type { BudgetTerms, BudgetVerdict, GrantEntry, KeptToken, StoreKeys, TokenEntry } from '../token-store.ts'
import type { FileHealth } from './file-health.ts'
import type { SealedValues, Writing } from './sealed-values.ts'
import { allTimes, parseTimes, timesText } from './spent-times.ts'
import type { SyncedEntries } from './synced-entries.ts'

const tokens: Writing<TokenEntry> = { kind: 'token', toText: tokenText, parse: parseToken }
const grants: Writing<GrantEntry> = { kind: 'grant', toText: grantText, parse: parseGrant }
const budgets: Writing<readonly number[]> = { kind: 'budget', toText: timesText, parse: parseTimes }

/** The longest that a request waits for the disk. */
const longestWaitMs = 100
/** A token issued further in the future than this has a date from a clock that was wrong: nobody knows how old it is. */
const toleratedMs = 60_000
/** What is remembered of grants is forgotten when no token was granted for so long. */
const grantLifeMs = 400 * 24 * 3_600_000

/**
 * Keeps things in an encrypted file. Its times are dates, because the monotonic clock does not survive a restart. What this
 * process has seen expires by the monotonic clock as well, so that setting the date back makes no token live longer.
 */
export class FileShelf implements Shelf {
  readonly #entries: SyncedEntries
  readonly #values: SealedValues
  readonly #clock: Clock
  readonly #health: FileHealth

  constructor(entries: SyncedEntries, values: SealedValues, clock: Clock, health: FileHealth) {
    this.#entries = entries
    this.#values = values
    this.#clock = clock
    this.#health = health
  }

  async catchUp(): Promise<void> {
    const { isHanging } = this.#health
    const look = this.#entries.catchUp().then(() => true)
    // A disk that hangs has been waited for once; it says for itself when it works again.
    if (!isHanging && !(await this.#inTime(look, longestWaitMs))) this.#health.hangs()
  }

  token(keys: StoreKeys): KeptToken | undefined {
    const opened = this.#values.get(tokens, keys.token)
    if (opened === undefined) return undefined
    const { value: token, seenAtMs, seenAtEpochMs } = opened
    const ageMs = this.#clock.epochMs() - token.issuedAtEpochMs
    if (ageMs < -toleratedMs) return undefined
    const knownAgeMs = seenAtEpochMs - token.issuedAtEpochMs + (this.#clock.nowMs() - seenAtMs)
    const remainingMs = token.lifeMs - Math.max(ageMs, knownAgeMs, 0)
    return remainingMs > 0 ? { ...token, remainingMs } : undefined
  }

  keepToken(keys: StoreKeys, token: TokenEntry): void {
    this.#values.put(tokens, keys.token, token, token.issuedAtEpochMs + token.lifeMs, () => token)
  }

  dropToken(keys: StoreKeys, id: string): void {
    this.#values.remove(tokens, keys.token, (token) => token.id === id)
  }

  acquitToken(keys: StoreKeys, id: string): void {
    const token = this.#values.get(tokens, keys.token)?.value
    if (token?.id !== id || !token.isOnProbation) return
    const acquitted = { ...token, isOnProbation: false }
    this.#values.put(tokens, keys.token, acquitted, token.issuedAtEpochMs + token.lifeMs, (theirs) => theirs)
  }

  grant(keys: StoreKeys): GrantEntry | undefined {
    return this.#values.get(grants, keys.grant)?.value
  }

  replaceGrant(keys: StoreKeys, grant: GrantEntry, known: GrantEntry | undefined): void {
    const present = this.grant(keys)
    if (present !== undefined && present !== known) return
    this.#values.put(grants, keys.grant, grant, this.#clock.epochMs() + grantLifeMs, (theirs) => theirs ?? grant)
  }

  keepGrant(keys: StoreKeys, grant: GrantEntry): void {
    this.#values.put(grants, keys.grant, grant, this.#clock.epochMs() + grantLifeMs, () => grant)
  }

  spend(key: string, terms: BudgetTerms): BudgetVerdict {
    const nowMs = this.#clock.epochMs()
    const before = this.#values.get(budgets, key)?.value ?? []
    const { verdict, spentAtMs } = spendFrom(before, terms, nowMs)
    const isNews = verdict.isSpent || before.some((atMs) => atMs > nowMs)
    if (isNews) this.#values.put(budgets, key, spentAtMs, nowMs + terms.windowMs, (theirs) => allTimes(theirs ?? [], spentAtMs))
    return verdict
  }

  async saved(waitMs: number): Promise<boolean> {
    return await this.#inTime(this.#entries.saved(), waitMs)
  }

  async close(): Promise<void> {
    await this.saved(longestWaitMs)
    this.#entries.close()
  }

  /** @returns what the work gives, or false when it takes too long; it goes on then */
  async #inTime(work: Promise<boolean>, waitMs: number): Promise<boolean> {
    let cancel = (): void => {}
    const late = new Promise<boolean>((resolve) => {
      cancel = this.#clock.after(waitMs, () => resolve(false))
    })
    return await Promise.race([work, late]).finally(() => cancel())
  }
}
