import { describe, expect, test } from 'vitest'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import type { Replacement, TokenSupply } from '../../src/tokens/token-supply.ts'
import { TokenUnavailableError } from '../../src/tokens/token-unavailable-error.ts'
import { settled } from '../support/fake-clock.ts'
import { grantOf } from '../support/tokens-source.ts'
import { workersUnderTest } from '../support/worker-tokens.ts'

/** One token for all. */
const shared = { token_request: { params: {} } }

/** Counts up: `token-1`, `token-2`, ... */
function numbered(lifetimeMs = 3_600_000): () => ReturnType<typeof grantOf> {
  let count = 0
  return () => grantOf(`token-${++count}`, lifetimeMs)
}

function valueOf(token: AccessToken | undefined): string | undefined {
  return token?.reveal().fields[1]
}

async function replacementOf(supply: TokenSupply, refused: AccessToken): Promise<Replacement> {
  const rejection = await supply.reject(refused, true, '/api')
  if (rejection.token === undefined) throw new Error(`no replacement: ${rejection.outcome}`)
  return rejection
}

describe('workers with one token for all', () => {
  test('ask once, however many requests in how many workers wait', async () => {
    const under = workersUnderTest(shared)
    const granting = Promise.withResolvers<ReturnType<typeof grantOf>>()
    under.answer = () => granting.promise
    const waiting = under.workers.flatMap((worker) => Array.from({ length: 100 }, () => worker.supply().obtain()))
    await settled()
    expect(under.tokens.named('main')?.status().waiting).toBe(200)
    granting.resolve(grantOf('token-1'))
    const tokens = await Promise.all(waiting)
    expect(new Set(tokens.map(valueOf))).toEqual(new Set(['Bearer token-1']))
    expect(under.asked).toHaveLength(1)
    expect(under.tokens.named('main')?.status().waiting).toBe(0)
    expect(under.metrics.forCredential('main').lookups.wait.value).toBe(200)
  })

  test('have it at once from then on, without a word to the main process', async () => {
    const under = workersUnderTest(shared)
    const [one, two] = under.workers
    const token = await one.supply().obtain()
    // The worker that has not asked knows it too.
    expect(valueOf(two.supply().current())).toBe(valueOf(token))
    await settled()
    const said = [...one.said, ...two.said]
    for (let hit = 0; hit < 1_000; hit++) expect(one.supply().current()).toBe(one.supply().current())
    expect([...one.said, ...two.said].slice(said.length)).toEqual([])
    expect(one.metrics.forCredential('main').lookups.hit.value).toBe(2_000)
    expect(under.metrics.forCredential('main').lookups.hit.value).toBe(0)
  })

  test('never use it after its expiry, and get the next one', async () => {
    const under = workersUnderTest(shared)
    under.answer = numbered(60_000)
    const { clock } = under
    const supply = under.workers[0].supply()
    await supply.obtain()
    expect(valueOf(supply.current())).toBe('Bearer token-1')
    // Nobody uses it from then on, so it is not renewed either.
    await clock.advance(60_000)
    expect(supply.current()).toBeUndefined()
    expect(valueOf(await supply.obtain())).toBe('Bearer token-2')
  })

  test('have it renewed ahead of its expiry while they use it, and not when they do not', async () => {
    const under = workersUnderTest(shared)
    under.answer = numbered(100_000)
    const supply = under.workers[0].supply()
    await supply.obtain()
    for (let second = 0; second < 95; second++) {
      expect(supply.current()).toBeDefined()
      await under.clock.advance(1_000)
    }
    expect(valueOf(supply.current())).toBe('Bearer token-2')
    expect(valueOf(under.workers[1].supply().current())).toBe('Bearer token-2')
    expect(under.asked).toHaveLength(2)
    // A use is told now and then, not each time.
    expect(under.workers[0].said.filter((kind) => kind === 'used').length).toBeLessThan(30)
    await under.clock.advance(95_000)
    expect(under.asked).toHaveLength(2)
  })

  test('are told why there is none, as in one process', async () => {
    const under = workersUnderTest(shared)
    under.answer = () => {
      throw new TokenRequestError('refused', 'invalid_client', 'the token endpoint answered 401 invalid_client')
    }
    const errors = await Promise.all(
      under.workers.map((worker) =>
        worker
          .supply()
          .obtain()
          .catch((error: unknown) => error),
      ),
    )
    for (const error of errors) {
      expect(error).toBeInstanceOf(TokenUnavailableError)
      expect(error).toMatchObject({ reason: 'refused', message: expect.stringContaining('401 invalid_client') as string })
      expect((error as TokenUnavailableError).retryAfterMs).toBeGreaterThan(0)
    }
    expect(under.asked).toHaveLength(1)
    expect(under.metrics.forCredential('main').lookups.error.value).toBe(2)
  })

  test('are refused a request of a configuration that nobody remembers', async () => {
    const under = workersUnderTest(shared)
    const [worker] = under.workers
    worker.tokens.add(99, new Map([['main', under.credential]]))
    await expect(worker.supply().obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  })
})

describe('a token that an upstream refuses in several workers at once', () => {
  test('is renewed once, and new requests wait for that everywhere', async () => {
    const under = workersUnderTest(shared)
    under.answer = numbered()
    const [one, two] = under.workers
    const first = await one.supply().obtain()
    const other = await two.supply().obtain()
    const granting = Promise.withResolvers<ReturnType<typeof grantOf>>()
    under.answer = () => granting.promise
    const refusals = [one, two].flatMap((worker) =>
      Array.from({ length: 50 }, () => worker.supply().reject(worker === one ? first : other, true, '/api')),
    )
    await settled()
    expect([one.supply().current(), two.supply().current()]).toEqual([undefined, undefined])
    granting.resolve(grantOf('token-new'))
    const answers = await Promise.all(refusals)
    expect(new Set(answers.map(({ outcome, token }) => `${outcome} ${valueOf(token)}`))).toEqual(
      new Set(['renewed Bearer token-new']),
    )
    expect(answers.filter((answer) => answer.token !== undefined && answer.isCause)).toHaveLength(1)
    expect(under.asked).toHaveLength(2)
    expect(valueOf(two.supply().current())).toBe('Bearer token-new')
    // A straggler costs nothing.
    expect(await two.supply().reject(other, true, '/api')).toMatchObject({ outcome: 'newer' })
  })

  test('has one cool-down for all when the renewal does not help', async () => {
    const under = workersUnderTest(shared)
    under.answer = numbered()
    const [one, two] = under.workers
    const replacement = await replacementOf(one.supply(), await one.supply().obtain())
    one.supply().replayed(replacement, false)
    await settled()
    expect(under.tokens.named('main')?.status().coolDownMs).toBe(10_000)
    const current = two.supply().current()
    if (current === undefined) throw new Error('there is a token')
    expect(await two.supply().reject(current, true, '/api')).toEqual({ outcome: 'cool_down' })
    expect(under.asked).toHaveLength(2)
  })

  test('has none when its replay is accepted', async () => {
    const under = workersUnderTest(shared)
    under.answer = numbered()
    const supply = under.workers[0].supply()
    const replacement = await replacementOf(supply, await supply.obtain())
    supply.replayed(replacement, true)
    await settled()
    expect(under.tokens.named('main')?.status().coolDownMs).toBe(0)
    expect(await supply.reject(replacement.token, true, '/api')).toMatchObject({ outcome: 'renewed' })
  })

  test.each([
    ['while it replays', (): void => {}],
    [
      'after it said that there was no replay',
      (supply: TokenSupply, replacement: Replacement) => supply.notReplayed(replacement),
    ],
  ])('leaves it open when the worker ends %s', async (_, before) => {
    const under = workersUnderTest(shared)
    under.answer = numbered()
    const [one, two] = under.workers
    const replacement = await replacementOf(one.supply(), await one.supply().obtain())
    before(one.supply(), replacement)
    await settled()
    one.end()
    await settled()
    // Nobody knows whether the renewal was of use: a refusal that can show it is allowed to.
    expect(await two.supply().reject(replacement.token, true, '/api')).toMatchObject({ outcome: 'renewed' })
  })

  test('counts where the tokens are', async () => {
    const under = workersUnderTest(shared)
    await under.workers[0].supply().obtain()
    under.workers[0].supply().noteRejection('pointless')
    await settled()
    expect(under.workers[0].said).toContain('pointless')
    const rejections = under.metrics.instruments.find(({ name }) => name === 'bearerd_token_rejections_total')
    expect(rejections?.samples()).toMatchObject([{ labels: { credential: 'main', outcome: 'pointless' }, value: 1 }])
  })
})

describe('workers with a token for each identity', () => {
  test('never mix them up', async () => {
    const under = workersUnderTest()
    const names = Array.from({ length: 20 }, (_, index) => `user ${index}`)
    await Promise.all(under.workers.flatMap((worker) => names.map((name) => worker.supply(name).obtain())))
    for (const worker of under.workers)
      for (const name of names) expect(valueOf(worker.supply(name).current())).toBe(`Bearer token-for-${name}`)
    expect(under.asked).toHaveLength(20)
  })

  test('know a bounded number of them, and say which they have let go', async () => {
    const under = workersUnderTest({}, 3)
    const [worker] = under.workers
    for (const name of ['a', 'b', 'c', 'd']) await worker.supply(name).obtain()
    await settled()
    expect(worker.said.filter((kind) => kind === 'dropped')).toHaveLength(1)
    expect(worker.supply('d').current()).toBeDefined()
    expect(worker.supply('a').current()).toBeUndefined()
  })

  test('go on with one that has had to make room in the main process', async () => {
    const under = workersUnderTest({}, 1)
    const [one, two] = under.workers
    const first = await one.supply('a').obtain()
    await two.supply('b').obtain()
    expect(valueOf(one.supply('a').current())).toBe('Bearer token-for-a')
    expect(await one.supply('a').reject(first, true, '/api')).toMatchObject({
      outcome: expect.stringMatching(/renewed|same_token/) as string,
    })
  })
})
