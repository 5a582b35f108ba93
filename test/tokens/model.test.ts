import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { settled } from '../support/fake-clock.ts'
import { refused, sourceUnderTest, unavailable, valueOf } from '../support/tokens-source.ts'
import type { SourceUnderTest } from '../support/tokens-source.ts'

type Step =
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'call' | 'refuse' | 'refuseOld' | 'replayAccepted' | 'replayRefused' | 'setDate' | 'renew' }
  | { readonly do: 'answer'; readonly how: 'grant' | 'same' | 'outage' | 'refusal' | 'defect'; readonly lifetimeMs: number }

const limit = 6
const windowMs = 120_000

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      ms: fc.oneof(fc.integer({ min: 1, max: 2_000 }), fc.integer({ min: 1, max: 90_000 })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('call' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('refuse' as const, 'refuseOld' as const, 'replayAccepted' as const, 'replayRefused' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('setDate' as const, 'renew' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      how: fc.constantFrom(
        'grant' as const,
        'grant' as const,
        'same' as const,
        'outage' as const,
        'refusal' as const,
        'defect' as const,
      ),
      lifetimeMs: fc.integer({ min: 1_000, max: 100_000 }),
    }),
  },
)

/** Plays the endpoint and the callers, and knows what must hold whatever happens. */
class Model {
  readonly #under: SourceUnderTest
  /** Of every token ever granted, when it expires at the latest. */
  readonly #expiries = new Map<string, number>()
  readonly #seen: AccessToken[] = []
  readonly #askedAtMs: number[] = []
  #answered = 0
  #granted = 0

  constructor(under: SourceUnderTest) {
    this.#under = under
  }

  get #nowMs(): number {
    return this.#under.clock.nowMs()
  }

  async run(action: Step): Promise<void> {
    const { source, clock } = this.#under
    const last = this.#seen.at(-1)
    switch (action.do) {
      case 'advance':
        await clock.advance(action.ms)
        break
      case 'call':
        this.call()
        break
      case 'renew':
        source.renew().catch(() => {})
        break
      case 'setDate':
        clock.setDateForward(this.#seen.length % 2 === 0 ? 3_600_000 : -3_600_000)
        break
      case 'refuse':
        if (last !== undefined) this.#refuse(last)
        break
      case 'refuseOld':
        if (this.#seen[0] !== undefined) this.#refuse(this.#seen[0])
        break
      case 'replayAccepted':
        if (last !== undefined) source.replayed({ token: last, isCause: true }, true)
        break
      case 'replayRefused':
        if (last !== undefined) source.replayed({ token: last, isCause: true }, false)
        break
      case 'answer':
        this.#answer(action.how, action.lifetimeMs)
        break
    }
    await settled()
    this.check()
  }

  /** What a request does: use the token there is, or wait for one. */
  call(): void {
    const { source } = this.#under
    const token = source.current()
    if (token !== undefined) this.#use(token)
    else
      source.obtain().then(
        (obtained) => this.#use(obtained),
        () => {},
      )
  }

  check(): void {
    const { requests } = this.#under
    while (this.#askedAtMs.length < requests.length) this.#askedAtMs.push(this.#nowMs)
    expect(requests.length - this.#answered, 'requests under way').toBeLessThanOrEqual(1)
    const inWindow = this.#askedAtMs.filter((atMs) => atMs > this.#nowMs - windowMs).length
    expect(inWindow, 'requests in one window').toBeLessThanOrEqual(limit)
  }

  /** With an endpoint that works, a caller gets a token in the end. */
  async recovers(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      const token = this.#under.source.current()
      if (token !== undefined) {
        this.#use(token)
        return
      }
      this.call()
      await settled()
      this.#answer('grant', 60_000)
      await settled()
      if (this.#under.source.current() === undefined) await this.#under.clock.advance(30_000)
      this.check()
    }
    throw new Error('no token, although the endpoint works')
  }

  #use(token: AccessToken): void {
    const value = valueOf(token) ?? ''
    expect(this.#nowMs, `use of ${value}`).toBeLessThan(this.#expiries.get(value) ?? 0)
    if (this.#seen.at(-1) !== token) this.#seen.push(token)
  }

  #refuse(token: AccessToken): void {
    void this.#under.source.reject(token).then((rejection) => {
      if (rejection.token === undefined) return
      expect(rejection.token.isSameAs(token)).toBe(false)
      this.#use(rejection.token)
    })
  }

  #answer(how: 'grant' | 'same' | 'outage' | 'refusal' | 'defect', lifetimeMs: number): void {
    const request = this.#under.requests[this.#answered]
    if (request === undefined) return
    this.#answered++
    if (how === 'outage') return request.fail(unavailable())
    if (how === 'refusal') return request.fail(refused())
    if (how === 'defect') return request.fail(new Error('defect'))
    if (how === 'grant' || this.#granted === 0) this.#granted++
    const value = `token-${this.#granted}`
    // Whoever waited for it may use it at once, however long the answer took: it was issued while it was under way.
    this.#expiries.set(value, Math.max(this.#expiries.get(value) ?? 0, this.#nowMs + lifetimeMs))
    return request.grant(value, lifetimeMs)
  }
}

test('whatever happens: no token after its expiry, one request at a time, within the budget, and it always recovers', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.double({ min: 0, max: 1, noNaN: true }), async (steps, random) => {
      const under = sourceUnderTest({ token_requests: { limit, window: `${windowMs}ms` } }, random)
      const failures: unknown[] = []
      const note = (reason: unknown): void => void failures.push(reason)
      process.on('unhandledRejection', note)
      try {
        const model = new Model(under)
        for (const action of steps) await model.run(action)
        await model.recovers()
        await new Promise((resolve) => setImmediate(resolve))
        expect(failures).toEqual([])
        under.source.close()
      } finally {
        process.off('unhandledRejection', note)
      }
    }),
    { numRuns: 300, seed: 20_260_101 },
  )
}, 60_000)
