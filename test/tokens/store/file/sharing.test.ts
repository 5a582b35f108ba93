import { readFile, stat } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { StoreKeys } from '../../../../src/tokens/store/token-store.ts'
import { parseFileText } from '../../../../src/tokens/store/file/file-text.ts'
import { budgetOf, eventually, freshKeys, grantEntry, locked, publish, tokenEntry } from '../entries.ts'
import { somePlace } from './place.ts'

describe('two processes with one file', () => {
  it('lose nothing that either of them writes, however they write at the same time', async () => {
    const place = await somePlace()
    const stores = await Promise.all([place.open(), place.open(), place.open()])
    const written = await Promise.all(
      stores.flatMap((store) =>
        Array.from({ length: 10 }, async () => {
          const keys = freshKeys()
          await sleep(Math.random() * 30)
          expect(await publish(store, keys, tokenEntry(place.clock.epochMs()))).toBe(true)
          return keys
        }),
      ),
    )
    for (const store of [...stores, await place.open()]) {
      for (const keys of written) expect(await store.read(keys)).toBeDefined()
    }
    expect(await place.files()).toEqual(['tokens'])
  })

  it('never show a reader half a file', async () => {
    const place = await somePlace()
    const stores = await Promise.all([place.open(), place.open()])
    await publish(stores[0], freshKeys(), tokenEntry(place.clock.epochMs()))
    const writers = new Set<number>()
    const writing = Promise.all(
      stores.map(async (store, at) => {
        writers.add(at)
        for (let count = 0; count < 20; count++) await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
        writers.delete(at)
      }),
    )
    let entries = 0
    while (writers.size > 0) {
      const count = parseFileText(await readFile(place.path, 'utf8'))?.size ?? -1
      expect(count).toBeGreaterThanOrEqual(entries)
      entries = count
      await sleep(1)
    }
    await writing
  })

  it('see each other’s tokens, refusals and logins', async () => {
    const place = await somePlace()
    const [gateway, other] = await Promise.all([place.open(), place.open()])
    const keys = freshKeys()
    await publish(gateway, keys, tokenEntry(place.clock.epochMs(), { id: 'one' }))
    expect((await other.read(keys))?.id).toBe('one')
    await other.keepGrant(keys, grantEntry(place.clock.epochMs(), 'canary-login'))
    expect((await gateway.readGrant(keys))?.refreshToken).toBe('canary-login')
    other.reject(keys, 'one')
    await other.forget(keys, 'one')
    expect(await gateway.read(keys)).toBeUndefined()
  })

  it('do not lose a login to a token request that began before it', async () => {
    const place = await somePlace()
    const [gateway, login] = await Promise.all([place.open(), place.open()])
    const keys = freshKeys()
    await publish(gateway, keys, tokenEntry(place.clock.epochMs(), { id: 'one' }))
    const lock = await locked(gateway, keys, 'one')
    await login.keepGrant(keys, grantEntry(place.clock.epochMs(), 'canary-login'))
    await lock.publish(tokenEntry(place.clock.epochMs()), grantEntry(place.clock.epochMs() + 1, 'canary-of-before'))
    expect((await gateway.readGrant(keys))?.refreshToken).toBe('canary-login')
    expect((await login.readGrant(keys))?.refreshToken).toBe('canary-login')
  })

  it('do not refuse a newer token along with the one that was refused', async () => {
    const place = await somePlace()
    const [one, other] = await Promise.all([place.open(), place.open()])
    const keys = freshKeys()
    await publish(one, keys, tokenEntry(place.clock.epochMs(), { id: 'old' }))
    await other.read(keys)
    await publish(one, keys, tokenEntry(place.clock.epochMs(), { id: 'new' }), 'old')
    other.reject(keys, 'old')
    await other.forget(keys, 'old')
    expect((await one.read(keys))?.id).toBe('new')
    expect((await other.read(keys))?.id).toBe('new')
  })

  it('add up what they spend of a budget', async () => {
    const place = await somePlace()
    const [one, other] = await Promise.all([place.open(), place.open()])
    const { budget } = freshKeys()
    const spend = async (store: typeof one) => (await locked(store, freshKeys())).spend(budget, budgetOf(3))
    await spend(one)
    await place.clock.advance(1)
    await spend(other)
    await Promise.all([one.forget(freshKeys(), 'none'), other.forget(freshKeys(), 'none')])
    await place.clock.advance(1)
    await eventually(async () => {
      await Promise.all([one.readGrant(freshKeys()), other.readGrant(freshKeys())])
      expect((await spend(one))?.agesMs.length).toBeGreaterThanOrEqual(3)
    })
    expect((await spend(one))?.isSpent).toBe(false)
  })
})

describe('the file', () => {
  it('is for its owner alone, whatever the umask', async () => {
    const place = await somePlace()
    const store = await place.open()
    const umask = process.umask(0)
    try {
      await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
    } finally {
      process.umask(umask)
    }
    expect((await stat(place.path)).mode & 0o777).toBe(0o600)
  })

  it('is written once for many changes at the same time', async () => {
    const place = await somePlace()
    const store = await place.open()
    const writes = new Set<number>()
    const all: StoreKeys[] = Array.from({ length: 60 }, freshKeys)
    await Promise.all(
      all.map(async (keys) => {
        await publish(store, keys, tokenEntry(place.clock.epochMs()))
        writes.add((await stat(place.path)).mtimeMs)
      }),
    )
    expect(writes.size).toBeLessThan(5)
  })
})
