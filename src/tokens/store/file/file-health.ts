import type { StoreReports } from '../store-reports.ts'
import { codeOf } from './lock-file.ts'

type Trouble = 'read' | 'write' | 'answer'

/** Whether the file store works, and the one log line each time that changes. */
export class FileHealth {
  readonly #path: string
  readonly #reports: StoreReports
  readonly #troubles = new Set<Trouble>()

  /** @param path as configured, for log lines */
  constructor(path: string, reports: StoreReports) {
    this.#path = path
    this.#reports = reports
    reports.onUp('file', true)
  }

  /** Whether the disk has taken longer than anybody waits, and is still at it. */
  get isHanging(): boolean {
    return this.#troubles.has('answer')
  }

  canRead(): void {
    this.#end('read')
    this.#end('answer')
  }

  cannotRead(error: unknown): void {
    this.#end('answer')
    this.#begin('read', codeOf(error))
  }

  /** Whatever is written was read before. */
  canWrite(): void {
    this.canRead()
    this.#end('write')
  }

  cannotWrite(error: unknown): void {
    const code = codeOf(error)
    this.#begin('write', code === 'EEXIST' ? 'locked' : code)
  }

  hangs(): void {
    this.#begin('answer', 'timeout')
  }

  noteBroken(): void {
    this.#reports.log.warn(
      { store: 'file', path: this.#path },
      'the token store is not a file that bearerd wrote, or was cut; it is kept aside when the next token is kept',
    )
  }

  noteSetAside(path: string): void {
    this.#reports.log.warn({ store: 'file', path }, 'the token store could not be read; it was kept aside and begun anew')
  }

  noteUnreadableEntry(): void {
    this.#reports.log.warn(
      { store: 'file', path: this.#path },
      'an entry of the token store cannot be read and counts for nothing; check "encryption_key" and "encryption_key_previous"',
    )
  }

  #begin(trouble: Trouble, code: string): void {
    const wasUp = this.#troubles.size === 0
    this.#troubles.add(trouble)
    if (!wasUp) return
    const does = `does not ${trouble === 'answer' ? 'answer' : `let itself be ${trouble === 'read' ? 'read' : 'written'}`}`
    this.#reports.onUp('file', false, `it ${does} (${code})`)
    this.#reports.log.warn(
      { store: 'file', path: this.#path, code },
      `the token store ${does}; tokens are kept in memory until it does`,
    )
  }

  #end(trouble: Trouble): void {
    if (!this.#troubles.delete(trouble) || this.#troubles.size > 0) return
    this.#reports.onUp('file', true)
    this.#reports.log.info({ store: 'file', path: this.#path }, 'the token store works again')
  }
}
