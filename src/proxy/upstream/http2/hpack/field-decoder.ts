import { CompressionError } from './compression-error.ts'
import { DynamicTable, entryOverhead } from './dynamic-table.ts'
import { decodeHuffman } from './huffman.ts'
import { staticEntries, staticTable } from './static-table.ts'

/** SETTINGS_HEADER_TABLE_SIZE, where it is not changed (RFC 9113 6.5.2): what the other side may have us remember. */
const mostTableBytes = 4_096

/** Numbers have up to so many bytes behind their first; the largest is below 2^28. */
const mostNumberBytes = 4

/** The fields of one block. */
export interface DecodedFields {
  /** Name, value, name, value, ...; latin1. */
  readonly fields: string[]
  /** There were more than allowed; what is beyond that is missing. */
  readonly isTooLarge: boolean
}

/** Decodes the blocks of one connection, in the order in which they come: each may refer to those before it (RFC 7541). */
export class FieldDecoder {
  readonly #table = new DynamicTable(mostTableBytes)
  readonly #mostBytes: number
  #block: Buffer = Buffer.alloc(0)
  #at = 0

  /** @param mostBytes what the fields of one block may take up, with 32 bytes for each field (RFC 9113 6.5.2) */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** What the table of this connection takes up. */
  get tableBytes(): number {
    return this.#table.bytes
  }

  /**
   * Decodes a block. Too many fields are decoded to their end, because the next block may refer to them, but not kept: a small block
   * can mean a large list.
   * @throws CompressionError after which the connection is of no use
   */
  decode(block: Buffer): DecodedFields {
    this.#block = block
    this.#at = 0
    const fields: string[] = []
    let bytes = 0
    while (this.#at < block.length) {
      const byte = block[this.#at] as number
      let name: string
      let value: string
      if (byte >= 0x80) {
        const index = this.#number(0x7f)
        name = this.#name(index)
        value =
          index > staticEntries ? (this.#table.value(index - staticEntries) as string) : (staticTable[2 * index - 1] as string)
      } else if ((byte & 0xe0) === 0x20) {
        // RFC 7541 4.2.
        if (fields.length > 0 || bytes > 0) throw new CompressionError('the table is resized behind a field')
        const size = this.#number(0x1f)
        if (size > mostTableBytes) throw new CompressionError(`the table is resized to ${size} bytes`)
        this.#table.resize(size)
        continue
      } else {
        const isRemembered = byte >= 0x40
        const index = this.#number(isRemembered ? 0x3f : 0x0f)
        name = index === 0 ? this.#string() : this.#name(index)
        value = this.#string()
        if (isRemembered) this.#table.add(name, value)
      }
      bytes += name.length + value.length + entryOverhead
      if (bytes <= this.#mostBytes) fields.push(name, value)
    }
    return { fields, isTooLarge: bytes > this.#mostBytes }
  }

  /** RFC 7541 2.3.3. */
  #name(index: number): string {
    const name = index > staticEntries ? this.#table.name(index - staticEntries) : staticTable[2 * index - 2]
    if (name === undefined) throw new CompressionError(`there is no entry ${index}`)
    return name
  }

  /** RFC 7541 5.1. @param prefix the bits of its first byte that belong to it */
  #number(prefix: number): number {
    let number = this.#byte() & prefix
    if (number < prefix) return number
    for (let shift = 0; shift < 7 * mostNumberBytes; shift += 7) {
      const byte = this.#byte()
      number += (byte & 0x7f) << shift
      if (byte < 0x80) return number
    }
    throw new CompressionError('a number is too large')
  }

  /** RFC 7541 5.2. */
  #string(): string {
    const isHuffman = ((this.#block[this.#at] ?? 0) & 0x80) !== 0
    const length = this.#number(0x7f)
    const start = this.#at
    this.#at += length
    if (this.#at > this.#block.length) throw new CompressionError('a string goes on behind its block')
    if (!isHuffman) return this.#block.toString('latin1', start, this.#at)
    return decodeHuffman(this.#block.subarray(start, this.#at))
  }

  #byte(): number {
    const byte = this.#block[this.#at++]
    if (byte === undefined) throw new CompressionError('the block ends within a field')
    return byte
  }
}
