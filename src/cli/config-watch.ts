import { createHash } from 'node:crypto'
import { readFileSync, watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'
import { dirname } from 'node:path'

/** A saved file is often written in several steps. */
const settleMs = 200
/** Where the system does not tell of changes (network file systems), or has lost the folder that it watched. */
const lookMs = 5_000

/**
 * Watches what a file says, whoever replaces it and how: written in place, renamed over it, or by the symbolic links that
 * Kubernetes swaps. Only what has changed is told, and a file that is gone has not.
 * @param onChange told when the file says something else than when it was taken last, or than at the start; says whether it has been
 * taken. What has not is offered again: what it lacks may come a moment later, as a secret of its own
 * @returns a function that ends the watch
 */
export function watchConfig(file: string, onChange: () => Promise<boolean>): () => void {
  let last = digestOf(file)
  let watcher: FSWatcher | undefined
  let settling: NodeJS.Timeout | undefined
  const look = (): void => {
    const digest = digestOf(file)
    if (digest === undefined || digest === last) return
    void onChange().then((isTaken) => {
      if (isTaken) last = digest
    })
  }
  const lookSoon = (): void => {
    clearTimeout(settling)
    settling = setTimeout(look, settleMs).unref()
  }
  const listen = (): void => {
    try {
      // The folder: a file that is renamed over another takes the watch of the old one with it.
      watcher = watch(dirname(file), { persistent: false }, lookSoon)
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      watcher = undefined
    }
  }
  listen()
  const looking = setInterval(() => {
    if (watcher === undefined) listen()
    look()
  }, lookMs).unref()

  return () => {
    watcher?.close()
    clearTimeout(settling)
    clearInterval(looking)
  }
}

function digestOf(file: string): string | undefined {
  try {
    return createHash('sha256').update(readFileSync(file)).digest('hex')
  } catch {
    return undefined
  }
}
