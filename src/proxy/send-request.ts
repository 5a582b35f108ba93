import type { Route } from '../config/config.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import { takeSlot } from './connection-slot.ts'
import { CallerGoneError } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { formatFields } from './format-fields.ts'
import { GatewayError } from './gateway-error.ts'
import { isHopByHop } from './hop-by-hop.ts'
import type { ReceivedRequest } from './received-request.ts'
import type { BodyFailure, RequestBody } from './request-body.ts'
import { makeUpstreamRequest } from './upstream-request.ts'
import { Attempt } from './upstream/attempt.ts'
import type { Answer } from './upstream/attempt.ts'
import { UpstreamError } from './upstream/upstream-error.ts'
import type { Upstream } from './upstream/upstream.ts'

/** A request to be sent upstream with one token. */
export interface SendOptions {
  readonly exchange: Exchange
  readonly received: ReceivedRequest
  readonly route: Route
  /** The path at the upstream. */
  readonly path: string
  readonly body: RequestBody
  /** Asked when a connection is free and not before: a token may expire in the line for it. */
  readonly chooseToken: () => AccessToken | undefined | Promise<AccessToken | undefined>
  readonly upstream: Upstream
  /** Pseudonym for Via, or `off`. */
  readonly via: string
}

/** RFC 9110 9.2.2. */
const idempotent = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

/** How long the upstream may take to say that it wants the body, before it gets it unasked (RFC 9110 10.1.1). */
const continueMs = 1_000

/**
 * Sends a request and gets the head of its answer. Sends it again only where nothing can be doubled: on a new connection when the
 * old one turned out to be closed, and without `Expect` when that was not understood.
 * @throws GatewayError when there is no answer, CallerGoneError when the caller has left
 */
export async function sendRequest(options: SendOptions): Promise<Answer> {
  const { exchange, received, body } = options
  let forwardsExpect = received.expectsContinue && !body.isCopied && !hasObsText(received.fields)
  for (let isFresh = exchange.upgrade !== undefined; ; isFresh = true) {
    try {
      const answer = await sendOnce(options, isFresh, forwardsExpect)
      // RFC 9110 10.1.1: repeat without the expectation; not a byte of the body has been sent.
      if (answer.status !== 417 || !forwardsExpect || !body.canStartOver) return answer
      answer.release()
      forwardsExpect = false
    } catch (error) {
      if (exchange.isGone) throw new CallerGoneError()
      if (!(error instanceof UpstreamError)) throw error
      if (isFresh || !canSendAgain(error, received, body)) throw error.gatewayError
    }
  }
}

function canSendAgain({ isStale, isSent }: UpstreamError, { method }: ReceivedRequest, body: RequestBody): boolean {
  if (!isStale) return false
  if (isSent && !idempotent.has(method)) return false
  return body.canStartOver
}

async function sendOnce(options: SendOptions, isFresh: boolean, forwardsExpect: boolean): Promise<Answer> {
  const { exchange, received, route, path, body, upstream, via } = options
  await takeSlot(exchange, upstream.slots)
  const token = await tokenOrGiveSlotBack(options)
  const upgrade = exchange.upgrade === undefined ? undefined : exchange.request.headers.upgrade
  const request = makeUpstreamRequest(received, route, path, { injection: token?.reveal(), via, forwardsExpect, upgrade })
  const startedMs = performance.now()
  const attach = (): void => {
    clearTimeout(continueTimer)
    if (!isAttached) body.attach(attempt)
    isAttached = true
  }
  let isAttached = false
  const attempt = new Attempt(
    upstream,
    request,
    { onContinue: attach, onInformation: (status, reason, fields) => relayInformation(exchange, received, status, reason, fields) },
    { upgrade: upgrade !== undefined, isFresh },
  )
  const continueTimer = forwardsExpect ? setTimeout(attach, continueMs) : undefined
  exchange.onGone = () => attempt.abort(new CallerGoneError())
  body.onFailure = (failure) => attempt.abort(bodyError(failure))
  body.onWanted = received.expectsContinue ? () => exchange.response.writeContinue() : undefined
  if (!forwardsExpect) attach()
  try {
    const answer = await attempt.answer
    exchange.upstreamStatus = answer.status
    return answer
  } finally {
    clearTimeout(continueTimer)
    // From here on a body that fails must not take the answer with it, which may be held for the replay.
    body.onFailure = undefined
    exchange.upstreamMs = performance.now() - startedMs
    exchange.metrics?.upstreamDuration.observe(exchange.upstreamMs / 1000)
  }
}

async function tokenOrGiveSlotBack({ chooseToken, exchange, upstream }: SendOptions): Promise<AccessToken | undefined> {
  try {
    const token = await chooseToken()
    if (exchange.isGone) throw new CallerGoneError()
    return token
  } catch (error) {
    upstream.slots.give()
    throw error
  }
}

function bodyError(failure: BodyFailure): Error {
  if (failure === 'aborted') return new CallerGoneError()
  return failure === 'idle'
    ? new GatewayError('request_timeout', "the request's body stopped coming (limits.body_idle)")
    : new GatewayError('request_too_large', 'the body is larger than this route takes (max_request_body)')
}

/** RFC 9110 15.2: passed on to callers that can understand it, which HTTP/1.0 cannot. */
function relayInformation({ response }: Exchange, { version }: ReceivedRequest, status: number, reason: string, fields: readonly string[]): void {
  if (version !== '1.1' || response.headersSent || response.socket === null) return
  const kept = fields.filter((_, index) => !isHopByHop((fields[index - (index % 2)] as string).toLowerCase()))
  response.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${formatFields(kept)}\r\n`, 'latin1')
}

/** The platform sends the head of a request with `Expect` in a way that turns bytes over 0x7f into UTF-8. */
function hasObsText(fields: readonly string[]): boolean {
  return fields.some((field) => /[\x80-\xff]/.test(field))
}
