import { CompressionError } from './compression-error.ts'

/**
 * RFC 7541 Appendix B: the bits of the code of each byte, and of the end. The code is canonical (5.2): shorter codes come first, and
 * of one length those of smaller symbols, so that the lengths say everything.
 */
// prettier-ignore
const codeBits: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28,
  28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23,
  23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22,
  23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21,
  26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27,
  27, 28, 27, 27, 27, 27, 27, 26, 30,
]

const end = 256

/** Two entries for each inner node of the code's tree: where 0 and 1 lead, to a node (from 1 on), or to a symbol (below 0). */
const tree = plant()

function plant(): Int16Array {
  const nodes = new Int16Array(2 * codeBits.length)
  let last = 0
  let code = 0
  let length = 0
  const symbols = codeBits.map((bits, symbol) => ({ bits, symbol })).sort((a, b) => a.bits - b.bits || a.symbol - b.symbol)
  for (const { bits, symbol } of symbols) {
    code *= 2 ** (bits - length)
    length = bits
    let node = 0
    for (let bit = bits - 1; bit > 0; bit--) {
      const at = 2 * node + ((code >>> bit) & 1)
      if (nodes[at] === 0) nodes[at] = ++last
      node = nodes[at] as number
    }
    nodes[2 * node + (code & 1)] = -1 - symbol
    code++
  }
  return nodes
}

/** A code has 5 bits at least. */
const bitsOfShortest = 5

/** Where decoded strings land: no block is larger than 64 KiB. */
const landing = Buffer.allocUnsafeSlow((64 * 1024 * 8) / bitsOfShortest + 1)

/**
 * Decodes a string.
 * @param bytes 64 KiB at most
 * @returns latin1: one character for each byte
 * @throws CompressionError when it holds the end, or is not filled up with its first bits (RFC 7541 5.2)
 */
export function decodeHuffman(bytes: Buffer): string {
  let length = 0
  let node = 0
  /** Bits since the last symbol, and whether all of them are 1. */
  let bits = 0
  let isFilling = true
  for (const byte of bytes) {
    for (let mask = 0x80; mask > 0; mask >>= 1) {
      const bit = (byte & mask) === 0 ? 0 : 1
      const next = tree[2 * node + bit] as number
      bits++
      isFilling &&= bit === 1
      if (next > 0) node = next
      else {
        const symbol = -1 - next
        if (symbol === end) throw new CompressionError('a string holds the end of strings')
        landing[length++] = symbol
        node = 0
        bits = 0
        isFilling = true
      }
    }
  }
  if (bits > 7 || !isFilling) throw new CompressionError('a string is filled up with what is no filling')
  return landing.toString('latin1', 0, length)
}
