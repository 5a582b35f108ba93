import { CallerGoneError } from '../caller/exchange.ts'
import type { Forwarding } from '../forwarding.ts'
import type { ReceivedRequest } from '../request/received-request.ts'
import type { RequestBody } from '../request/request-body.ts'
import type { Answer } from './answer.ts'
import { Attempt } from './attempt.ts'
import { Sending } from './sending.ts'
import type { ChooseToken } from './sending.ts'
import { UpstreamError } from './upstream-error.ts'

/** RFC 9110 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

/**
 * So often a request is sent again that the upstream says it has not processed: connections of HTTP/2 end again and again. More than
 * once only within `timeouts.response`, because each time has limits of its own, and nobody would wait for the sum of all.
 */
const mostAgain = 3

/**
 * Sends a request and gets the head of its answer. Sends it again only where nothing can be doubled: on another connection when the
 * old one turned out to be closed, or the upstream says that it has not processed it, and without `Expect` when that was not
 * understood.
 * @throws GatewayError when there is no answer, CallerGoneError when the caller has left
 */
export async function sendRequest(forwarding: Forwarding, chooseToken: ChooseToken): Promise<Answer> {
  const { exchange, received, body, route } = forwarding
  const startedMs = performance.now()
  let forwardsExpect = received.expectsContinue && !body.isCopied
  for (let isFresh = exchange.upgrade !== undefined, again = 0; ; isFresh = true, again++) {
    const sending = new Sending(forwarding, chooseToken, { isFresh, forwardsExpect })
    try {
      const starting = sending.start()
      const attempt = starting instanceof Attempt ? starting : await starting
      sending.watch(attempt)
      const answer = await attempt.answer
      sending.onAnswer(answer.status)
      // RFC 9110 10.1.1: repeat without the expectation; not a byte of the body has been sent.
      if (answer.status !== 417 || !forwardsExpect || !body.canStartOver) return answer
      answer.release()
      forwardsExpect = false
    } catch (error) {
      sending.onFailure(error)
      if (exchange.isGone) throw new CallerGoneError()
      if (!(error instanceof UpstreamError)) throw error
      const isLate = again > 0 && performance.now() - startedMs > route.timeouts.response
      if (again >= (error.isSent || isLate ? 1 : mostAgain) || !canSendAgain(error, received, body)) throw error.gatewayError
    } finally {
      sending.finish()
    }
  }
}

function canSendAgain({ isStale, isSent }: UpstreamError, { method }: ReceivedRequest, body: RequestBody): boolean {
  if (!isStale) return false
  if (isSent && !idempotent.has(method)) return false
  return body.canStartOver
}
