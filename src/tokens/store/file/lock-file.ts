import { open, stat, unlink } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/** A writer needs milliseconds: a lock this old was left behind by one that was killed. */
const staleMs = 5_000
const tryEveryMs = 10
/** Long enough to outlive a lock that was left behind. */
const patienceMs = staleMs + 1_000

/**
 * Does something while no other process does it.
 * @param path of the lock file: who makes it has the lock
 * @throws the file system's error; EEXIST when others never let go
 */
export async function withLockFile<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  await take(path)
  try {
    return await work()
  } finally {
    await unlink(path).catch(() => {})
  }
}

async function take(path: string): Promise<void> {
  const startedMs = performance.now()
  for (;;) {
    try {
      const handle = await open(path, 'wx', 0o600)
      await handle.close()
      return
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error
      if (await isStale(path)) await unlink(path).catch(() => {})
      else if (performance.now() - startedMs > patienceMs) throw error
      else await sleep(tryEveryMs)
    }
  }
}

/** The times of files are the machine's, whatever clock the tokens go by. One from the future is no younger than one from the past. */
async function isStale(path: string): Promise<boolean> {
  const times = await stat(path).catch(() => undefined)
  return times !== undefined && Math.abs(Date.now() - times.mtimeMs) > staleMs
}

/** The code of a file system's error. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
}
