import { errorCodes } from './http2-error.ts'
import type { ErrorName } from './http2-error.ts'

/** RFC 9113 6. */
export const frameType = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** RFC 9113 6.1, 6.2, 6.5, 6.7. */
export const flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const

/** RFC 9113 6.5.2. */
export const setting = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
} as const

/** The largest frame that everybody takes (RFC 9113 6.5.2); we send and take none that is larger. */
export const largestFrame = 16_384

/** The size of both windows before anybody has said anything (RFC 9113 6.9.2). */
export const initialWindow = 65_535

/** RFC 9113 6.9.1. */
export const largestWindow = 2 ** 31 - 1

/** RFC 9113 3.4. */
export const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** The nine bytes in front of a frame (RFC 9113 4.1), as all of what follows with a character for each byte. */
export function frameHead(length: number, type: number, flags: number, stream: number): string {
  return `${String.fromCharCode((length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff, type, flags)}${number32(stream)}`
}

/** RFC 9113 6.4. */
export function resetFrame(stream: number, code: ErrorName): string {
  return `${frameHead(4, frameType.reset, 0, stream)}${number32(errorCodes.indexOf(code))}`
}

/** RFC 9113 6.5. @param settings identifier, value, identifier, value, ... */
export function settingsFrame(settings: readonly number[]): string {
  let payload = ''
  for (let index = 0; index < settings.length; index += 2)
    payload += `\0${String.fromCharCode(settings[index] as number)}${number32(settings[index + 1] as number)}`
  return `${frameHead(payload.length, frameType.settings, 0, 0)}${payload}`
}

/** RFC 9113 6.5.3. */
export const settingsAck = frameHead(0, frameType.settings, flag.ack, 0)

/** RFC 9113 6.7. @param data 8 bytes */
export function pingFrame(flags: number, data: string): string {
  return `${frameHead(8, frameType.ping, flags, 0)}${data}`
}

/** RFC 9113 6.8: the upstream starts no streams, so the last of them is always 0. */
export function goawayFrame(code: ErrorName): string {
  return `${frameHead(8, frameType.goaway, 0, 0)}${number32(0)}${number32(errorCodes.indexOf(code))}`
}

/** RFC 9113 6.9. */
export function windowUpdateFrame(stream: number, increment: number): string {
  return `${frameHead(4, frameType.windowUpdate, 0, stream)}${number32(increment)}`
}

/** RFC 9113 6.2, 6.10: a block in as many frames as it needs. */
export function headersFrames(stream: number, block: string, isEnd: boolean): string {
  const endStream = isEnd ? flag.endStream : 0
  if (block.length <= largestFrame)
    return `${frameHead(block.length, frameType.headers, flag.endHeaders | endStream, stream)}${block}`
  let frames = `${frameHead(largestFrame, frameType.headers, endStream, stream)}${block.slice(0, largestFrame)}`
  for (let at = largestFrame; at < block.length; at += largestFrame) {
    const part = block.slice(at, at + largestFrame)
    const isLast = at + largestFrame >= block.length
    frames += `${frameHead(part.length, frameType.continuation, isLast ? flag.endHeaders : 0, stream)}${part}`
  }
  return frames
}

function number32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)
}
