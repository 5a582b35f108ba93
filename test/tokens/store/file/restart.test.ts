import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { StoreKeys } from '../../../../src/tokens/store/token-store.ts'
import { budgetOf, freshKeys, grantEntry, locked, publish, tokenEntry } from '../entries.ts'
import { someKey, somePlace } from './place.ts'
import type { Place } from './place.ts'

describe('a restart', () => {
  it('loses neither tokens nor refresh tokens', async () => {
    const place = await somePlace()
    const keys = freshKeys()
    const [token, grant] = [tokenEntry(place.clock.epochMs()), grantEntry(place.clock.epochMs())]
    const before = await place.open()
    expect(await (await locked(before, keys)).publish(token, grant)).toBe(true)
    await before.close()
    await place.clock.advance(600_000)
    const after = await place.open()
    expect(await after.claim(keys, undefined)).toEqual({ state: 'kept', token: { ...token, remainingMs: 3_000_000 } })
    expect(await after.readGrant(keys)).toEqual(grant)
    expect(place.log).toEqual([])
  })

  it('does not bring back what was refused, revoked or replaced', async () => {
    const place = await somePlace()
    const [refused, revoked, replaced] = [freshKeys(), freshKeys(), freshKeys()]
    const before = await place.open()
    for (const keys of [refused, revoked, replaced]) {
      await publish(before, keys, tokenEntry(place.clock.epochMs(), { id: 'one' }))
    }
    before.reject(refused, 'one')
    await before.forget(revoked, 'one')
    await publish(before, replaced, tokenEntry(place.clock.epochMs(), { id: 'two' }), 'one')
    await before.close()
    const after = await place.open()
    expect(await after.read(refused)).toBeUndefined()
    expect(await after.read(revoked)).toBeUndefined()
    expect((await after.read(replaced))?.id).toBe('two')
  })

  it('gives no budget back', async () => {
    const place = await somePlace()
    const { budget } = freshKeys()
    const before = await place.open()
    await (await locked(before, freshKeys())).spend(budget, budgetOf(1))
    await before.close()
    await place.clock.advance(10_000)
    const verdict = await (await locked(await place.open(), freshKeys())).spend(budget, budgetOf(1))
    expect(verdict).toEqual({ isSpent: false, agesMs: [10_000] })
  })

  it('clears away what has expired with the next write', async () => {
    const place = await somePlace()
    const store = await place.open()
    for (let count = 0; count < 5; count++) {
      await publish(store, freshKeys(), tokenEntry(place.clock.epochMs(), { lifeMs: 1_000 }))
    }
    await place.clock.advance(1_000)
    await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
    expect((await place.text()).match(/"token:/g)).toHaveLength(1)
  })

  it('keeps no more tokens than are to be held', async () => {
    const place = await somePlace()
    const store = await place.open({ maxTokens: 3 })
    const all: StoreKeys[] = []
    for (let count = 0; count < 10; count++) {
      const keys = freshKeys()
      all.push(keys)
      await publish(store, keys, tokenEntry(place.clock.epochMs()))
      await place.clock.advance(1)
    }
    expect((await place.text()).match(/"token:/g)).toHaveLength(3)
    expect((await place.text()).match(/"grant:/g)).toHaveLength(3)
    expect(await store.read(all[0] ?? freshKeys())).toBeUndefined()
    expect(await store.read(all[9] ?? freshKeys())).toBeDefined()
  })
})

describe('the encryption of the file', () => {
  it('leaves nothing to be read in it', async () => {
    const place = await somePlace()
    const keys = freshKeys()
    const store = await place.open()
    await publish(store, keys, tokenEntry(place.clock.epochMs(), { id: 'visible-id' }))
    await store.keepGrant(keys, grantEntry(place.clock.epochMs()))
    const text = await place.text()
    for (const secret of ['canary', 'visible-id', 'expires_in', keys.token, keys.grant]) expect(text).not.toContain(secret)
    expect(JSON.stringify(place.log)).not.toContain('canary')
  })

  it('opens nothing with another key, says so, and leaves what it could not open', async () => {
    const place = await somePlace()
    const { keys, token } = await placeWithToken(place)
    const other = await place.open({ key: someKey() })
    expect(await other.read(keys)).toBeUndefined()
    const newer = tokenEntry(place.clock.epochMs())
    await publish(other, keys, newer)
    expect((await other.read(keys))?.id).toBe(newer.id)
    const right = await place.open()
    expect((await right.read(keys))?.id).toBe(token.id)
    expect((await right.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
  })

  it('opens what the key before has closed, and closes it with the current one from then on', async () => {
    const place = await somePlace()
    const [previous, key] = [someKey(), someKey()]
    const keys = freshKeys()
    const token = tokenEntry(place.clock.epochMs())
    await publish(await place.open({ key: previous }), keys, token)
    const rotated = await place.open({ key, previous })
    expect((await rotated.read(keys))?.id).toBe(token.id)
    expect((await rotated.readGrant(keys))?.refreshToken).toBe('canary-refresh-token')
    const newer = tokenEntry(place.clock.epochMs())
    await publish(rotated, keys, newer, token.id)
    const settled = await place.open({ key })
    expect((await settled.read(keys))?.id).toBe(newer.id)
    expect(await settled.readGrant(keys)).toBeDefined()
    expect((await place.text()).match(/"(token|grant):/g)).toHaveLength(2)
  })

  it('refuses a token under the key before as well', async () => {
    const place = await somePlace()
    const [previous, key] = [someKey(), someKey()]
    const keys = freshKeys()
    await publish(await place.open({ key: previous }), keys, tokenEntry(place.clock.epochMs(), { id: 'one' }))
    const rotated = await place.open({ key, previous })
    await rotated.read(keys)
    rotated.reject(keys, 'one')
    expect(await rotated.read(keys)).toBeUndefined()
    await rotated.close()
    expect(await (await place.open({ key, previous })).read(keys)).toBeUndefined()
  })

  it('does not open an entry that was copied to the name of another', async () => {
    const place = await somePlace()
    const [ours, theirs] = [freshKeys(), freshKeys()]
    const store = await place.open()
    await publish(store, ours, tokenEntry(place.clock.epochMs()))
    await publish(store, theirs, tokenEntry(place.clock.epochMs()))
    await store.close()
    const file = JSON.parse(await place.text()) as { entries: Record<string, unknown> }
    const [first = '', second = ''] = Object.keys(file.entries).filter((name) => name.startsWith('token:'))
    ;[file.entries[first], file.entries[second]] = [file.entries[second], file.entries[first]]
    await writeFile(place.path, JSON.stringify(file))
    const after = await place.open()
    expect(await after.read(ours)).toBeUndefined()
    expect(await after.read(theirs)).toBeUndefined()
    expect(await after.readGrant(ours)).toBeDefined()
    await after.read(ours)
    expect(place.messages()).toEqual(Array(2).fill(expect.stringContaining('cannot be read and counts for nothing')))
  })
})

describe('a file that is damaged', () => {
  const whole = async (place: Place): Promise<string> => readFile(place.path, 'utf8')

  it.each([
    ['cut', async (place: Place) => (await whole(place)).slice(0, -20)],
    ['not JSON', async () => '\u0000\u0001garbage'],
    ['of another kind', async () => '{"entries": []}'],
    ['of a later version', async (place: Place) => (await whole(place)).replace('"version": 1', '"version": 2')],
  ])('because it is %s counts for nothing, and is kept aside by the next write', async (_, damage) => {
    const place = await somePlace()
    const { keys } = await placeWithToken(place)
    const damaged = await damage(place)
    await writeFile(place.path, damaged)
    const store = await place.open()
    expect(await store.read(keys)).toBeUndefined()
    expect(await store.read(keys)).toBeUndefined()
    expect(place.messages()).toEqual([expect.stringContaining('not a file that bearerd wrote, or was cut')])
    await publish(store, keys, tokenEntry(place.clock.epochMs(), { id: 'newer' }))
    expect(await readFile(`${place.path}.broken`, 'utf8')).toBe(damaged)
    expect((await (await place.open()).read(keys))?.id).toBe('newer')
    expect(place.messages()).toHaveLength(2)
    expect(place.ups).not.toContain(false)
  })

  it('while the gateway runs is mended from memory', async () => {
    const place = await somePlace()
    const { keys, token, store } = await placeWithToken(place)
    await writeFile(place.path, 'garbage')
    expect((await store.read(keys))?.id).toBe(token.id)
    await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
    expect((await (await place.open()).read(keys))?.id).toBe(token.id)
  })

  it('in a single entry loses that entry alone', async () => {
    const place = await somePlace()
    const { keys, token } = await placeWithToken(place)
    const text = await place.text()
    await writeFile(place.path, text.replace(/("grant:[^"]*": \{"sealed":"v1\.[^.]+\.)...../, '$1AAAAA'))
    const store = await place.open()
    expect((await store.read(keys))?.id).toBe(token.id)
    expect(await store.readGrant(keys)).toBeUndefined()
    expect(place.messages()).toEqual([expect.stringContaining('cannot be read and counts for nothing')])
  })

  it('by being empty holds nothing, and is no reason for a log line', async () => {
    const place = await somePlace()
    await writeFile(place.path, '', { mode: 0o600 })
    const store = await place.open()
    expect(await store.read(freshKeys())).toBeUndefined()
    await publish(store, freshKeys(), tokenEntry(place.clock.epochMs()))
    expect(place.log).toEqual([])
    expect(await place.files()).toEqual(['tokens'])
  })
})

describe('a date that is wrong', () => {
  it('makes no token live longer when it is set back while the gateway runs', async () => {
    const place = await somePlace()
    const keys = freshKeys()
    const store = await place.open()
    await publish(store, keys, tokenEntry(place.clock.epochMs(), { lifeMs: 100_000 }))
    await place.clock.advance(50_000)
    place.clock.setDateForward(-50_000)
    expect((await store.read(keys))?.remainingMs).toBe(50_000)
    await place.clock.advance(50_000)
    expect(await store.read(keys)).toBeUndefined()
  })

  it('gives a token from a little in the future its whole life and no more, and one from far in the future none', async () => {
    const place = await somePlace()
    const [near, far] = [freshKeys(), freshKeys()]
    const store = await place.open()
    await publish(store, near, tokenEntry(place.clock.epochMs() + 59_000, { lifeMs: 100_000 }))
    await publish(store, far, tokenEntry(place.clock.epochMs() + 61_000, { lifeMs: 100_000 }))
    await store.close()
    const after = await place.open()
    expect((await after.read(near))?.remainingMs).toBe(100_000)
    expect(await after.read(far)).toBeUndefined()
  })

  it('ends tokens early rather than late when it is set forward', async () => {
    const place = await somePlace()
    const { keys, store } = await placeWithToken(place)
    place.clock.setDateForward(3_600_000)
    expect(await store.read(keys)).toBeUndefined()
  })

  it('gives no budget back when it is set back', async () => {
    const place = await somePlace()
    const { budget } = freshKeys()
    const store = await place.open()
    const spend = async () => (await locked(store, freshKeys())).spend(budget, budgetOf(1, 60_000))
    expect((await spend())?.isSpent).toBe(true)
    place.clock.setDateForward(-3_600_000)
    expect((await spend())?.isSpent).toBe(false)
    await place.clock.advance(60_000)
    expect((await spend())?.isSpent).toBe(true)
  })
})

async function placeWithToken(place: Place) {
  const keys = freshKeys()
  const token = tokenEntry(place.clock.epochMs())
  const store = await place.open()
  expect(await publish(store, keys, token)).toBe(true)
  return { keys, token, store }
}
