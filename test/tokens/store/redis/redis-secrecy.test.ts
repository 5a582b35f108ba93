import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import { createSealing } from '../../../../src/tokens/store/sealing.ts'
import type { StoreEvent } from '../../../../src/tokens/store/token-store.ts'
import { describeWithRedis, redisForTest } from '../../../support/redis-server.ts'
import type { RedisAdmin } from '../../../support/redis-server.ts'
import { encryptionKey, redisStoreForTest, sharedKey } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, locked, publish, tokenEntry } from '../entries.ts'

const channel = 'bearerd:{tokens}:events'
const failure = { kind: 'refused', code: 'canary-code', message: 'canary-message' } as const

/** Everything that a process sees which watches a Redis: each command with its values. */
async function monitor(port: number): Promise<() => string> {
  let seen = ''
  const socket = connect(port, '127.0.0.1').on('data', (chunk) => (seen += chunk.toString('latin1')))
  onTestFinished(() => void socket.destroy())
  socket.write('MONITOR\r\n')
  await once(socket, 'data')
  return () => seen
}

async function dump(admin: RedisAdmin): Promise<string> {
  const parts: string[] = []
  for (const key of await admin.keys('*')) {
    const isBudget = (await admin.type(key)) === 'zset'
    parts.push(key, isBudget ? JSON.stringify(await admin.zRange(key, 0, -1)) : String(await admin.get(key)))
  }
  return parts.join('\n')
}

describeWithRedis('what Redis is told', () => {
  it('reveals nothing, in names, values, commands and messages, and ends by itself', async () => {
    const server = await redisForTest()
    const seen = await monitor(server.port)
    const admin = await server.admin()
    const { store } = redisStoreForTest(server.url)
    const [published, asking, failed] = [freshKeys(), freshKeys(), freshKeys()]
    const token = tokenEntry(Date.now(), { isOnProbation: true })
    const first = await locked(store, published)
    await first.spend(published.budget, budgetOf(3))
    await first.publish(token, grantEntry(Date.now()))
    store.accept(published, token.id)
    await locked(store, asking)
    const last = await locked(store, failed)
    last.fail(failure, 10_000)
    await store.keepGrant(asking, grantEntry(Date.now(), 'canary-login'))
    await store.read(published)

    const names = await admin.keys('*')
    const kinds = names.map((name) => /^bearerd:\{tokens\}:([a-z-]+)(:[A-Za-z0-9_-]{43})?$/.exec(name)?.[1])
    expect(kinds.toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
      'budget',
      'failure',
      'grant',
      'grant',
      'lock',
      'probe',
      'probe-budget',
      'token',
    ])
    for (const name of names) {
      const lifeMs = await admin.pTTL(name)
      expect(lifeMs, name).toBeGreaterThan(0)
      expect(lifeMs, name).toBeLessThanOrEqual(180 * 24 * 3_600_000)
    }
    const all = `${await dump(admin)}\n${seen()}`
    expect(all.length).toBeGreaterThan(2_000)
    expect(all).not.toContain('canary')
    expect(all).not.toContain('digest-of-the-first')
    for (const keys of [published, asking, failed]) {
      for (const digest of Object.values(keys)) expect(all).not.toContain(digest)
    }
  })

  it('gives each kind of entry the life it needs', async () => {
    const server = await redisForTest()
    const admin = await server.admin()
    const { store } = redisStoreForTest(server.url)
    const keys = freshKeys()
    const lock = await locked(store, keys)
    await lock.spend(keys.budget, budgetOf(3, 60_000))
    await lock.publish(tokenEntry(Date.now(), { lifeMs: 90_000 }), grantEntry(Date.now()))
    await locked(store, freshKeys())
    const lifeMs = async (kind: string): Promise<number> => {
      const [name] = await admin.keys(`bearerd:{tokens}:${kind}:*`)
      return await admin.pTTL(name ?? '')
    }
    for (const [kind, atMost] of [
      ['token', 90_000],
      ['grant', 180 * 24 * 3_600_000],
      ['lock', 3_000],
      ['budget', 60_000],
    ] as const) {
      expect(await lifeMs(kind), kind).toBeLessThanOrEqual(atMost)
      expect(await lifeMs(kind), kind).toBeGreaterThan(kind === 'lock' ? 0 : atMost - 10_000)
    }
  })

  it('is of no use to who has another key, whose store keeps its own', async () => {
    const { url } = await redisForTest()
    const [ours, theirs] = [redisStoreForTest(url).store, redisStoreForTest(url, { encryption_key: encryptionKey() }).store]
    const keys = freshKeys()
    await publish(ours, keys, tokenEntry(Date.now()))
    const heard: StoreEvent[] = []
    theirs.subscribe(keys, (event) => heard.push(event))
    expect(await theirs.read(keys)).toBeUndefined()
    await locked(theirs, keys)
    ours.reject(keys, 'one')
    expect(await ours.read(keys)).toBeDefined()
    await theirs.read(keys)
    expect(heard).toEqual([])
  })

  it('keeps apart what has different prefixes, also when entries are copied between them', async () => {
    const server = await redisForTest()
    const admin = await server.admin()
    const [ours, theirs] = [redisStoreForTest(server.url).store, redisStoreForTest(server.url, { prefix: 'other:' }).store]
    const keys = freshKeys()
    await publish(ours, keys, tokenEntry(Date.now()))
    expect(await theirs.read(keys)).toBeUndefined()
    for (const name of await admin.keys('bearerd:*'))
      await admin.copy(name, name.replace(/^bearerd:/, 'other:'), { REPLACE: true })
    expect(await theirs.read(keys)).toBeUndefined()
    expect(await theirs.readGrant(keys)).toBeUndefined()
  })
})

describeWithRedis('events in Redis', () => {
  it('reach other replicas, and those that reconnect', async () => {
    const server = await redisForTest()
    const [ours, theirs] = [redisStoreForTest(server.url), redisStoreForTest(server.url)]
    await theirs.store.started()
    const keys = freshKeys()
    const heard: StoreEvent[] = []
    theirs.store.subscribe(keys, (event) => heard.push(event))
    ours.store.reject(keys, 'one')
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual([{ type: 'rejected', id: 'one' }])
    await (await server.admin()).sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    for (const { changes } of [ours, theirs]) await expect.poll(() => changes, { timeout: 5_000 }).toEqual([true, false, true])
    ours.store.reject(keys, 'two')
    await expect.poll(() => heard, { timeout: 5_000 }).toContainEqual({ type: 'rejected', id: 'two' })
  })

  it('of a login reach all tokens that come from its grant', async () => {
    const { url } = await redisForTest()
    const { store } = redisStoreForTest(url)
    const [old, rotated] = [freshKeys(), freshKeys()]
    const heard: StoreEvent[] = []
    store.subscribe({ ...rotated, grant: old.grant }, (event) => heard.push(event))
    await store.keepGrant(old, grantEntry(Date.now()))
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual([{ type: 'login' }])
  })

  it('that are forged, cut or copied from elsewhere are ignored', async () => {
    const server = await redisForTest()
    const admin = await server.admin()
    const { store, changes } = redisStoreForTest(server.url)
    await store.started()
    const keys = freshKeys()
    const heard: StoreEvent[] = []
    store.subscribe(keys, (event) => heard.push(event))
    const message = JSON.stringify({ digest: keys.token, event: { type: 'rejected', id: 'one' } })
    const foreign = createSealing(encryptionKey(), undefined).seal(channel, message)
    const elsewhere = createSealing(sharedKey, undefined).seal('other:{tokens}:events', message)
    const whole = createSealing(sharedKey, undefined).seal(channel, message)
    for (const bad of ['', 'garbage', '{', message, foreign, elsewhere, whole.slice(0, -4), 'x'.repeat(100_000), '\0\xff']) {
      await admin.publish(channel, bad)
    }
    await admin.publish(channel, whole)
    await expect.poll(() => heard, { timeout: 5_000 }).toEqual([{ type: 'rejected', id: 'one' }])
    expect(changes).toEqual([true])
  })
})
