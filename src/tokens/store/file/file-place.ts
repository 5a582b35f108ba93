import { randomUUID } from 'node:crypto'
import { chmod, open, readdir, readlink, realpath, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Log } from '../../../telemetry/log.ts'
import { TokenStoreError } from '../token-store-error.ts'
import { temporaryEnding } from './entry-file.ts'
import { codeOf } from './lock-file.ts'

/** What was being written when a process was killed is left alone for so long, in milliseconds: it may yet be being written. */
const abandonedMs = 60_000

/**
 * Makes sure, at start-up, that the file can be kept where it is to be. One that others may read or write is closed to them.
 * @param path as configured; a symbolic link is followed
 * @returns the path without symbolic links
 * @throws TokenStoreError when the file cannot be kept there
 */
export async function preparePlace(path: string, log: Log): Promise<string> {
  const file = await realPathOf(path)
  const facts = await stat(file).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw cannot('look at', path, error)
  })
  if (facts !== undefined) {
    if (!facts.isFile())
      throw new TokenStoreError(`the token store ${path} is not a file; name one under "token_store.file.path"`)
    if ((facts.mode & 0o077) !== 0) {
      await chmod(file, 0o600).catch((error: unknown) => {
        throw cannot('change the mode of', path, error)
      })
      log.warn({ store: 'file', path }, 'the token store was open to other users; its mode is 0600 now')
    }
    await tryToRead(file, path)
  }
  await tryToWrite(file, path)
  await clearAway(file)
  return file
}

async function realPathOf(path: string): Promise<string> {
  const absolute = resolve(path)
  try {
    return await realpath(absolute)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw cannot('look at', path, error)
  }
  // There is no file yet: then there must be a folder, here or where a link points.
  const target = await readlink(absolute).catch(() => undefined)
  const wanted = target === undefined ? absolute : resolve(dirname(absolute), target)
  try {
    return join(await realpath(dirname(wanted)), basename(wanted))
  } catch (error) {
    throw cannot('find the folder of', path, error)
  }
}

async function tryToRead(file: string, path: string): Promise<void> {
  try {
    await (await open(file, 'r')).close()
  } catch (error) {
    throw cannot('read', path, error)
  }
}

/** By doing it: what permissions, quotas and mounts together amount to, nothing else can tell. */
async function tryToWrite(file: string, path: string): Promise<void> {
  const probe = `${file}.${randomUUID()}${temporaryEnding}`
  try {
    await (await open(probe, 'wx', 0o600)).close()
    await unlink(probe)
  } catch (error) {
    throw cannot('write into the folder of', path, error)
  }
}

async function clearAway(file: string): Promise<void> {
  const folder = dirname(file)
  for (const name of await readdir(folder).catch(() => [])) {
    if (!name.startsWith(`${basename(file)}.`) || !name.endsWith(temporaryEnding)) continue
    const left = join(folder, name)
    const isAbandoned = await stat(left).then(
      ({ mtimeMs }) => Date.now() - mtimeMs > abandonedMs,
      () => false,
    )
    if (isAbandoned) await unlink(left).catch(() => {})
  }
}

function cannot(doing: string, path: string, error: unknown): TokenStoreError {
  const code = codeOf(error)
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'it does not exist; make it, for the user that runs bearerd',
    ENOTDIR: 'a part of its path is not a folder; correct "token_store.file.path"',
    EACCES: 'permission denied; let the user that runs bearerd write there',
    EPERM: 'permission denied; let the user that runs bearerd own it',
    EROFS: 'the file system is read-only; name a file on another one under "token_store.file.path"',
    ENOSPC: 'the disk is full; make room',
    ELOOP: 'its symbolic links lead in a circle; correct "token_store.file.path"',
  }
  return new TokenStoreError(`cannot ${doing} the token store ${path}: ${reasons[code] ?? code}`, { cause: error })
}
