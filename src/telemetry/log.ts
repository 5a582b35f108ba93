import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'
import { isoTime } from './iso-time.ts'
import { LineWriter } from './line-writer.ts'

/**
 * The log: one JSON line per event. Nothing that may hold a secret is ever passed to it (headers, bodies, query strings,
 * URLs of callers); secrets themselves are a type that cannot print itself.
 */
export type Log = Logger

/**
 * Makes the log.
 * @param destination where the lines go; standard output by default, where container platforms look for them
 * @param level pino's levels; `info` includes the access log
 * @param isShared whether other processes write to the same standard output
 */
export function createLog(destination?: DestinationStream, level = 'info', { isShared = false } = {}): Log {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${isoTime(Date.now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    messageKey: 'message',
  }
  return pino(options, destination ?? standardOutput(isShared))
}

/** Makes a log that nobody reads, for commands that say everything themselves. */
export function createSilentLog(): Log {
  return createLog({ write: () => {} }, 'silent')
}

/** Up to here the system writes to a pipe in one piece, whoever else does (PIPE_BUF of Linux). */
const wholeBytes = 4_096

/** More is not kept for whoever reads the log too slowly. */
const mostWaitingBytes = 16 * 1_048_576

const always = { longestDelayMs: 100, mostWaitingBytes, lossLine }
const alone = { ...always, enoughBytes: 8_192, mostBytes: 16_384 }
const shared = { ...always, enoughBytes: wholeBytes / 2, mostBytes: wholeBytes }

/**
 * Written in the background, because whoever reads the log slowly must not hold up requests, and in blocks, because a system call
 * for each line costs a tenth of a request.
 */
function standardOutput(isShared: boolean): DestinationStream {
  const writer = new LineWriter(1, isShared ? shared : alone)
  process.on('exit', () => writer.flushSync())
  return writer
}

/** In the shape of the log's lines, but not by way of pino, which would come back to the writer in the middle of its work. */
function lossLine(lost: number): string {
  const message = 'lines of the log are lost here: they could not be written as fast as they came'
  return `${JSON.stringify({ level: 'warn', time: isoTime(Date.now()), lost, message })}\n`
}
