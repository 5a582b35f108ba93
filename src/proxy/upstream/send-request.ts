import type { Route } from '../../config/config.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import { CallerGoneError } from '../caller/exchange.ts'
import type { Exchange } from '../caller/exchange.ts'
import { formatFields } from '../message/fields.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { connectionOptions, isHopByHop } from '../message/hop-by-hop.ts'
import type { ReceivedRequest } from '../request/received-request.ts'
import type { BodyFailure, RequestBody } from '../request/request-body.ts'
import { makeUpstreamRequest, upstreamPath } from './upstream-request.ts'
import type { Answer } from './answer.ts'
import { Attempt } from './attempt.ts'
import type { RouteUpstreams } from './route-upstreams.ts'
import { waitForSlot } from './slot-wait.ts'
import { UpstreamError } from './upstream-error.ts'

/** A request to be sent upstream with one token. */
export interface SendOptions {
  readonly exchange: Exchange
  readonly received: ReceivedRequest
  readonly route: Route
  /** The path behind the route's prefix. */
  readonly rest: string
  /** The path at the upstream; undefined when the token decides on the upstream. */
  readonly path: string | undefined
  readonly body: RequestBody
  /** Asked again after a wait for a connection: a token may expire in the line. */
  readonly chooseToken: () => AccessToken | undefined | Promise<AccessToken | undefined>
  readonly upstreams: RouteUpstreams
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
  let forwardsExpect = received.expectsContinue && !body.isCopied
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
  const { exchange, received, body } = options
  let attach = (): void => {}
  const attempt = await startAttempt(options, isFresh, forwardsExpect, () => attach())
  const startedMs = performance.now()
  const continueTimer = forwardsExpect ? setTimeout(() => attach(), continueMs) : undefined
  attach = () => {
    clearTimeout(continueTimer)
    attach = () => {}
    body.attach(attempt)
  }
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

/** Gets a token and a connection slot, and starts the attempt, which from then on owns the slot. */
async function startAttempt(
  options: SendOptions,
  isFresh: boolean,
  forwardsExpect: boolean,
  onContinue: () => void,
): Promise<Attempt> {
  const { exchange, received, route, rest, upstreams, via, chooseToken } = options
  const upgrade = exchange.upgrade === undefined ? undefined : exchange.request.headers.upgrade
  const onInformation = (status: number, reason: string, fields: readonly string[]): void =>
    relayInformation(exchange, received, status, reason, fields)
  let token = await chooseToken()
  let upstream = upstreams.of(token)
  for (;;) {
    if (exchange.isGone) throw new CallerGoneError()
    const { slots } = upstream.pool
    const isFree = slots.tryTake()
    if (!isFree) await waitForSlot(exchange, upstream)
    try {
      if (!isFree) {
        token = await chooseToken()
        upstream = upstreams.of(token)
      }
      if (exchange.isGone) throw new CallerGoneError()
      if (upstream.pool.slots === slots) {
        if (upstreams.fixed === undefined) exchange.upstream = upstream.authority
        const path = options.path ?? upstreamPath(upstream, rest)
        const { authority } = upstream
        const injection = token?.reveal()
        const request = makeUpstreamRequest(received, route, path, { authority, injection, via, forwardsExpect, upgrade })
        return new Attempt(upstream, request, { onContinue, onInformation }, { upgrade: upgrade !== undefined, isFresh })
      }
    } catch (error) {
      slots.give()
      throw error
    }
    // While this request stood in line, a new token has moved on to another upstream.
    slots.give()
  }
}

function bodyError(failure: BodyFailure): Error {
  if (failure === 'aborted') return new CallerGoneError()
  return failure === 'idle'
    ? new GatewayError('request_timeout', "the request's body stopped coming (limits.body_idle)")
    : new GatewayError('request_too_large', 'the body is larger than this route takes (max_request_body)')
}

/** RFC 9110 15.2: passed on to callers that can understand it, which HTTP/1.0 cannot. */
function relayInformation(
  { response }: Exchange,
  { version }: ReceivedRequest,
  status: number,
  reason: string,
  fields: readonly string[],
): void {
  if (version !== '1.1' || response.headersSent || response.socket === null) return
  // A caller that does not read must not have them pile up here; nobody is owed one.
  if (response.socket.writableNeedDrain) return
  // Of a final answer that would be an error; this one can be done without.
  if (/[^\t\x20-\x7e\x80-\xff]/.test(reason)) return
  const options = connectionOptions(fields)
  const kept = fields.filter((_, index) => {
    const name = (fields[index - (index % 2)] as string).toLowerCase()
    // RFC 9110 8.6: a length here would make some callers take the answer itself for the body of this one.
    return !isHopByHop(name) && name !== 'content-length' && options?.has(name) !== true
  })
  response.socket.write(`HTTP/1.1 ${status} ${reason}\r\n${formatFields(kept)}\r\n`, 'latin1')
}
