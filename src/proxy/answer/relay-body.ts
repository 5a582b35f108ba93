import type { Exchange } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { isHopByHop } from '../message/hop-by-hop.ts'
import type { Answer, AnswerBody } from '../upstream/answer.ts'
import { Watchdog } from '../message/watchdog.ts'

/** How long either side may take. */
export interface RelayTimeouts {
  /** Between two pieces of the upstream's answer, in milliseconds. */
  readonly upstreamIdleMs: number
  /** How long the caller may take to read a piece, in milliseconds. */
  readonly callerIdleMs: number
}

const nothing = Buffer.alloc(0)

/**
 * Relays an answer's head and body to the caller, with backpressure. An answer that ends early, or a caller that leaves, breaks
 * the other side's connection off: never a complete-looking cut answer.
 * @param fields of the answer to the caller; name, value, name, value, ...
 * @returns whether the answer came to its end
 * @throws GatewayError `upstream_reset` when the answer broke before anything of it was relayed
 */
export async function relayBody(
  exchange: Exchange,
  answer: Answer,
  fields: string[],
  sendsTrailers: boolean,
  timeouts: RelayTimeouts,
): Promise<boolean> {
  const { response } = exchange
  const { body } = answer
  if (body.destroyed && !body.complete) {
    // It broke while it was held; nothing of it has reached the caller.
    throw new GatewayError('upstream_reset', 'the upstream closed the connection within its answer')
  }
  response.writeHead(answer.status, answer.reason, fields)
  return await new Promise((resolve) => {
    const watchdog = new Watchdog(() => {
      body.destroy()
      finish(false)
    })
    let isFinished = false
    const finish = (isComplete: boolean): void => {
      if (isFinished) return
      isFinished = true
      watchdog.stop()
      // Without this the caller would see a clean end: of a chunked answer its last chunk, of a delimited one a closed
      // connection.
      if (!isComplete) breakOff(exchange, body)
      resolve(isComplete)
    }
    exchange.onGone = () => finish(false)

    let isHeadSent = false
    body.on('data', (chunk: Buffer) => {
      isHeadSent = true
      if (response.write(chunk)) {
        watchdog.arm(timeouts.upstreamIdleMs)
      } else {
        body.pause()
        watchdog.arm(timeouts.callerIdleMs)
      }
    })
    response.on('drain', () => {
      watchdog.arm(timeouts.upstreamIdleMs)
      body.resume()
    })
    body.on('end', () => {
      if (!answer.isWhole()) {
        finish(false)
        return
      }
      const trailers = sendsTrailers ? trailersOf(body) : []
      if (trailers.length > 0) response.addTrailers(trailers)
      response.end(() => finish(true))
      // The caller has this long to take the last piece.
      watchdog.arm(timeouts.callerIdleMs)
    })
    body.on('error', () => finish(false))
    body.on('close', () => {
      if (!body.complete) finish(false)
    })

    watchdog.arm(timeouts.upstreamIdleMs)
    // The platform sends the head with the first piece. Events may be a long time coming, so an early head goes alone.
    // (`flushHeaders` would turn bytes over 0x7f in fields into UTF-8; an empty Buffer does not.)
    setImmediate(() => {
      if (!isFinished && !isHeadSent && !response.writableEnded) response.write(nothing)
    })
  })
}

/** RFC 9110 6.5.1: trailers must not carry what concerns framing, routing or credentials. */
function trailersOf({ rawTrailers }: AnswerBody): [string, string][] {
  const trailers: [string, string][] = []
  for (let index = 0; index < rawTrailers.length; index += 2) {
    const name = rawTrailers[index] as string
    if (!isHopByHop(name.toLowerCase()) && !forbiddenTrailers.has(name.toLowerCase()))
      trailers.push([name, rawTrailers[index + 1] as string])
  }
  return trailers
}

const forbiddenTrailers = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'host',
  'location',
  'set-cookie',
  'trailer',
])

function breakOff({ response, request }: Exchange, body: AnswerBody): void {
  body.destroy()
  const { socket } = request
  // A reset, because a plain close is the clean end of an answer that is delimited by it (HTTP/1.0 callers).
  if ('resetAndDestroy' in socket && !response.writableFinished && !socket.destroyed) socket.resetAndDestroy()
  else response.destroy()
}
