import type { Log } from '../../../telemetry/log.ts'
import type { Clock } from '../../clock.ts'
import { cutOff } from './allowance.ts'
import type { Allowance } from './allowance.ts'
import type { RedisConnection } from './redis-connection.ts'
import { probeScript } from './redis-scripts.ts'
import type { RedisTiming } from './redis-timing.ts'
import { RedisTimeoutError, troubleOf } from './redis-trouble.ts'

/** What a link needs. */
export interface RedisLinkParts {
  /** @param deadlineMs for all of it @param onLost told when a connection that was made has ended */
  readonly connect: (deadlineMs: number, onLost: (error: Error) => void) => Promise<RedisConnection>
  /** What a probe writes to, and the channel it writes to. */
  readonly probe: { readonly keys: readonly string[]; readonly values: readonly string[] }
  readonly timing: RedisTiming
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Told at each change of whether Redis answers, and at the start. @param reason why it does not, for people */
  readonly onChange: (isUp: boolean, reason?: string) => void
}

/**
 * The way to Redis, which is there or not. Whoever finds that it is not pays for it once: from then on nobody waits, until a
 * probe in the background has written something.
 */
export class RedisLink {
  readonly #parts: RedisLinkParts
  readonly #firstProbe: Promise<void>
  readonly #underWay = new Set<Promise<unknown>>()
  #state: 'starting' | 'up' | 'down' | 'closed' = 'starting'
  #connection: RedisConnection | undefined
  #isProbing = false
  #cancelProbe = (): void => {}
  #whenUp: (() => void)[] = []

  constructor(parts: RedisLinkParts) {
    this.#parts = parts
    this.#firstProbe = this.#probe()
  }

  /** Whether Redis answers, as far as is known. At the start that is worth waiting for. */
  async isUp(allowance: Allowance): Promise<boolean> {
    if (this.#state === 'starting') {
      await allowance.within(this.#firstProbe)
      // Still: whoever comes next need not wait for the same.
      if (this.#state === 'starting') this.#goDown(`it cannot be reached within ${this.#timing.answerMs} ms`)
    }
    return this.#state === 'up'
  }

  /**
   * Runs a script.
   * @returns what it gives, whenever that comes; undefined when Redis is known not to answer, or has failed to. Never throws
   */
  send(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    const sent = this.#send(script, keys, values.map(String))
    this.#underWay.add(sent)
    void sent.then(() => this.#underWay.delete(sent))
    return sent
  }

  /** Has something done as soon as Redis answers; for what may have arrived there although no answer came. */
  whenUp(run: () => void): void {
    if (this.#state === 'up') {
      run()
      return
    }
    // One for each request that waited when it went down; the rest of a flood is left to leases.
    if (this.#whenUp.length < 1_000) this.#whenUp.push(run)
  }

  /** Resolves once it is known whether Redis answers. */
  get started(): Promise<void> {
    return this.#firstProbe
  }

  /** Ends it soon, whatever Redis does. */
  async close(): Promise<void> {
    const cut = cutOff(this.#timing.farewellMs)
    if (this.#state === 'up') await Promise.race([Promise.all(this.#underWay), cut.passed])
    cut.cancel()
    this.#state = 'closed'
    this.#cancelProbe()
    this.#drop()
  }

  async #send(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown> {
    if (this.#state === 'starting') await this.#firstProbe
    const connection = this.#connection
    if (this.#state !== 'up' || connection === undefined) return undefined
    const cut = cutOff(this.#timing.answerMs)
    let isOver = false
    // The connection is kept: the answer may still come, and tells then what has to be put right.
    void cut.passed.then(() => {
      if (!isOver) this.#goDown(tooSlow(this.#timing))
    })
    try {
      return await connection.run(script, keys, values)
    } catch (error) {
      if (this.#connection === connection) this.#goDown(troubleOf(error))
      return undefined
    } finally {
      isOver = true
      cut.cancel()
    }
  }

  /** Finds out whether Redis answers, and sees to the next time. */
  async #probe(): Promise<void> {
    this.#isProbing = true
    try {
      this.#connection ??= await this.#connect()
      const { keys, values } = this.#parts.probe
      await inTime(this.#connection.run(probeScript, keys, values), this.#timing)
      this.#goUp()
    } catch (error) {
      this.#drop()
      this.#goDown(troubleOf(error))
    }
    this.#isProbing = false
    this.#probeAfter(this.#state === 'up' ? this.#timing.heartbeatMs : this.#timing.retryMs)
  }

  async #connect(): Promise<RedisConnection> {
    const connection = await this.#parts.connect(this.#timing.connectMs, (error) => {
      if (this.#connection !== connection) return
      this.#connection = undefined
      this.#goDown(troubleOf(error))
      // It may just have been restarted, or have ended what was idle for too long.
      if (!this.#isProbing) this.#probeAfter(this.#timing.answerMs)
    })
    if (this.#state !== 'closed') return connection
    connection.destroy()
    throw new RedisTimeoutError('it was closed')
  }

  /** With jitter, so that a fleet does not come back all at once. */
  #probeAfter(delayMs: number): void {
    this.#cancelProbe()
    if (this.#state === 'closed') return
    this.#cancelProbe = this.#parts.clock.after(delayMs * (0.75 + this.#parts.random() / 2), () => void this.#probe())
  }

  #goUp(): void {
    if (this.#state === 'closed' || this.#state === 'up') return
    if (this.#state === 'down') this.#parts.log.info({ store: 'redis' }, 'the token store answers again')
    this.#state = 'up'
    this.#parts.onChange(true)
    const waiting = this.#whenUp
    this.#whenUp = []
    for (const run of waiting) run()
  }

  #goDown(reason: string): void {
    if (this.#state === 'closed' || this.#state === 'down') return
    this.#state = 'down'
    this.#parts.log.warn({ store: 'redis', reason }, 'the token store is of no use: the gateway goes on with its own memory')
    this.#parts.onChange(false, reason)
    if (!this.#isProbing) this.#probeAfter(this.#timing.retryMs)
  }

  get #timing(): RedisTiming {
    return this.#parts.timing
  }

  #drop(): void {
    this.#connection?.destroy()
    this.#connection = undefined
  }
}

async function inTime(work: Promise<unknown>, timing: RedisTiming): Promise<void> {
  const cut = cutOff(timing.answerMs)
  const late = cut.passed.then(() => {
    throw new RedisTimeoutError(tooSlow(timing))
  })
  try {
    await Promise.race([work, late])
  } finally {
    cut.cancel()
  }
}

function tooSlow({ answerMs }: RedisTiming): string {
  return `it does not answer within ${answerMs} ms`
}
