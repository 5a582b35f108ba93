import type { Screen } from '../command.ts'

/**
 * One line on a terminal that says what is under way, written over again and again, and gone in the end. It takes no escape codes;
 * without a terminal it says nothing.
 */
export class Progress {
  readonly #screen: Screen | undefined
  readonly #underWay = new Map<string, string>()
  #total = 0
  #done = 0
  #width = 0

  constructor(screen: Screen | undefined) {
    this.#screen = screen
  }

  /** So many things are to be done. */
  expect(total: number): void {
    this.#total = total
  }

  /** Something is under way. @param step what of it */
  show(name: string, step: string): void {
    this.#underWay.set(name, step)
    this.#draw()
  }

  /** Something is done. */
  done(name: string): void {
    this.#underWay.delete(name)
    this.#done++
    this.#draw()
  }

  /** Leaves the line to something else; what comes next is drawn anew. */
  clear(): void {
    if (this.#width > 0) this.#screen?.write?.(`\r${' '.repeat(this.#width)}\r`)
    this.#width = 0
  }

  #draw(): void {
    if (this.#screen?.write === undefined) return
    const names = [...this.#underWay].map(([name, step]) => `${name} (${step})`).join(', ')
    // One less than fits: some terminals begin a new line when the last column is written to.
    const text = `${this.#done} of ${this.#total} done${names === '' ? '' : `; ${names}`}`.slice(
      0,
      Math.max(this.#screen.columns - 1, 0),
    )
    this.#screen.write(`\r${text.padEnd(this.#width)}`)
    this.#width = Math.max(text.length, this.#width)
  }
}
