import { randomUUID } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { noteMs } from '../shared-failure.ts'
import type { TokenRequestFailure } from '../shared-failure.ts'
import type { BudgetTerms, BudgetVerdict, GrantEntry, StoreKeys, TokenEntry, TokenLock } from '../token-store.ts'
import type { Allowance } from './allowance.ts'
import type { RawEntry, RedisEntries } from './redis-entries.ts'
import type { RedisEvents } from './redis-events.ts'
import type { RedisLink } from './redis-link.ts'
import { allKeys } from './redis-names.ts'
import type { RedisNames, RedisNaming } from './redis-names.ts'
import { extendScript, failScript, publishScript, releaseScript, spendScript } from './redis-scripts.ts'
import type { RedisTiming } from './redis-timing.ts'

/** What all that is done with Redis needs. */
export interface RedisStoreTools {
  readonly link: RedisLink
  readonly naming: RedisNaming
  readonly entries: RedisEntries
  readonly events: RedisEvents
  readonly clock: Clock
  readonly timing: RedisTiming
}

/** What a claim has brought. */
export interface TakenLock {
  readonly keys: StoreKeys
  readonly names: RedisNames
  /** Made up for this lock, so that nobody ends that of another. */
  readonly owner: string
  /** What is remembered of grants, as it was found. */
  readonly grants: readonly RawEntry[]
  /** What the claim has left of the time that its request may wait. */
  readonly allowance: Allowance
}

/** How long anything of a grant is remembered after it was last written: half a year. */
export const grantLifeMs = 180 * 24 * 3_600_000

/** The lock in Redis, extended three times in each lease as long as its owner lives. */
export class RedisLock implements TokenLock {
  readonly grant: GrantEntry | undefined
  readonly #tools: RedisStoreTools
  readonly #taken: TakenLock
  readonly #onOver: (lock: RedisLock) => void
  #isOver = false
  #cancelExtension = (): void => {}

  constructor(tools: RedisStoreTools, taken: TakenLock, onOver: (lock: RedisLock) => void) {
    this.#tools = tools
    this.#taken = taken
    this.#onOver = onOver
    this.grant = tools.entries.readGrant(taken.grants)
    this.#extendLater()
  }

  async spend(key: string, { limit, windowMs, reserve }: BudgetTerms): Promise<BudgetVerdict | undefined> {
    const values = [limit - reserve, Math.ceil(windowMs), randomUUID()]
    const reply = await this.#taken.allowance.within(this.#tools.link.send(spendScript, this.#tools.naming.budget(key), values))
    if (!Array.isArray(reply)) return undefined
    const [isSpent, ...agesMs] = reply.map(Number)
    return { isSpent: isSpent === 1, agesMs }
  }

  async publish(token: TokenEntry, grant: GrantEntry): Promise<boolean> {
    if (this.#end()) return false
    const { link, entries, events } = this.#tools
    const { keys, names, owner, grants, allowance } = this.#taken
    const sent = link.send(publishScript, allKeys(names), [
      names.tokens.length,
      owner,
      entries.writeToken(names.tokens[0], token),
      lifeLeftMs(token, this.#tools.clock),
      entries.writeGrant(names.grants[0], grant),
      grantLifeMs,
      ...events.message(keys, { type: 'granted', id: token.id }),
      ...names.grants.map((name) => grants.find((found) => found.name === name)?.value ?? ''),
    ])
    return (await allowance.within(sent)) === 1
  }

  fail(failure: TokenRequestFailure, pauseMs: number): void {
    if (this.#end()) return
    const { link, entries, events } = this.#tools
    const { keys, names, owner } = this.#taken
    void link.send(
      failScript,
      [names.locks[0], names.failures[0]],
      [
        owner,
        entries.writeFailure(names.failures[0], failure),
        Math.ceil(Math.max(0, noteMs(failure, pauseMs))),
        ...events.message(keys, { type: 'failed' }),
      ],
    )
  }

  release(): void {
    if (this.#end()) return
    void this.#tools.link.send(releaseScript, [this.#taken.names.locks[0]], [this.#taken.owner])
  }

  /** @returns whether it had been ended before */
  #end(): boolean {
    if (this.#isOver) return true
    this.#isOver = true
    this.#cancelExtension()
    this.#onOver(this)
    return false
  }

  #extendLater(): void {
    const { link, clock, timing } = this.#tools
    const { leaseMs } = timing
    this.#cancelExtension = clock.after(leaseMs / 3, () => {
      this.#extendLater()
      const { names, owner } = this.#taken
      void link.send(extendScript, [names.locks[0]], [owner, leaseMs]).then((isOurs) => {
        // Lost for good: it can only be somebody else's now. What is granted meanwhile stays with whoever asked for it.
        if (isOurs === 0) this.#cancelExtension()
      })
    })
  }
}

function lifeLeftMs({ issuedAtEpochMs, lifeMs }: TokenEntry, clock: Clock): number {
  const leftMs = lifeMs - Math.max(0, clock.epochMs() - issuedAtEpochMs)
  return Math.floor(Math.min(Math.max(leftMs, 0), grantLifeMs))
}
