import type { IncomingMessage } from 'node:http'

/** What is read at most of a request that has its answer already. */
const largestRestBytes = 16 * 1024 ** 2
const longestPauseMs = 5_000
/** All in all: who is refused must not hold a connection by sending a byte now and then. */
const longestMs = 10_000

/**
 * Reads and forgets the rest of a request that was answered early, so that its caller comes to reading the answer: closing at
 * once would reset the connection and take the answer with it (RFC 9112 9.6).
 * @returns whether the request came to its end, so that the connection can go on
 */
export function discardRest(request: IncomingMessage): Promise<boolean> {
  if (request.complete || request.destroyed) return Promise.resolve(request.complete)
  return new Promise((resolve) => {
    let left = largestRestBytes
    const finish = (): void => {
      clearTimeout(timer)
      clearTimeout(deadline)
      request.socket.off('close', finish)
      resolve(request.complete)
    }
    const timer = setTimeout(finish, longestPauseMs)
    const deadline = setTimeout(finish, longestMs)
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) finish()
      else timer.refresh()
    })
    request.on('end', finish).on('close', finish).on('error', finish)
    // After its answer has gone out the platform tells a request nothing any more.
    request.socket.once('close', finish)
    request.resume()
  })
}
