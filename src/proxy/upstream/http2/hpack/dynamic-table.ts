/** What an entry counts beside its name and value (RFC 7541 4.1). */
export const entryOverhead = 32

/** The fields that the other side has told to remember (RFC 7541 2.3.2). */
export class DynamicTable {
  /** Name, value, name, value, ...; the newest last. */
  readonly #entries: string[] = []
  #bytes = 0
  #mostBytes: number

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  get count(): number {
    return this.#entries.length / 2
  }

  /** What the entries take up (RFC 7541 4.1). */
  get bytes(): number {
    return this.#bytes
  }

  /** @param nth from 1, the newest @returns undefined where there is none */
  name(nth: number): string | undefined {
    return this.#entries[this.#entries.length - 2 * nth]
  }

  /** @param nth from 1, the newest */
  value(nth: number): string | undefined {
    return this.#entries[this.#entries.length - 2 * nth + 1]
  }

  /** Adds an entry, for which older ones go. One that is larger than the table empties it, and is not added (RFC 7541 4.4). */
  add(name: string, value: string): void {
    this.#entries.push(name, value)
    this.#bytes += name.length + value.length + entryOverhead
    this.#evict()
  }

  /** Older entries go until the table is no larger (RFC 7541 4.3). */
  resize(mostBytes: number): void {
    this.#mostBytes = mostBytes
    this.#evict()
  }

  #evict(): void {
    let gone = 0
    while (this.#bytes > this.#mostBytes) {
      this.#bytes -= (this.#entries[gone] as string).length + (this.#entries[gone + 1] as string).length + entryOverhead
      gone += 2
    }
    if (gone > 0) this.#entries.splice(0, gone)
  }
}
