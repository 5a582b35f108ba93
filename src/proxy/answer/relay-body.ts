import type { Exchange } from '../caller/exchange.ts'
import { isHopByHop } from '../message/hop-by-hop.ts'
import { Watchdog } from '../message/watchdog.ts'
import type { Answer } from '../upstream/answer.ts'
import type { AnswerBody, AnswerSink } from '../upstream/http1/answer-body.ts'
import { givePieceBack } from '../upstream/http1/piece-memory.ts'
import { brokenAnswer } from '../upstream/upstream-error.ts'

/** How long either side may take. */
export interface RelayTimeouts {
  /** Between two pieces of the upstream's answer, in milliseconds. */
  readonly upstreamIdleMs: number
  /** How long the caller may take to read a piece, in milliseconds. */
  readonly callerIdleMs: number
}

const nothing = Buffer.alloc(0)

/** Up to here an answer that is there as a whole leaves in one piece with its head, which as a string costs no second buffer. */
const smallBody = 16 * 1024

/**
 * Relays an answer's head and body to the caller, with backpressure, and releases the answer. One that ends early, or a caller that
 * leaves, breaks the other side's connection off: never a complete-looking cut answer.
 * @param fields of the answer to the caller; name, value, name, value, ...
 * @returns once the caller has all of it, or nobody is left to take it or to give it
 * @throws GatewayError `upstream_reset` or `upstream_invalid` when the answer broke before anything of it was relayed
 */
export function relayBody(
  exchange: Exchange,
  answer: Answer,
  fields: string[],
  sendsTrailers: boolean,
  timeouts: RelayTimeouts,
): Promise<void> {
  // It broke while it was held; nothing of it has reached the caller.
  if (answer.body.isBroken) throw brokenAnswer(answer.body.error)
  exchange.response.writeHead(answer.status, answer.reason, fields)
  return new Promise((resolve) => new Relay(exchange, answer, sendsTrailers, timeouts, resolve).start())
}

/** One body on its way from the upstream to the caller. */
class Relay implements AnswerSink {
  readonly #exchange: Exchange
  readonly #answer: Answer
  readonly #body: AnswerBody
  readonly #sendsTrailers: boolean
  readonly #timeouts: RelayTimeouts
  readonly #onEnd: () => void
  readonly #watchdog = new Watchdog(() => this.#finish(false))
  #isHeadSent = false
  #isFinished = false

  constructor(exchange: Exchange, answer: Answer, sendsTrailers: boolean, timeouts: RelayTimeouts, onEnd: () => void) {
    this.#exchange = exchange
    this.#answer = answer
    this.#body = answer.body
    this.#sendsTrailers = sendsTrailers
    this.#timeouts = timeouts
    this.#onEnd = onEnd
  }

  start(): void {
    this.#exchange.onGone = () => this.#finish(false)
    if (this.#body.isComplete && !this.#sendsTrailers && this.#body.heldBytes <= smallBody) {
      this.#end(this.#body.take())
      return
    }
    const { response } = this.#exchange
    response.on('drain', () => {
      this.#watchdog.arm(this.#timeouts.upstreamIdleMs)
      this.#body.resume()
    })
    this.#watchdog.arm(this.#timeouts.upstreamIdleMs)
    this.#body.flowTo(this)
    // The platform sends the head with the first piece. Events may be a long time coming, so an early head goes alone.
    // (`flushHeaders` would turn bytes over 0x7f in fields into UTF-8; an empty Buffer does not.)
    if (this.#isHeadSent) return
    setImmediate(() => {
      if (!this.#isFinished && !this.#isHeadSent && !response.writableEnded) response.write(nothing)
    })
  }

  write(piece: Buffer): boolean {
    this.#isHeadSent = true
    const isRoom = this.#exchange.response.write(piece, (error) => {
      // After an error nobody knows who still holds it.
      if (error === undefined || error === null) givePieceBack(piece)
    })
    this.#watchdog.arm(isRoom ? this.#timeouts.upstreamIdleMs : this.#timeouts.callerIdleMs)
    return isRoom
  }

  end(): void {
    const trailers = this.#sendsTrailers ? trailersOf(this.#body) : []
    if (trailers.length > 0) this.#exchange.response.addTrailers(trailers)
    this.#end(nothing)
  }

  fail(): void {
    this.#finish(false)
  }

  #end(last: Buffer): void {
    const { response } = this.#exchange
    const onFlushed = (): void => this.#finish(true)
    if (last.length === 0) response.end(onFlushed)
    else {
      response.end(last.toString('latin1'), 'latin1', onFlushed)
      givePieceBack(last)
    }
    // The caller has this long to take the last piece.
    if (!this.#isFinished) this.#watchdog.arm(this.#timeouts.callerIdleMs)
  }

  #finish(isWhole: boolean): void {
    if (this.#isFinished) return
    this.#isFinished = true
    this.#watchdog.stop()
    // Without this the caller would see a clean end: of a chunked answer its last chunk, of a delimited one a closed connection.
    if (!isWhole) {
      breakOff(this.#exchange, this.#body)
      if (!this.#exchange.isGone) this.#exchange.error ??= 'upstream_reset'
    }
    this.#answer.release()
    this.#onEnd()
  }
}

/** RFC 9110 6.5.1: trailers must not carry what concerns framing, routing or credentials. */
function trailersOf({ trailers: received }: AnswerBody): [string, string][] {
  const trailers: [string, string][] = []
  for (let index = 0; index < received.length; index += 2) {
    const name = received[index] as string
    if (!isHopByHop(name.toLowerCase()) && !forbiddenTrailers.has(name.toLowerCase()))
      trailers.push([name, received[index + 1] as string])
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
