import { readFile, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { freshKeys, publish, tokenEntry } from '../entries.ts'
import { placeWithToken, somePlace } from './place.ts'
import type { Place } from './place.ts'

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
