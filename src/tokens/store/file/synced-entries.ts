import type { Clock } from '../../clock.ts'
import type { EntryFile, Stamp } from './entry-file.ts'
import type { FileHealth } from './file-health.ts'
import type { SealedEntries, SealedEntry } from './file-text.ts'

/** What becomes of an entry that another process has changed as well. */
export type Merge = (theirs: SealedEntry | undefined) => SealedEntry | undefined

/** A change that is not in the file yet. */
interface Change {
  /** What was in the file when it was made. */
  readonly base: SealedEntry | undefined
  readonly mine: SealedEntry | undefined
  readonly merge: Merge
}

/** What synced entries are made of. */
export interface SyncedEntriesParts {
  readonly file: EntryFile
  readonly clock: Clock
  readonly health: FileHealth
  /** Leaves out what is not to be kept any longer. */
  readonly prune: (entries: SealedEntries) => SealedEntries
  /** Changes remembered at a time while they cannot be written. */
  readonly maxChanges: number
}

const firstRetryMs = 1_000
const longestRetryMs = 30_000

/**
 * The entries of the file, as this process sees them. They are changed in memory at once and written behind it, so that no
 * trouble with the disk stops anybody: what could not be written is tried again, and merged with what others wrote meanwhile.
 */
export class SyncedEntries {
  readonly #parts: SyncedEntriesParts
  #view: Map<string, SealedEntry> = new Map()
  readonly #changes = new Map<string, Change>()
  /** Of the file that the view shows. */
  #stamp: Stamp | undefined
  /** Counts the writes, so that a look at the file from before one does not undo it. */
  #writes = 0
  #look: Promise<void> | undefined
  #write: Promise<boolean> | undefined
  #nextWrite: Promise<boolean> | undefined
  #retryMs = firstRetryMs
  #cancelRetry: (() => void) | undefined
  #isClosed = false

  constructor(parts: SyncedEntriesParts) {
    this.#parts = parts
  }

  get(name: string): SealedEntry | undefined {
    return this.#view.get(name)
  }

  /**
   * Changes an entry, and has it written.
   * @param mine undefined removes it
   */
  change(name: string, mine: SealedEntry | undefined, merge: Merge): void {
    const earlier = this.#changes.get(name)
    const base = earlier === undefined ? this.#view.get(name) : earlier.base
    this.#changes.delete(name)
    this.#changes.set(name, { base, mine, merge })
    put(this.#view, name, mine)
    if (this.#changes.size > this.#parts.maxChanges) this.#bound()
    void this.#requestWrite()
  }

  /** Sees what others have written. */
  async catchUp(): Promise<void> {
    this.#look ??= this.#lookAtFile().finally(() => (this.#look = undefined))
    await this.#look
  }

  /** Writes what is not written yet. @returns whether that has worked */
  async saved(): Promise<boolean> {
    return this.#changes.size === 0 || (await this.#requestWrite())
  }

  /** What is changed from now on is still written, but not tried again. */
  close(): void {
    this.#isClosed = true
    this.#cancelRetry?.()
  }

  async #lookAtFile(): Promise<void> {
    const writes = this.#writes
    try {
      const content = await this.#parts.file.read(this.#stamp)
      this.#parts.health.canRead()
      if (writes !== this.#writes || content.state === 'same') return
      this.#stamp = content.state === 'missing' ? undefined : content.stamp
      if (content.state === 'read') this.#show(content.entries)
      if (content.state === 'broken') this.#parts.health.noteBroken()
      // Somebody has removed the file: what was in it is put back, or the trouble found out.
      if (content.state === 'missing' && this.#view.size > 0) void this.#requestWrite()
    } catch (error) {
      this.#parts.health.cannotRead(error)
    }
  }

  /** Takes over what is in the file; what is not written yet comes on top. */
  #show(entries: SealedEntries): void {
    const view = new Map<string, SealedEntry>()
    for (const [name, entry] of entries) {
      const known = this.#view.get(name)
      view.set(name, known?.sealed === entry.sealed ? known : entry)
    }
    for (const [name, { mine }] of this.#changes) put(view, name, mine)
    this.#view = view
  }

  /** One write at a time. Who asks while one is under way means the next one, which has their changes in it. */
  #requestWrite(): Promise<boolean> {
    if (this.#write === undefined) return this.#startWrite()
    this.#nextWrite ??= this.#write.then(() => {
      this.#nextWrite = undefined
      return this.#write ?? this.#startWrite()
    })
    return this.#nextWrite
  }

  #startWrite(): Promise<boolean> {
    this.#cancelRetry?.()
    const write = this.#writeFile().finally(() => (this.#write = undefined))
    this.#write = write
    return write
  }

  async #writeFile(): Promise<boolean> {
    const changes = new Map(this.#changes)
    try {
      const { stamp, written, setAside } = await this.#parts.file.update((present) =>
        this.#parts.prune(merged(present ?? this.#view, changes)),
      )
      this.#writes++
      this.#stamp = stamp
      this.#settle(changes, written)
      if (setAside !== undefined) this.#parts.health.noteSetAside(setAside)
      this.#parts.health.canWrite()
      this.#retryMs = firstRetryMs
      return true
    } catch (error) {
      this.#parts.health.cannotWrite(error)
      this.#retryLater()
      return false
    }
  }

  /** Takes note that changes are in the file now. */
  #settle(changes: ReadonlyMap<string, Change>, written: SealedEntries): void {
    for (const [name, change] of changes) {
      const now = this.#changes.get(name)
      if (now === change) this.#changes.delete(name)
      else if (now !== undefined) this.#changes.set(name, { ...now, base: written.get(name) })
    }
    this.#show(written)
  }

  #retryLater(): void {
    if (this.#isClosed) return
    this.#cancelRetry = this.#parts.clock.after(this.#retryMs, () => void this.#requestWrite())
    this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
  }

  /** While nothing can be written, memory stays bounded. */
  #bound(): void {
    this.#view = new Map(this.#parts.prune(this.#view))
    for (const name of this.#changes.keys()) {
      if (this.#changes.size <= this.#parts.maxChanges) break
      this.#changes.delete(name)
    }
  }
}

function merged(present: SealedEntries, changes: ReadonlyMap<string, Change>): SealedEntries {
  const entries = new Map(present)
  for (const [name, { base, mine, merge }] of changes) {
    const theirs = present.get(name)
    const isOurs = theirs?.sealed === base?.sealed || theirs?.sealed === mine?.sealed
    put(entries, name, isOurs ? mine : merge(theirs))
  }
  return entries
}

function put(entries: Map<string, SealedEntry>, name: string, entry: SealedEntry | undefined): void {
  if (entry === undefined) entries.delete(name)
  else entries.set(name, entry)
}
