import { expect, it } from 'vitest'
import { createRedisNaming } from '../../../../src/tokens/store/redis/redis-names.ts'
import { createSealing } from '../../../../src/tokens/store/sealing.ts'
import { describeWithRedis, redisForTest } from '../../../support/redis-server.ts'
import { redisStoreForTest, sharedKey } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'

const naming = createRedisNaming('bearerd:', createSealing(sharedKey, undefined))
const garbage: readonly (readonly [name: string, value: string])[] = [
  ['nothing', ''],
  ['a separator', '|'],
  ['a letter', 'x'],
  ['an id', 'x|'],
  ['an id and a word', 'id|garbage'],
  ['sealed with no key that we know', 'v1.00000000.AAAA'],
  ['an id and something sealed with no key that we know', 'id|v1.00000000.AAAA'],
  ['no text', '\0\xff|\0'],
  ['long', `id|${'x'.repeat(70_000)}`],
  ['longer than anything that we write', `id|${'x'.repeat(2_000_000)}`],
]

async function withStore() {
  const server = await redisForTest()
  const { store, changes } = redisStoreForTest(server.url)
  await store.started()
  return { store, changes, admin: await server.admin(), keys: freshKeys() }
}

/** The names of what is kept for a token. */
function namesOf(keys: ReturnType<typeof freshKeys>) {
  const { tokens, grants, locks, failures } = naming.of(keys)
  return { token: tokens[0], grant: grants[0], lock: locks[0], failure: failures[0], budget: naming.budget(keys.budget)[0] }
}

describeWithRedis('an entry in Redis that is not what it should be', () => {
  it.each(garbage)('is none when it is %s', async (_, value) => {
    const { store, changes, admin, keys } = await withStore()
    const { token, grant, failure } = namesOf(keys)
    for (const name of [token, grant, failure]) await admin.set(name, value, { PX: 9_000 })
    expect(await store.read(keys)).toBeUndefined()
    expect(await store.readGrant(keys)).toBeUndefined()
    const lock = await locked(store, keys)
    expect(lock.grant).toBeUndefined()
    const good = tokenEntry(Date.now())
    expect(await lock.publish(good, grantEntry(Date.now()))).toBe(true)
    expect(keptId(await store.claim(keys, undefined))).toBe(good.id)
    expect((await store.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
    expect(changes).toEqual([true])
  })

  it('is none when it is of another type', async () => {
    const { store, changes, admin, keys } = await withStore()
    for (const name of Object.values(namesOf(keys))) await admin.rPush(name, 'x')
    expect(await store.read(keys)).toBeUndefined()
    expect(await store.readGrant(keys)).toBeUndefined()
    const lock = await locked(store, keys)
    expect(await lock.spend(keys.budget, budgetOf(1))).toMatchObject({ isSpent: true })
    const good = tokenEntry(Date.now())
    expect(await lock.publish(good, grantEntry(Date.now()))).toBe(true)
    expect((await store.read(keys))?.id).toBe(good.id)
    expect(await store.keepGrant(keys, grantEntry(Date.now()))).toBe(true)
    for (const name of await admin.keys('*')) expect(await admin.pTTL(name), name).toBeGreaterThan(0)
    expect(changes).toEqual([true])
  })

  it('is none when it would live for ever: we write no such thing', async () => {
    const { store, admin, keys } = await withStore()
    await publish(store, keys, tokenEntry(Date.now()))
    const { token, grant, lock, failure } = namesOf(keys)
    for (const name of [token, grant]) await admin.persist(name)
    await admin.set(lock, 'nobody')
    await admin.set(failure, 'x')
    expect(await store.read(keys)).toBeUndefined()
    expect((await locked(store, keys)).grant).toBeUndefined()
  })

  it('keeps nobody from the lock beyond a lease', async () => {
    const { store, admin, keys } = await withStore()
    await admin.set(namesOf(keys).lock, 'nobody', { PX: 3_600_000 })
    await locked(store, keys)
  })

  it('makes no token live longer than it does', async () => {
    const { store, admin, keys } = await withStore()
    await publish(store, keys, tokenEntry(Date.now(), { lifeMs: 60_000 }))
    await admin.pExpire(namesOf(keys).token, 3_600_000)
    expect((await store.read(keys))?.remainingMs).toBeLessThanOrEqual(60_000)
  })

  it('is none when it is that of another, copied over ours', async () => {
    const { store, admin, keys } = await withStore()
    const others = freshKeys()
    await publish(store, others, tokenEntry(Date.now(), { accessToken: 'canary-of-others' }))
    const lock = await locked(store, freshKeys())
    lock.fail({ kind: 'refused', code: 'invalid_client', message: 'no' }, 10_000)
    await store.read(keys)
    const [ours, theirs] = [namesOf(keys), namesOf(others)]
    await admin.copy(theirs.token, ours.token)
    await admin.copy(theirs.grant, ours.grant)
    const [failure] = await admin.keys('*:failure:*')
    await admin.copy(failure ?? '', ours.failure)
    expect(await store.read(keys)).toBeUndefined()
    expect(await store.readGrant(keys)).toBeUndefined()
    const claimed = await locked(store, keys)
    expect(claimed.grant).toBeUndefined()
  })

  it('is none when its kind was changed, or the id in front of it', async () => {
    const { store, admin, keys } = await withStore()
    await publish(store, keys, tokenEntry(Date.now(), { id: 'true' }))
    const { token, grant } = namesOf(keys)
    const whole = (await admin.get(token)) ?? ''
    await admin.set(token, whole.replace('true|', 'false|'), { PX: 60_000 })
    expect(await store.read(keys)).toBeUndefined()
    const lock = await locked(store, keys, 'true')
    lock.release()
    await admin.set(token, (await admin.get(grant)) ?? '', { PX: 60_000 })
    await admin.set(grant, whole.slice(whole.indexOf('|') + 1), { PX: 60_000 })
    expect(await store.read(keys)).toBeUndefined()
    expect(await store.readGrant(keys)).toBeUndefined()
    expect((await locked(store, keys)).grant).toBeUndefined()
  })

  it('does not spend a budget', async () => {
    const { store, admin, keys } = await withStore()
    const { budget } = namesOf(keys)
    await admin.zAdd(budget, [
      { score: Number.POSITIVE_INFINITY, value: 'a' },
      { score: Number.NEGATIVE_INFINITY, value: 'b' },
      { score: Date.now() + 3_600_000, value: 'c' },
    ])
    expect(await (await locked(store, keys)).spend(keys.budget, budgetOf(1))).toEqual({ isSpent: true, agesMs: [0] })
    expect(await admin.pTTL(budget)).toBeGreaterThan(0)
  })
})
