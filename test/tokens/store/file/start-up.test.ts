import { chmod, mkdir, readlink, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { TokenStoreError } from '../../../../src/tokens/store/token-store-error.ts'
import { freshKeys, publish, tokenEntry } from '../entries.ts'
import { somePlace } from './place.ts'

describe('opening a file store', () => {
  it('makes no file before there is something to keep', async () => {
    const place = await somePlace()
    await place.open()
    expect(await place.files()).toEqual([])
    expect(place.ups).toEqual([true])
  })

  it.each([
    ['in a folder that does not exist', 'missing/tokens', /cannot find the folder .*does not exist; make it/],
    ['below a file', 'file/tokens', /a part of its path is not a folder; correct "token_store.file.path"/],
    ['where there is a folder', 'folder', /is not a file; name one under "token_store.file.path"/],
    ['at the end of links that lead in a circle', 'circle', /its symbolic links lead in a circle/],
  ])('%s is refused with a remedy', async (_, name, message) => {
    const place = await somePlace()
    await writeFile(join(place.folder, 'file'), '')
    await mkdir(join(place.folder, 'folder'))
    await symlink(join(place.folder, 'circle'), join(place.folder, 'circle'))
    const opening = place.open({ path: join(place.folder, name) })
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.toBeInstanceOf(TokenStoreError)
    expect(place.ups).toEqual([])
  })

  it.runIf(process.getuid?.() !== 0)('in a folder that cannot be written to is refused with a remedy', async () => {
    const place = await somePlace()
    await chmod(place.folder, 0o500)
    await expect(place.open()).rejects.toThrow(/permission denied; let the user that runs bearerd write there/)
    await chmod(place.folder, 0o700)
  })

  it('closes a file that others may read to them, and says so', async () => {
    const place = await somePlace()
    await writeFile(place.path, '')
    await chmod(place.path, 0o644)
    await place.open()
    expect((await stat(place.path)).mode & 0o777).toBe(0o600)
    expect(place.messages()).toEqual([expect.stringContaining('open to other users; its mode is 0600 now')])
  })

  it.each([['that is there'], ['that is still to be made']])('follows a symbolic link to a file %s', async (which) => {
    const place = await somePlace()
    await mkdir(join(place.folder, 'volume'))
    const target = join(place.folder, 'volume', 'tokens')
    if (which === 'that is there') await writeFile(target, '', { mode: 0o600 })
    await symlink(join('volume', 'tokens'), place.path)
    const store = await place.open()
    const keys = freshKeys()
    await publish(store, keys, tokenEntry(place.clock.epochMs()))
    expect(await readlink(place.path)).toBe(join('volume', 'tokens'))
    expect((await stat(target)).size).toBeGreaterThan(0)
    expect(await (await place.open()).read(keys)).toBeDefined()
  })

  it('clears away what a killed process was writing, but not what may be being written now', async () => {
    const place = await somePlace()
    const [abandoned, recent, others] = [`${place.path}.1.tmp`, `${place.path}.2.tmp`, join(place.folder, 'else.tmp')]
    for (const path of [abandoned, recent, others]) await writeFile(path, '')
    const longAgo = Date.now() / 1000 - 120
    for (const path of [abandoned, others]) await utimes(path, longAgo, longAgo)
    await place.open()
    expect(await place.files()).toEqual(['else.tmp', 'tokens.2.tmp'])
  })
})
