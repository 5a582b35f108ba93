/** What one reading of a connection can bring. */
const blockBytes = 64 * 1024

/** Smaller pieces are not worth it: the platform makes them cheaply, and a block each would waste most of it. */
const smallPiece = 16 * 1024

/** So many unused blocks are kept: 4 MiB. */
const mostFree = 64

const free: Buffer[] = []
const lent = new WeakMap<ArrayBufferLike, Buffer>()

/**
 * Copies a piece of a body that is about to be overwritten. Large pieces come into blocks that are used again, because otherwise a
 * gateway with slow callers would hold as much garbage as it relays in a while.
 */
export function keepPiece(bytes: Buffer): Buffer {
  if (bytes.length < smallPiece || bytes.length > blockBytes) return Buffer.from(bytes)
  const block = free.pop() ?? Buffer.allocUnsafeSlow(blockBytes)
  bytes.copy(block)
  lent.set(block.buffer, block)
  return block.subarray(0, bytes.length)
}

/**
 * Takes back the memory of a piece that nobody will ever look at again: the system has it, not only a stream. A piece that is not
 * given back costs nothing but garbage, one that is given back too early would alter an answer.
 */
export function givePieceBack(piece: Buffer): void {
  const block = lent.get(piece.buffer)
  if (block === undefined) return
  // Once for each time that it is lent.
  lent.delete(piece.buffer)
  if (free.length < mostFree) free.push(block)
}
