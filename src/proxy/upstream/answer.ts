import type { UpstreamUrl } from '../../config/schema/url.ts'
import type { AnswerBody } from './http1/answer-body.ts'
import type { Tunnel } from './http1/connection.ts'

/** The head of an upstream's answer. Its body waits until somebody takes it. */
export interface Answer {
  readonly status: number
  readonly reason: string
  /** Name, value, name, value, ... as received. */
  readonly fields: readonly string[]
  readonly body: AnswerBody
  /** The connection after a 101. */
  readonly tunnel: Tunnel | undefined
  /** Who gave it. */
  readonly upstream: UpstreamUrl
  /** Ends the connection unless it can serve another request. To be called when nobody wants more of the answer. */
  release(): void
}
