import { expect, it } from 'vitest'
import { redisTiming } from '../../../../src/tokens/store/redis/redis-timing.ts'
import type { TokenStore } from '../../../../src/tokens/store/token-store.ts'
import { delayingProxy } from '../../../support/delaying-proxy.ts'
import { settled } from '../../../support/fake-clock.ts'
import { describeWithRedis, redisForTest } from '../../../support/redis-server.ts'
import type { RedisServer } from '../../../support/redis-server.ts'
import { patient, redisStoreForTest } from '../../../support/redis-store.ts'
import type { RedisStoreUnderTest } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'

/** The deadline of 100 ms, drawn out so that a busy machine is not taken for a Redis in trouble. */
const answerMs = 250
const strict = { ...redisTiming, answerMs, retryMs: 150 }
/** What a busy machine may add to a deadline; far less than the waits that must not be. */
const slackMs = 1_000

async function elapsed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return performance.now() - startedMs
}

/** Every operation, one after the other. */
async function useAll(store: TokenStore): Promise<void> {
  const keys = freshKeys()
  expect(await store.claim(keys, undefined)).toEqual({ state: 'unavailable' })
  expect(await store.read(keys)).toBeUndefined()
  expect(await store.readGrant(keys)).toBeUndefined()
  expect(await store.keepGrant(keys, grantEntry(Date.now()))).toBe(false)
  store.reject(keys, 'one')
  store.accept(keys, 'one')
  await store.forget(keys, 'one')
}

/** Nothing waits, except the one who finds out. */
async function expectNoWaiting(store: TokenStore): Promise<void> {
  expect(await elapsed(async () => expect((await store.claim(freshKeys(), undefined)).state).toBe('unavailable'))).toBeLessThan(
    answerMs + slackMs,
  )
  const sumMs = await elapsed(async () => {
    for (let round = 0; round < 20; round++) await useAll(store)
  })
  // A hundred operations that each wait in vain would take half a minute.
  expect(sumMs).toBeLessThan(answerMs + slackMs)
}

function reasons({ log }: RedisStoreUnderTest): unknown[] {
  return log.filter(({ level }) => level === 'warn').map(({ reason }) => reason)
}

async function expectChanges(under: RedisStoreUnderTest, changes: readonly boolean[]): Promise<void> {
  await expect.poll(() => under.changes, { timeout: 10_000, interval: 20 }).toEqual(changes)
}

/** A store on a Redis that answers. */
async function running(...options: readonly string[]): Promise<RedisStoreUnderTest & { readonly server: RedisServer }> {
  const server = await redisForTest(...options)
  const under = redisStoreForTest(server.url, {}, { timing: strict })
  await expectChanges(under, [true])
  return { ...under, server }
}

describeWithRedis('a Redis in trouble', () => {
  it('gets 100 ms to answer, when no test is drawn out', () => {
    expect(redisTiming.answerMs).toBe(100)
  })

  it('that is down at the start is found when it comes', async () => {
    const server = await redisForTest()
    await server.kill()
    const under = redisStoreForTest(server.url, {}, { timing: strict })
    expect(await elapsed(() => under.store.started())).toBeLessThan(500 + slackMs)
    await expectChanges(under, [false])
    await expectNoWaiting(under.store)
    expect(reasons(under)).toEqual(['it cannot be reached (ECONNREFUSED)'])
    await server.restart()
    await expectChanges(under, [false, true])
    await publish(under.store, freshKeys(), tokenEntry(Date.now()))
    expect(under.log.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'the token store is of no use: the gateway goes on with its own memory'],
      ['info', 'the token store answers again'],
    ])
  })

  it('that dies in the middle ends what is under way, and comes back empty', async () => {
    const under = await running()
    const keys = freshKeys()
    const token = tokenEntry(Date.now())
    await publish(under.store, keys, token)
    const lock = await locked(under.store, keys, token.id)
    await under.server.kill()
    expect(await elapsed(async () => expect(await lock.spend(keys.budget, budgetOf(1))).toBeUndefined())).toBeLessThan(
      answerMs + slackMs,
    )
    expect(await lock.publish(tokenEntry(Date.now()), grantEntry(Date.now()))).toBe(false)
    await expectNoWaiting(under.store)
    await under.server.restart()
    await expectChanges(under, [true, false, true])
    expect(await under.store.read(keys)).toBeUndefined()
    await publish(under.store, keys, token)
    expect(keptId(await under.store.claim(keys, undefined))).toBe(token.id)
    expect(under.log).toHaveLength(2)
  })

  it('that is frozen costs one wait, and nothing is lost when it goes on', async () => {
    const under = await running()
    const keys = freshKeys()
    const token = tokenEntry(Date.now())
    await publish(under.store, keys, token)
    under.server.signal('SIGSTOP')
    await expectNoWaiting(under.store)
    expect(reasons(under)).toEqual(['it does not answer within 250 ms'])
    // Long enough for probes on the old connection and on new ones.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    await expectNoWaiting(under.store)
    expect(under.log).toHaveLength(1)
    under.server.signal('SIGCONT')
    await expectChanges(under, [true, false, true])
    expect((await under.store.read(keys))?.id).toBe(token.id)
    const other = redisStoreForTest(under.server.url).store
    const heard: string[] = []
    under.store.subscribe(keys, ({ type }) => heard.push(type))
    other.reject(keys, token.id)
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual(['rejected'])
  })

  it('that is frozen from the start keeps nobody from starting', async () => {
    const server = await redisForTest()
    server.signal('SIGSTOP')
    const under = redisStoreForTest(server.url, {}, { timing: strict })
    expect(await elapsed(() => under.store.started())).toBeLessThan(500 + slackMs)
    await expectNoWaiting(under.store)
    server.signal('SIGCONT')
    await expectChanges(under, [false, true])
  })

  it('that is slow is used, and a request waits no longer for all of it than for one answer', async () => {
    const server = await redisForTest()
    const proxy = await delayingProxy(server.port)
    const under = redisStoreForTest(`redis://127.0.0.1:${proxy.port}`, {}, { timing: strict })
    await expectChanges(under, [true])
    proxy.delayMs = 0.6 * answerMs
    const keys = freshKeys()
    const token = tokenEntry(Date.now())
    const waitedMs = await elapsed(async () => {
      const lock = await locked(under.store, keys)
      for (let request = 0; request < 12; request++) await lock.spend(keys.budget, budgetOf(20))
      await lock.publish(token, grantEntry(Date.now()))
    })
    expect(waitedMs).toBeLessThan(answerMs + slackMs)
    // What nobody waited for has happened all the same.
    await expect.poll(async () => (await under.store.read(keys))?.id, { timeout: 5_000 }).toBe(token.id)
    const other = redisStoreForTest(server.url).store
    expect(await (await locked(other, freshKeys())).spend(keys.budget, budgetOf(20))).toMatchObject({ agesMs: { length: 13 } })
  })

  it('that is slow still keeps what a person has logged in for', async () => {
    const server = await redisForTest()
    const proxy = await delayingProxy(server.port)
    proxy.delayMs = 0.6 * answerMs
    // Connecting takes several answers, and so longer than a request would wait.
    const { store } = redisStoreForTest(`redis://127.0.0.1:${proxy.port}`, {}, { timing: strict })
    const keys = freshKeys()
    expect(await store.keepGrant(keys, grantEntry(Date.now(), 'canary-login'))).toBe(true)
    expect((await redisStoreForTest(server.url).store.readGrant(keys))?.refreshToken).toBe('canary-login')
  })

  it('that is too slow is of no use', async () => {
    const server = await redisForTest()
    const proxy = await delayingProxy(server.port)
    const under = redisStoreForTest(`redis://127.0.0.1:${proxy.port}`, {}, { timing: strict })
    await expectChanges(under, [true])
    proxy.delayMs = 1.5 * answerMs
    await expectNoWaiting(under.store)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    expect(under.changes).toEqual([true, false])
    expect(reasons(under)).toEqual(['it does not answer within 250 ms'])
    proxy.delayMs = 0
    await expectChanges(under, [true, false, true])
  })

  it('that is full is of no use until there is room', async () => {
    const under = await running('--maxmemory-policy', 'noeviction')
    const admin = await under.server.admin()
    await admin.configSet('maxmemory', '1')
    await expectNoWaiting(under.store)
    expect(reasons(under)).toEqual(['it is full (OOM)'])
    await admin.configSet('maxmemory', '0')
    await expectChanges(under, [true, false, true])
    await publish(under.store, freshKeys(), tokenEntry(Date.now()))
  })

  it('that has become a replica is of no use until it is a primary again', async () => {
    const under = await running('--replica-serve-stale-data', 'yes')
    const primary = await redisForTest()
    const admin = await under.server.admin()
    await admin.replicaOf('127.0.0.1', primary.port)
    await expectNoWaiting(under.store)
    expect(reasons(under)).toEqual(['it is a replica, which cannot be written to (READONLY)'])
    await admin.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await expectChanges(under, [true, false, true])
  })

  it('is not blamed when it is the gateway itself that was held up', async () => {
    const under = await running()
    const claim = under.store.claim(freshKeys(), undefined)
    // Until the command is on its way, and its answer not yet read.
    await settled()
    await new Promise((resolve) => setImmediate(resolve))
    const startedMs = performance.now()
    while (performance.now() - startedMs < 2 * answerMs);
    expect((await claim).state).toBe('locked')
    expect(under.changes).toEqual([true])
  })

  it('that refuses the password is of no use, and the log does not repeat the password', async () => {
    const server = await redisForTest('--requirepass', 'right')
    const under = redisStoreForTest(`redis://:canary-wrong@127.0.0.1:${server.port}`, {}, { timing: strict })
    await expectChanges(under, [false])
    await expectNoWaiting(under.store)
    await expect.poll(() => reasons(under), { timeout: 5_000 }).toEqual(['it refuses the user name or the password (WRONGPASS)'])
    expect(JSON.stringify(under.log)).not.toContain('canary')
  })

  it('that wants a password when there is none says so', async () => {
    const server = await redisForTest('--requirepass', 'right')
    const under = redisStoreForTest(server.url, {}, { timing: patient })
    await expect.poll(() => reasons(under), { timeout: 5_000 }).toEqual(['it wants a password (NOAUTH)'])
  })

  it('whose name does not exist is of no use', async () => {
    const under = redisStoreForTest('redis://redis.invalid:6379', {}, { timing: strict })
    await expectNoWaiting(under.store)
    expect(under.changes).toEqual([false])
  })

  it('that ends connections which idle costs nothing that lasts', async () => {
    const under = await running()
    const admin = await under.server.admin()
    await admin.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await expectChanges(under, [true, false, true])
    expect(reasons(under)).toHaveLength(1)
    await publish(under.store, freshKeys(), tokenEntry(Date.now()))
  })

  it.each(['answers', 'is frozen', 'is down'])('is left at once when it %s', async (state) => {
    const under = await running()
    await locked(under.store, freshKeys())
    if (state === 'is frozen') under.server.signal('SIGSTOP')
    if (state === 'is down') await under.server.kill()
    expect(await elapsed(() => under.store.close())).toBeLessThan(answerMs + slackMs)
    expect(await elapsed(() => useAll(under.store))).toBeLessThan(slackMs)
  })
})
