import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

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
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
  }
  return pino(options, destination ?? standardOutput())
}

/** Written in the background: whoever reads the log slowly must not hold up requests. */
function standardOutput(): DestinationStream {
  const stream = pino.destination({ fd: 1, sync: false })
  process.on('exit', () => stream.flushSync())
  return stream
}
