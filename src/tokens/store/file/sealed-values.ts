import type { Clock } from '../../clock.ts'
import type { Sealing } from '../sealing.ts'
import type { FileHealth } from './file-health.ts'
import type { SealedEntry } from './file-text.ts'
import type { SyncedEntries } from './synced-entries.ts'

/** What is kept; the names of entries begin with it, so that each kind is bounded for itself. */
export type Kind = 'token' | 'grant' | 'budget'

/** What an entry holds, and when this process first saw it, by both clocks. */
export interface OpenedValue<Value> {
  readonly value: Value
  readonly seenAtMs: number
  readonly seenAtEpochMs: number
}

/** How values of a kind are written as text. */
export interface Writing<Value> {
  readonly kind: Kind
  readonly toText: (value: Value) => string
  /** @returns undefined when the text is no such value */
  readonly parse: (text: string) => Value | undefined
}

/** The values in the file, sealed each for itself; what does not open is not there. */
export class SealedValues {
  readonly #entries: SyncedEntries
  readonly #sealing: Sealing
  readonly #clock: Clock
  readonly #health: FileHealth
  /** What was opened already: an entry is never changed, only replaced. */
  readonly #opened = new WeakMap<SealedEntry, OpenedValue<unknown> | 'unreadable'>()

  constructor(entries: SyncedEntries, sealing: Sealing, clock: Clock, health: FileHealth) {
    this.#entries = entries
    this.#sealing = sealing
    this.#clock = clock
    this.#health = health
  }

  /** @returns the same object as long as the entry is the same */
  get<Value>(writing: Writing<Value>, digest: string): OpenedValue<Value> | undefined {
    for (const name of this.#names(writing.kind, digest)) {
      const opened = this.#open(writing, name, this.#entries.get(name))
      if (opened !== undefined) return opened
    }
    return undefined
  }

  /**
   * Keeps a value under the current key.
   * @param resolve says what is kept when another process has changed the entry as well
   */
  put<Value>(
    writing: Writing<Value>,
    digest: string,
    value: Value,
    expiresAtEpochMs: number,
    resolve: (theirs: Value | undefined) => Value | undefined,
  ): void {
    const [name = '', ...formerNames] = this.#names(writing.kind, digest)
    this.#entries.change(name, this.#seal(writing, name, value, expiresAtEpochMs), (theirs) => {
      const opened = this.#open(writing, name, theirs)?.value
      const resolved = resolve(opened)
      if (resolved === undefined || resolved === opened) return theirs
      return this.#seal(writing, name, resolved, Math.max(expiresAtEpochMs, theirs?.expiresAtEpochMs ?? 0))
    })
    for (const former of formerNames) {
      if (this.#entries.get(former) !== undefined) this.#entries.change(former, undefined, () => undefined)
    }
  }

  /** Removes the value for which this holds. */
  remove<Value>(writing: Writing<Value>, digest: string, isMeant: (value: Value) => boolean): void {
    for (const name of this.#names(writing.kind, digest)) {
      const holdsIt = (entry: SealedEntry | undefined): boolean => {
        const opened = this.#open(writing, name, entry)
        return opened !== undefined && isMeant(opened.value)
      }
      if (!holdsIt(this.#entries.get(name))) continue
      this.#entries.change(name, undefined, (theirs) => (holdsIt(theirs) ? undefined : theirs))
    }
  }

  /** The current name first. */
  #names(kind: Kind, digest: string): readonly string[] {
    return [this.#sealing.nameOf(digest), ...this.#sealing.formerNamesOf(digest)].map((name) => `${kind}:${name}`)
  }

  #seal<Value>({ toText }: Writing<Value>, name: string, value: Value, expiresAtEpochMs: number): SealedEntry {
    const entry = { sealed: this.#sealing.seal(name, toText(value)), expiresAtEpochMs }
    this.#remember(entry, value)
    return entry
  }

  #open<Value>({ parse }: Writing<Value>, name: string, entry: SealedEntry | undefined): OpenedValue<Value> | undefined {
    if (entry === undefined) return undefined
    const opened = this.#opened.get(entry)
    // A name has one kind, so what was opened under it is of that kind.
    if (opened !== undefined) return opened === 'unreadable' ? undefined : (opened as OpenedValue<Value>)
    const text = this.#sealing.open(name, entry.sealed)
    const value = text === undefined ? undefined : parse(text)
    if (value !== undefined) return this.#remember(entry, value)
    this.#opened.set(entry, 'unreadable')
    this.#health.noteUnreadableEntry()
    return undefined
  }

  #remember<Value>(entry: SealedEntry, value: Value): OpenedValue<Value> {
    const opened = { value, seenAtMs: this.#clock.nowMs(), seenAtEpochMs: this.#clock.epochMs() }
    this.#opened.set(entry, opened)
    return opened
  }
}
