import { expect, it } from 'vitest'
import { redisTiming } from '../../../../src/tokens/store/redis/redis-timing.ts'
import type { StoreEvent } from '../../../../src/tokens/store/token-store.ts'
import { describeWithRedis, redisForTest } from '../../../support/redis-server.ts'
import { patient, redisStoreForTest } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'

const soon = { ...patient, leaseMs: 600 }
const failure = { kind: 'unavailable', code: 'http_503', message: 'the token endpoint answered 503' } as const

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

describeWithRedis('the lock in Redis', () => {
  it('goes to one of fifty who claim at once from several replicas', async () => {
    const { url } = await redisForTest()
    const stores = Array.from({ length: 5 }, () => redisStoreForTest(url).store)
    const keys = freshKeys()
    const claims = await Promise.all(Array.from({ length: 50 }, async (_, at) => stores[at % 5]?.claim(keys, undefined)))
    expect(claims.filter((claim) => claim?.state === 'locked')).toHaveLength(1)
    expect(claims.filter((claim) => claim?.state === 'taken')).toHaveLength(49)
  })

  it('lasts 3 s when nobody extends it', () => {
    expect(redisTiming.leaseMs).toBe(3_000)
  })

  it('is extended for as long as its owner lives', async () => {
    const { url } = await redisForTest()
    const [ours, theirs] = [
      redisStoreForTest(url, {}, { timing: soon }).store,
      redisStoreForTest(url, {}, { timing: soon }).store,
    ]
    const keys = freshKeys()
    const lock = await locked(ours, keys)
    for (let passedMs = 0; passedMs < 1_800; passedMs += 150) {
      await wait(150)
      expect((await theirs.claim(keys, undefined)).state).toBe('taken')
    }
    const token = tokenEntry(Date.now())
    expect(await lock.publish(token, grantEntry(Date.now()))).toBe(true)
    expect(keptId(await theirs.claim(keys, undefined))).toBe(token.id)
  })

  it('goes to somebody else within the lease when its owner vanishes', async () => {
    const { url } = await redisForTest()
    // A process that is killed neither releases nor extends: here its timers never fire.
    const vanished = { nowMs: () => performance.now(), epochMs: () => Date.now(), after: () => () => {} }
    const owner = redisStoreForTest(url, {}, { timing: soon, clock: vanished }).store
    const { store } = redisStoreForTest(url, {}, { timing: soon })
    const keys = freshKeys()
    await locked(owner, keys)
    const startedMs = performance.now()
    expect((await store.claim(keys, undefined)).state).toBe('taken')
    await expect.poll(async () => (await store.claim(keys, undefined)).state, { interval: 20, timeout: 5_000 }).toBe('locked')
    expect(performance.now() - startedMs).toBeLessThan(soon.leaseMs + 1_000)
  })

  it('publishes nothing once it was lost, so that a newer token stays', async () => {
    const server = await redisForTest()
    const frozen = { nowMs: () => performance.now(), epochMs: () => Date.now(), after: () => () => {} }
    const owner = redisStoreForTest(server.url, {}, { timing: { ...soon, leaseMs: 100 }, clock: frozen }).store
    const { store } = redisStoreForTest(server.url)
    const keys = freshKeys()
    const late = await locked(owner, keys)
    await wait(150)
    const newer = tokenEntry(Date.now())
    await publish(store, keys, newer)
    const heard: StoreEvent[] = []
    store.subscribe(keys, (event) => heard.push(event))
    expect(await late.publish(tokenEntry(Date.now()), grantEntry(Date.now(), 'canary-late'))).toBe(false)
    expect((await store.read(keys))?.id).toBe(newer.id)
    expect((await store.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
    expect(heard).toEqual([])
  })

  it('tells nobody of a failure once it was lost', async () => {
    const { url } = await redisForTest()
    const frozen = { nowMs: () => performance.now(), epochMs: () => Date.now(), after: () => () => {} }
    const owner = redisStoreForTest(url, {}, { timing: { ...soon, leaseMs: 100 }, clock: frozen }).store
    const { store } = redisStoreForTest(url)
    const keys = freshKeys()
    const late = await locked(owner, keys)
    await wait(150)
    const lock = await locked(store, keys)
    late.fail(failure, 1_000)
    // Through the same connection: what came before has happened.
    await owner.read(keys)
    expect(await store.claim(keys, undefined)).toEqual({ state: 'taken', failure: undefined })
    expect(await lock.publish(tokenEntry(Date.now()), grantEntry(Date.now()))).toBe(true)
  })

  it('is given back when the gateway ends in the middle', async () => {
    const { url } = await redisForTest()
    const [ours, theirs] = [redisStoreForTest(url).store, redisStoreForTest(url).store]
    const keys = freshKeys()
    await locked(ours, keys)
    await ours.close()
    await locked(theirs, keys)
  })

  it('that a claim got too late, while Redis was frozen, keeps nobody waiting afterwards', async () => {
    const server = await redisForTest()
    const { store, changes } = redisStoreForTest(
      server.url,
      {},
      { timing: { ...redisTiming, answerMs: 250, retryMs: 100, leaseMs: 60_000 } },
    )
    const keys = freshKeys()
    await store.started()
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true])
    server.signal('SIGSTOP')
    expect((await store.claim(keys, undefined)).state).toBe('unavailable')
    await wait(300)
    server.signal('SIGCONT')
    await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false, true])
    await expect.poll(async () => (await store.claim(keys, undefined)).state, { timeout: 3_000 }).toBe('locked')
  })

  it('spends one budget for the whole fleet, sliding by the clock of Redis', async () => {
    const { url } = await redisForTest()
    const wrong = { nowMs: () => performance.now(), epochMs: () => Date.now() + 3_600_000, after: () => () => {} }
    const stores = [redisStoreForTest(url).store, redisStoreForTest(url, {}, { clock: wrong }).store]
    const { budget } = freshKeys()
    const spend = async (at: number) => {
      const [store] = stores.slice(at % 2)
      if (store === undefined) throw new Error('no store')
      return await (await locked(store, freshKeys())).spend(budget, budgetOf(3, 1_000))
    }
    const verdicts = [await spend(0), await spend(1), await spend(0), await spend(1)]
    expect(verdicts.map((verdict) => verdict?.isSpent)).toEqual([true, true, true, false])
    expect(verdicts[3]?.agesMs).toHaveLength(3)
    expect(Math.max(...(verdicts[3]?.agesMs ?? []))).toBeLessThanOrEqual(1_000)
    await wait(1_050)
    expect((await spend(1))?.isSpent).toBe(true)
  })
})
