import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { withinTime } from './time-limit.ts'

/** What is asked for. */
export interface HeadRequest {
  /** For Host. */
  readonly authority: string
  readonly path: string
  readonly userAgent: string
}

/** What the head of an answer says that anybody may know. */
export interface AnsweredHead {
  readonly status: number
  /** The field Date (RFC 9110 6.6.1), as it came; undefined also in an answer from a cache, where it is old (RFC 9111 5.1). */
  readonly date: string | undefined
}

/**
 * Sends HEAD, which changes nothing (RFC 9110 9.2.1), over a connection that is established, and ends the connection.
 * @param limitMs milliseconds until the answer's head has to be there
 * @throws the platform's error, or TimeLimitError
 */
export async function askHead(
  socket: Socket,
  { authority, path, userAgent }: HeadRequest,
  limitMs: number,
): Promise<AnsweredHead> {
  const { promise, resolve, reject } = Promise.withResolvers<AnsweredHead>()
  const asked = request({
    method: 'HEAD',
    path,
    createConnection: () => socket,
    setHost: false,
    headers: { Host: authority, 'User-Agent': userAgent, Accept: '*/*', Connection: 'close' },
  })
  const answered = ({ statusCode = 0, headers }: IncomingMessage): void =>
    resolve({ status: statusCode, date: headers.age === undefined ? headers.date : undefined })
  asked.on('response', answered)
  // Nobody asked for another protocol; that one is offered all the same is an answer.
  asked.on('upgrade', answered)
  asked.on('error', reject)
  asked.end()
  try {
    return await withinTime(promise, limitMs)
  } finally {
    socket.destroy()
  }
}
