import { execFileSync } from 'node:child_process'
import { mkdir, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/tokens/clock.ts'
import { budgetOf, eventually, freshKeys, grantEntry, keptId, locked, publish, tokenEntry } from '../entries.ts'
import { somePlace } from './place.ts'
import type { Place } from './place.ts'

const troubles: [string, (place: Place) => Promise<unknown>][] = [
  ['whose folder is removed', (place) => rm(place.folder, { recursive: true })],
  [
    'whose folder becomes a file',
    async (place) => {
      await rm(place.folder, { recursive: true })
      await writeFile(place.folder, 'in the way')
    },
  ],
  [
    'whose place a folder takes',
    async (place) => {
      await rm(place.path)
      await mkdir(place.path)
    },
  ],
]

describe.each(troubles)('a file store %s', (_, cause) => {
  it('goes on in memory, says so once, and writes everything when it can again', async () => {
    const place = await somePlace()
    const store = await place.open()
    const [old, kept] = [freshKeys(), freshKeys()]
    const [first, second] = [tokenEntry(place.clock.epochMs()), tokenEntry(place.clock.epochMs())]
    await publish(store, old, first)
    await cause(place)

    expect(await publish(store, kept, second)).toBe(false)
    expect(keptId(await store.claim(old, undefined))).toBe(first.id)
    expect(keptId(await store.claim(kept, undefined))).toBe(second.id)
    expect((await store.readGrant(kept))?.refreshToken).toBe('canary-refresh-token')
    await place.clock.advance(5_000)
    expect(place.ups).toEqual([true, false])
    expect(place.log).toHaveLength(1)
    expect(place.log[0]).toMatchObject({ level: 'warn', store: 'file', path: place.path })

    await rm(place.folder, { recursive: true, force: true })
    await mkdir(place.folder)
    await eventually(async () => {
      await place.clock.advance(30_000)
      expect(place.ups).toEqual([true, false, true])
    })
    expect(place.messages()).toEqual([expect.any(String), 'the token store works again'])
    const after = await place.open()
    expect(keptId(await after.claim(old, undefined))).toBe(first.id)
    expect(keptId(await after.claim(kept, undefined))).toBe(second.id)
  })

  it('holds up no request', async () => {
    const place = await somePlace()
    const store = await place.open({ clock: systemClock })
    await publish(store, freshKeys(), tokenEntry(Date.now()))
    await isWritten(place)
    await cause(place)
    const startedMs = performance.now()
    for (let count = 0; count < 20; count++) {
      const keys = freshKeys()
      const lock = await locked(store, keys)
      await lock.spend(keys.budget, budgetOf(1))
      await lock.publish(tokenEntry(Date.now()), grantEntry(Date.now()))
      await store.read(keys)
      await store.forget(keys, 'none')
    }
    // Forty waits of 100 ms would be 4 s.
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })
})

describe('a disk that hangs', () => {
  it('is waited for once, and works again when it does', async () => {
    const place = await somePlace()
    const store = await place.open({ clock: systemClock })
    const keys = freshKeys()
    const token = tokenEntry(Date.now())
    await publish(store, keys, token)
    await isWritten(place)
    // A pipe that nobody writes to answers a look, and leaves whoever reads it waiting.
    await rm(place.path)
    execFileSync('mkfifo', [place.path])
    const startedMs = performance.now()
    for (let count = 0; count < 20; count++) expect(keptId(await store.claim(keys, undefined))).toBe(token.id)
    // Twenty waits of 100 ms would be 2 s.
    expect(performance.now() - startedMs).toBeLessThan(1_000)
    expect(place.ups).toEqual([true, false])
    expect(place.log).toHaveLength(1)

    await writeFile(place.path, 'an end of the waiting')
    await eventually(() => expect(place.ups).toEqual([true, false, true]))
    await rm(place.path)
    await publish(store, freshKeys(), tokenEntry(Date.now()))
    await isWritten(place)
    expect((await (await place.open({ clock: systemClock })).read(keys))?.id).toBe(token.id)
  })
})

describe('a file that somebody removes', () => {
  it('is written again when it is missed', async () => {
    const place = await somePlace()
    const store = await place.open()
    const keys = freshKeys()
    await publish(store, keys, tokenEntry(place.clock.epochMs()))
    await rm(place.path)
    expect(await store.read(keys)).toBeDefined()
    await eventually(async () => expect(await place.files()).toEqual(['tokens']))
    expect(await (await place.open()).read(keys)).toBeDefined()
    expect(place.ups).not.toContain(false)
  })
})

describe('a file store that cannot be written for long', () => {
  it('holds no more than it may', async () => {
    const place = await somePlace()
    const store = await place.open({ maxTokens: 5 })
    await rename(place.folder, `${place.folder}-away`)
    const all = Array.from({ length: 50 }, freshKeys)
    for (const keys of all) {
      await publish(store, keys, tokenEntry(place.clock.epochMs()))
      await place.clock.advance(10)
    }
    await rename(`${place.folder}-away`, place.folder)
    await eventually(async () => {
      await place.clock.advance(30_000)
      expect(place.ups.at(-1)).toBe(true)
    })
    const kept = await Promise.all(all.map(async (keys) => (await store.read(keys)) !== undefined))
    expect(kept.filter((isKept) => isKept)).toHaveLength(5)
    expect(kept.at(-1)).toBe(true)
  })
})

describe('a lock file', () => {
  it('that a killed process left behind is in nobody’s way for long', async () => {
    const place = await somePlace()
    const store = await place.open({ clock: systemClock })
    await writeFile(`${place.path}.lock`, '')
    // It counts as left behind after 5 s.
    const made = new Date(Date.now() - 4_000)
    await utimes(`${place.path}.lock`, made, made)
    const startedMs = performance.now()
    const keys = freshKeys()
    expect(await publish(store, keys, tokenEntry(Date.now()))).toBe(false)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
    expect(await store.read(keys)).toBeDefined()
    await eventually(async () => expect(await place.files()).toEqual(['tokens']))
    expect(await (await place.open({ clock: systemClock })).read(keys)).toBeDefined()
    expect(place.ups).not.toContain(false)
  })
})

/** By the machine's clock, a disk may take longer than a publication waits. */
async function isWritten(place: Place): Promise<void> {
  await eventually(async () => {
    expect(await place.files()).toEqual(['tokens'])
    expect(await place.text()).toContain('"token:')
  })
}
