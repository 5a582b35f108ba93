import type { Duplex, Readable } from 'node:stream'
import type { UpstreamUrl } from '../../config/schema/url.ts'

/**
 * The body of an answer as it comes in, with backpressure. Less than an IncomingMessage, so that a stream of HTTP/2 can be one
 * too. One that is cut is closed without `end`, and with an `error` only where somebody listens for it.
 */
export interface AnswerBody extends Readable {
  /** Whether everything has come in, read or not. */
  readonly complete: boolean
  /** Name, value, name, value, ...; there after `end`. */
  readonly rawTrailers: readonly string[]
}

/** The head of an upstream's answer. Its body waits, unread, until somebody takes it. */
export interface Answer {
  readonly status: number
  readonly reason: string
  /** Name, value, name, value, ... as received. */
  readonly fields: readonly string[]
  readonly body: AnswerBody
  /** After its end: whether it is whole, and not what was left when the connection broke. */
  readonly isWhole: () => boolean
  /** Ends the connection unless it can serve another request. To be called when nobody wants more of the answer. */
  readonly release: () => void
  /** The connection after a 101, and the bytes that came right behind it. */
  readonly tunnel: { readonly socket: Duplex; readonly head: Buffer } | undefined
  /** Who gave it. */
  readonly upstream: UpstreamUrl
}
