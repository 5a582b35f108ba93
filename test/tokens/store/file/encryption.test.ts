import { writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { freshKeys, grantEntry, publish, tokenEntry } from '../entries.ts'
import { placeWithToken, someKey, somePlace } from './place.ts'

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
