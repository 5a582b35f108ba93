import { CallerGoneError } from '../caller/exchange.ts'
import type { Exchange } from '../caller/exchange.ts'
import { valuesOf } from '../message/fields.ts'
import { Watchdog } from '../message/watchdog.ts'
import type { Answer } from '../upstream/answer.ts'
import type { AnswerBody, AnswerSink } from '../upstream/http1/answer-body.ts'
import { brokenAnswer } from '../upstream/upstream-error.ts'

/** Refusals are short; whoever sends more is not refusing. */
const largestTextBytes = 64 * 1024
/** How long an answer may be held for the rest of its text: nobody shall wait longer for what streams. */
const holdMs = 2_000
/** So many pieces are joined to one, so that a body of single bytes does not cost a hundred times its size. */
const mostPieces = 256

/**
 * Looks into the body of an answer and puts every byte back, so that whoever takes the body finds it as it came. Looks only at
 * what is text, not encoded, whole, and no larger than 64 KiB; waits 2 s for it at most.
 * @returns the text, at once where the body is here already; undefined when it is not to be looked at
 * @throws GatewayError `upstream_reset` when the answer breaks while it is held, CallerGoneError when there is nobody left to
 * hold it for
 */
export function textOf(exchange: Exchange, answer: Answer): string | undefined | Promise<string | undefined> {
  if (!mayBeText(answer)) return undefined
  const { body } = answer
  if (!body.isComplete) return new Promise((resolve, reject) => new TextReader(exchange, body, resolve, reject).start())
  const whole = body.take()
  body.putBack(whole)
  return whole.length <= largestTextBytes ? whole.toString('utf8') : undefined
}

/** Waits until a body is whole, and gives up on one that is too large or too slow. */
class TextReader implements AnswerSink {
  readonly #exchange: Exchange
  readonly #body: AnswerBody
  readonly #resolve: (text: string | undefined) => void
  readonly #reject: (error: Error) => void
  readonly #watchdog = new Watchdog(() => this.#finish(false))
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(exchange: Exchange, body: AnswerBody, resolve: (text: string | undefined) => void, reject: (error: Error) => void) {
    this.#exchange = exchange
    this.#body = body
    this.#resolve = resolve
    this.#reject = reject
  }

  start(): void {
    this.#watchdog.arm(holdMs)
    this.#body.flowTo(this)
  }

  write(piece: Buffer): boolean {
    this.#pieces.push(piece)
    this.#bytes += piece.length
    if (this.#pieces.length === mostPieces) this.#pieces = [Buffer.concat(this.#pieces)]
    if (this.#bytes > largestTextBytes) this.#finish(false)
    return true
  }

  end(): void {
    this.#finish(this.#bytes <= largestTextBytes)
  }

  fail(): void {
    this.#watchdog.stop()
    this.#reject(this.#exchange.isGone ? new CallerGoneError() : brokenAnswer(this.#body.error))
  }

  /** Puts every byte back. */
  #finish(isText: boolean): void {
    this.#watchdog.stop()
    const read = Buffer.concat(this.#pieces)
    this.#body.hold()
    this.#body.putBack(read)
    this.#resolve(isText ? read.toString('utf8') : undefined)
  }
}

/** Not what is encoded, too large, something else than text, or a stream of events, which may never end. */
function mayBeText({ fields }: Answer): boolean {
  const [length] = valuesOf(fields, 'content-length')
  const [type] = valuesOf(fields, 'content-type')
  if (valuesOf(fields, 'content-encoding').some((encoding) => encoding.toLowerCase() !== 'identity')) return false
  if (length !== undefined && Number(length) > largestTextBytes) return false
  // RFC 9110 8.3: nothing is known of what has no type; only with a length it is not a stream.
  if (type === undefined) return length !== undefined
  const mediaType = (type.split(';', 1)[0] ?? '').trim().toLowerCase()
  return textTypes.test(mediaType) && !streamTypes.has(mediaType)
}

const textTypes = /^(text\/.+|application\/(.+\+)?(json|xml)|application\/(javascript|x-javascript|x-www-form-urlencoded))$/
const streamTypes: ReadonlySet<string> = new Set(['text/event-stream', 'application/stream+json'])
