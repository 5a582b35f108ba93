import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { isoTime } from './iso-time.ts'

/**
 * The log: one JSON line per event. Nothing that may hold a secret is ever passed to it (headers, bodies, query strings,
 * URLs of callers); secrets themselves are a type that cannot print itself.
 */
export type Log = Logger

/**
 * Makes the log.
 * @param destination where the lines go; standard output by default, where container platforms look for them
 * @param level pino's levels; `info` includes the access log
 */
export function createLog(destination?: DestinationStream, level = 'info'): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${isoTime(Date.now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
  }
  return pino(options, destination ?? standardOutput())
}

/** So many bytes are written at a time, and what is there after so many milliseconds. */
const blockBytes = 8_192
const longestDelayMs = 100

/**
 * Written in the background, because whoever reads the log slowly must not hold up requests, and in blocks, because a system call
 * for each line costs a tenth of a request.
 */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ fd: 1, sync: false, minLength: blockBytes, periodicFlush: longestDelayMs })
  process.on('exit', () => stream.flushSync())
  return stream
}
