import { randomUUID } from 'node:crypto'
import { chmod, copyFile, open, readFile, rename, stat, unlink } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { dirname } from 'node:path'
import { fileText, parseFileText } from './file-text.ts'
import type { SealedEntries } from './file-text.ts'
import { codeOf, withLockFile } from './lock-file.ts'

/** Tells a file from every other that was in its place: each write makes a new one. */
export type Stamp = string

/** What a look at the file has shown. */
export type FileContent =
  /** It is the one with the known stamp. */
  | { readonly state: 'same' }
  | { readonly state: 'missing' }
  /** It is not a file of ours, or not a whole one. */
  | { readonly state: 'broken'; readonly stamp: Stamp }
  | { readonly state: 'read'; readonly stamp: Stamp; readonly entries: SealedEntries }

/** What a write has done. */
export interface FileUpdate {
  readonly stamp: Stamp
  readonly written: SealedEntries
  /** Where a broken file was put that was in the way. */
  readonly setAside: string | undefined
}

/** The ending of files that are being written. */
export const temporaryEnding = '.tmp'

/** A file of entries that several processes may write, one after the other; a reader sees it as one of them left it, never half. */
export class EntryFile {
  readonly #path: string

  /** @param path that is not a symbolic link: the file is replaced with each write */
  constructor(path: string) {
    this.#path = path
  }

  /**
   * Reads the file.
   * @param known need not be read again
   * @throws the file system's error when it is there and cannot be read
   */
  async read(known?: Stamp): Promise<FileContent> {
    try {
      const stamp = stampOf(await stat(this.#path, { bigint: true }))
      if (stamp === known) return { state: 'same' }
      const entries = parseFileText(await readFile(this.#path, 'utf8'))
      return entries === undefined ? { state: 'broken', stamp } : { state: 'read', stamp, entries }
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      return { state: 'missing' }
    }
  }

  /**
   * Writes the file anew, from what it holds at that moment: no other process writes in between. A broken one is kept aside.
   * @param merge what is to be written; gets what is there, undefined when there is nothing that can be read
   * @throws the file system's error; the file is as it was then
   */
  async update(merge: (present: SealedEntries | undefined) => SealedEntries): Promise<FileUpdate> {
    return await withLockFile(`${this.#path}.lock`, async () => {
      const content = await this.read()
      const written = merge(content.state === 'read' ? content.entries : undefined)
      const setAside = content.state === 'broken' ? `${this.#path}.broken` : undefined
      if (setAside !== undefined) {
        await copyFile(this.#path, setAside)
        await chmod(setAside, 0o600)
      }
      return { stamp: await replace(this.#path, fileText(written)), written, setAside }
    })
  }
}

/** @returns the stamp of the new file */
async function replace(path: string, text: string): Promise<string> {
  const temporary = `${path}.${randomUUID()}${temporaryEnding}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    let stamp: string
    try {
      // Whatever the umask took away.
      await handle.chmod(0o600)
      await handle.writeFile(text)
      await handle.sync()
      stamp = stampOf(await handle.stat({ bigint: true }))
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
    await syncFolder(dirname(path))
    return stamp
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
}

/** Has the new name survive a loss of power too, where the file system can. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r').catch(() => undefined)
  await handle?.sync().catch(() => {})
  await handle?.close().catch(() => {})
}

function stampOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino} ${size} ${mtimeNs}`
}
