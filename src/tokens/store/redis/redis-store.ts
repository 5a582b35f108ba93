import { randomUUID } from 'node:crypto'
import type { TokenStoreConfig } from '../../../config/schema/token-store.ts'
import type { Log } from '../../../telemetry/log.ts'
import type { Clock } from '../../clock.ts'
import { createSealing } from '../sealing.ts'
import type { Claim, GrantEntry, KeptToken, StoreEvent, StoreKeys, TokenStore } from '../token-store.ts'
import { Allowance, cutOff } from './allowance.ts'
import { connectToRedis } from './redis-connection.ts'
import { createRedisEntries, idOf, rawEntries } from './redis-entries.ts'
import { RedisEvents } from './redis-events.ts'
import { RedisLink } from './redis-link.ts'
import { grantLifeMs, RedisLock } from './redis-lock.ts'
import type { RedisStoreTools } from './redis-lock.ts'
import { allKeys, createRedisNaming } from './redis-names.ts'
import type { RedisNames } from './redis-names.ts'
import {
  claimScript,
  dropTokenScript,
  keepGrantScript,
  readScript,
  releaseScript,
  replaceTokenScript,
  restoreScript,
  spendScript,
  tellScript,
} from './redis-scripts.ts'
import { redisTiming } from './redis-timing.ts'
import type { RedisTiming } from './redis-timing.ts'

/** What a Redis store needs besides its configuration. */
export interface RedisStoreParts {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Told whether Redis answers: at the start, and at each change. @param reason why it does not, for people */
  readonly onChange: (isUp: boolean, reason?: string) => void
  readonly timing?: RedisTiming
}

/**
 * Tokens in Redis, shared by all replicas. It connects in the background, at once; while Redis is of no use everybody is on their
 * own, and waits for nothing.
 */
export function createRedisStore(config: TokenStoreConfig & { readonly kind: 'redis' }, parts: RedisStoreParts): RedisTokenStore {
  const { clock, random, log, onChange, timing = redisTiming } = parts
  const sealing = createSealing(config.encryption_key, config.encryption_key_previous)
  const naming = createRedisNaming(config.prefix, sealing)
  const { channel, probes } = naming
  const events = new RedisEvents(sealing, channel)
  const { url, tls } = config
  const onMessage = (message: string): void => events.receive(message)
  const link = new RedisLink({
    connect: (deadlineMs, onLost) => connectToRedis({ url, tls, channel, onMessage, onLost }, deadlineMs),
    probe: { keys: probes, values: [channel] },
    timing,
    clock,
    random,
    log,
    onChange,
  })
  return new RedisStore({ link, naming, entries: createRedisEntries(sealing), events, clock, timing })
}

/** A store in Redis. */
export interface RedisTokenStore extends TokenStore {
  /**
   * Resolves once it is known whether Redis answers, or after half a second. A gateway that waits for it before it serves spares
   * its first callers a token request of their own.
   */
  started(): Promise<void>
}

const longestStartMs = 500

const unavailable: Claim = { state: 'unavailable' }
/** How often a claim looks past entries that cannot be read, before it gives up on whoever writes them. */
const mostRounds = 4

class RedisStore implements RedisTokenStore {
  readonly name = 'redis'
  readonly isLasting = true
  readonly isShared = true
  readonly #tools: RedisStoreTools
  readonly #locks = new Set<RedisLock>()

  constructor(tools: RedisStoreTools) {
    this.#tools = tools
  }

  async started(): Promise<void> {
    const cut = cutOff(longestStartMs)
    await Promise.race([this.#tools.link.started, cut.passed])
    cut.cancel()
  }

  async read(keys: StoreKeys): Promise<KeptToken | undefined> {
    const { tokens } = this.#tools.naming.of(keys)
    return this.#tools.entries.readToken(rawEntries(await this.#ask(readScript, tokens, []), tokens))
  }

  async claim(keys: StoreKeys, knownId: string | undefined, isUrgent = false): Promise<Claim> {
    const { link, naming, entries, timing } = this.#tools
    const allowance = this.#allowance()
    if (!(await link.isUp(allowance))) return unavailable
    const names = naming.of(keys)
    const owner = randomUUID()
    const useless = knownId === undefined ? [] : [knownId]
    let failuresCount = isUrgent ? 'no' : 'yes'
    for (let round = 0; round < mostRounds; round++) {
      const values = [names.tokens.length, owner, timing.leaseMs, failuresCount, ...useless]
      const sent = link.send(claimScript, allKeys(names), values)
      const reply = await allowance.within(sent)
      if (!Array.isArray(reply)) {
        this.#abandon(sent, names, owner)
        return unavailable
      }
      const [state, ...rest] = reply as readonly unknown[]
      if (state === 'taken') return { state, failure: undefined }
      if (state === 'locked') {
        const grants = rawEntries(rest, names.grants)
        const lock = new RedisLock(this.#tools, { keys, names, owner, grants, allowance }, (over) => this.#locks.delete(over))
        this.#locks.add(lock)
        return { state, lock }
      }
      if (state === 'failed') {
        const failure = entries.readFailure(rawEntries(rest, names.failures))
        if (failure !== undefined) return { state: 'taken', failure }
        failuresCount = 'no'
      } else {
        const raw = rawEntries(rest, names.tokens)
        const token = entries.readToken(raw)
        if (token !== undefined) return { state: 'kept', token }
        useless.push(...raw.map(({ value }) => idOf(value)))
      }
    }
    return unavailable
  }

  async readGrant(keys: StoreKeys): Promise<GrantEntry | undefined> {
    const { grants } = this.#tools.naming.of(keys)
    return this.#tools.entries.readGrant(rawEntries(await this.#ask(readScript, grants, []), grants))
  }

  async readBudget(key: string, windowMs: number): Promise<readonly number[] | undefined> {
    // Of nothing, nothing is spent.
    const reply = await this.#ask(spendScript, this.#tools.naming.budget(key), [0, Math.ceil(windowMs), ''])
    const [isSpent, ...agesMs] = reply.map(Number)
    return isSpent === undefined || Number.isNaN(isSpent) ? undefined : agesMs
  }

  async keepGrant(keys: StoreKeys, grant: GrantEntry): Promise<boolean> {
    const { naming, entries, events } = this.#tools
    const { grants, failures } = naming.of(keys)
    const values = [entries.writeGrant(grants[0], grant), grantLifeMs, ...events.message(keys, { type: 'login' })]
    // A person waits for it, and a command that has only just started has no connection yet.
    const allowance = new Allowance(this.#tools.clock, this.#tools.timing.connectMs)
    const [isKept] = await this.#ask(keepGrantScript, [...grants, ...failures], values, allowance)
    return isKept === 1
  }

  reject(keys: StoreKeys, id: string): void {
    const { link, naming, events } = this.#tools
    const told = events.message(keys, { type: 'rejected', id })
    const drop = (): Promise<unknown> => link.send(dropTokenScript, naming.of(keys).tokens, [id, ...told])
    void drop().then((isDone) => {
      // Or it would come back with Redis, for everybody who asks there first.
      if (isDone === undefined) link.whenUp(() => void drop())
    })
  }

  restore(keys: StoreKeys, token: KeptToken): void {
    const { link, naming, entries, events } = this.#tools
    const { tokens } = naming.of(keys)
    const told = events.message(keys, { type: 'failed' })
    void link.send(restoreScript, tokens, [entries.writeToken(tokens[0], token), Math.floor(token.remainingMs), ...told])
  }

  accept(keys: StoreKeys, id: string): void {
    const { link, naming, entries, events } = this.#tools
    const told = events.message(keys, { type: 'accepted', id })
    void this.read(keys).then((token) => {
      // Under the name before a rotation it stays as it is: a token lives shorter than that.
      const [name] = naming.of(keys).tokens
      // In one step: whoever takes the token over meanwhile finds it accepted, or is told.
      if (token?.id !== id || !token.isOnProbation) void link.send(tellScript, [], told)
      else void link.send(replaceTokenScript, [name], [id, entries.writeToken(name, { ...token, isOnProbation: false }), ...told])
    })
  }

  async forget(keys: StoreKeys, id: string): Promise<void> {
    await this.#ask(dropTokenScript, this.#tools.naming.of(keys).tokens, [id])
  }

  subscribe(keys: StoreKeys, listener: (event: StoreEvent) => void): () => void {
    return this.#tools.events.subscribe(keys, listener)
  }

  async close(): Promise<void> {
    for (const lock of this.#locks) lock.release()
    await this.#tools.link.close()
  }

  #allowance(): Allowance {
    return new Allowance(this.#tools.clock, this.#tools.timing.answerMs)
  }

  /** @returns what the script gives; empty when Redis does not answer in time */
  async #ask(
    script: string,
    keys: readonly string[],
    values: readonly (string | number)[],
    allowance = this.#allowance(),
  ): Promise<readonly unknown[]> {
    if (!(await this.#tools.link.isUp(allowance))) return []
    const reply = await allowance.within(this.#tools.link.send(script, keys, values))
    return Array.isArray(reply) ? reply : [reply]
  }

  /** A claim that nobody waits for any longer may still get the lock: it would keep all others from asking. */
  #abandon(sent: Promise<unknown>, { locks }: RedisNames, owner: string): void {
    const { link } = this.#tools
    const release = (): void => void link.send(releaseScript, [locks[0]], [owner])
    void sent.then((late) => {
      if (late === undefined) link.whenUp(release)
      else if (Array.isArray(late) && late[0] === 'locked') link.whenUp(release)
    })
  }
}
