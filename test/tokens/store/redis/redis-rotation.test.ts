import { expect, it } from 'vitest'
import type { StoreEvent } from '../../../../src/tokens/store/token-store.ts'
import { describeWithRedis, redisForTest } from '../../../support/redis-server.ts'
import { encryptionKey, redisStoreForTest } from '../../../support/redis-store.ts'
import { budgetOf, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'

/** A rotation in steps, each rolled out replica by replica: so two steps that follow each other run side by side. */
function steps() {
  const [before, next] = [encryptionKey(), encryptionKey()]
  return [
    { encryption_key: before },
    { encryption_key: before, encryption_key_previous: next },
    { encryption_key: next, encryption_key_previous: before },
    { encryption_key: next },
  ]
}

describeWithRedis('a rotation of the encryption key', () => {
  it.each([
    ['the next key is made known', 0],
    ['the keys change places', 1],
    ['the key before is forgotten', 2],
  ])('loses nothing while %s', async (_, at) => {
    const { url } = await redisForTest()
    const [early, late] = steps()
      .slice(at, at + 2)
      .map((config) => redisStoreForTest(url, config).store)
    if (early === undefined || late === undefined) throw new Error('two steps run side by side')
    for (const [one, other] of [
      [early, late],
      [late, early],
    ] as const) {
      const keys = freshKeys()
      const heard: StoreEvent[] = []
      other.subscribe(keys, (event) => heard.push(event))

      const lock = await locked(one, keys)
      expect((await other.claim(keys, undefined)).state).toBe('taken')
      await lock.spend(keys.budget, budgetOf(2))
      const first = tokenEntry(Date.now())
      expect(await lock.publish(first, grantEntry(Date.now(), 'canary-first'))).toBe(true)
      expect(keptId(await other.claim(keys, undefined))).toBe(first.id)

      const renewing = await locked(other, keys, first.id)
      expect(renewing.grant?.refreshToken).toBe('canary-first')
      expect((await one.claim(keys, first.id)).state).toBe('taken')
      expect((await renewing.spend(keys.budget, budgetOf(2)))?.agesMs).toHaveLength(2)
      const second = tokenEntry(Date.now())
      expect(await renewing.publish(second, grantEntry(Date.now(), 'canary-second'))).toBe(true)
      expect(keptId(await one.claim(keys, first.id))).toBe(second.id)
      expect((await one.readGrant(keys))?.refreshToken).toBe('canary-second')

      other.reject(keys, second.id)
      await other.read(keys)
      expect(await one.read(keys)).toBeUndefined()
      const failing = await locked(one, keys)
      failing.fail({ kind: 'refused', code: 'invalid_client', message: 'no' }, 10_000)
      await one.read(keys)
      expect(await other.claim(keys, undefined)).toMatchObject({ state: 'taken', failure: { code: 'invalid_client' } })
      await expect
        .poll(() => heard.map(({ type }) => type), { timeout: 5_000 })
        .toEqual(['granted', 'granted', 'rejected', 'failed'])
    }
  })

  it('in one step is no disaster: the two halves of the fleet do not see each other', async () => {
    const { url } = await redisForTest()
    const [old, rotated] = [steps()[0], steps()[3]].map((config) => redisStoreForTest(url, config).store)
    const keys = freshKeys()
    await publish(old ?? fail(), keys, tokenEntry(Date.now()))
    expect(await rotated?.read(keys)).toBeUndefined()
    await publish(rotated ?? fail(), keys, tokenEntry(Date.now()))
  })
})

function fail(): never {
  throw new Error('there is no store')
}
