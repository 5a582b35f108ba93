import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What is known of a received body once it has been read to its end. */
export interface ReceivedBody {
  /** Its length, all of it. */
  readonly bytes: number
  /** The body itself; undefined when it was longer than what the reader wanted to keep. */
  readonly content: Buffer<ArrayBuffer> | undefined
  /** In hex; undefined when nobody asked. */
  readonly sha256: string | undefined
}

/**
 * Reads a body to its end, whatever its length, in flat memory: at most `keepBytes` of it are held.
 * @throws when the connection ends before the body does.
 */
export async function readBody(request: IncomingMessage, keepBytes: number, wantsHash = false): Promise<ReceivedBody> {
  const hash = wantsHash ? createHash('sha256') : undefined
  const kept: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    hash?.update(chunk)
    if (bytes <= keepBytes) kept.push(chunk)
    else kept.length = 0
  }
  return { bytes, content: bytes <= keepBytes ? Buffer.concat(kept) : undefined, sha256: hash?.digest('hex') }
}

/** The JSON value in some bytes; undefined when they hold none. */
export function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** Whether a parsed JSON value is an object. */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
