import { CallerGoneError } from '../caller/exchange.ts'
import type { Exchange } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import type { Answer } from '../upstream/answer.ts'

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
  const held = new HeldBody(answer)
  return held.isEnough() ? held.giveBack() : wait(exchange, answer, held)
}

/** Resolves with the text once the body is whole; gives up on one that is too large or too slow. */
function wait(exchange: Exchange, { body }: Answer, held: HeldBody): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const finish = (): void => {
      clearTimeout(timer)
      body.off('readable', onReadable).off('error', onBroken).off('close', onBroken)
      resolve(held.giveBack())
    }
    const onReadable = (): void => {
      if (held.isEnough()) finish()
    }
    const onBroken = (): void => {
      clearTimeout(timer)
      reject(
        exchange.isGone
          ? new CallerGoneError()
          : new GatewayError('upstream_reset', 'the upstream closed the connection within its answer'),
      )
    }
    const timer = setTimeout(finish, holdMs)
    body.on('readable', onReadable).on('error', onBroken).on('close', onBroken)
    if (body.destroyed) onBroken()
  })
}

/** What was read of a body, to be put back. It is never read past its last byte: its end is for whoever takes the body. */
class HeldBody {
  readonly #answer: Answer
  #pieces: Buffer[] = []
  #bytes = 0

  constructor(answer: Answer) {
    this.#answer = answer
  }

  /** Reads what is there. Says whether there is no use in waiting for more: the body is whole, or too large. */
  isEnough(): boolean {
    const { body } = this.#answer
    while (body.readableLength > 0 && this.#bytes <= largestTextBytes) {
      const piece = body.read() as Buffer
      this.#pieces.push(piece)
      this.#bytes += piece.length
      if (this.#pieces.length === mostPieces) this.#pieces = [Buffer.concat(this.#pieces)]
    }
    return body.complete || this.#bytes > largestTextBytes
  }

  /** Puts every byte back. Returns the text, if that is all of it. */
  giveBack(): string | undefined {
    const { body, isWhole } = this.#answer
    const read = Buffer.concat(this.#pieces)
    if (read.length > 0) body.unshift(read)
    return isWhole() && read.length <= largestTextBytes ? read.toString('utf8') : undefined
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
