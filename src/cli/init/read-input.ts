import { OperationError } from '../command.ts'

/** Longer than any call that documentation shows. */
const longestBytes = 256 * 1024

/**
 * Reads the standard input to its end.
 * @throws OperationError when it is too long
 */
export async function readInput(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > longestBytes) throw new OperationError('the standard input is longer than any call of curl')
    chunks.push(buffer)
  }
  return Buffer.concat(chunks).toString()
}
