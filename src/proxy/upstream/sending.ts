import type { AccessToken } from '../../tokens/access-token.ts'
import { CallerGoneError } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { Forwarding } from '../forwarding.ts'
import type { BodyFailure } from '../request/request-body.ts'
import { Attempt } from './attempt.ts'
import type { AttemptEvents } from './attempt.ts'
import { relayInterimAnswer } from './interim-answer.ts'
import { waitForSlot } from './slot-wait.ts'
import type { CallTrace } from '../tracing/request-trace.ts'
import { makeUpstreamRequest, upstreamPath } from './upstream-request.ts'
import { UpstreamError } from './upstream-error.ts'
import type { Upstream } from './upstream.ts'

/** Says with which token. Asked again after a wait for a connection: a token may expire in the line. */
export type ChooseToken = () => AccessToken | undefined | Promise<AccessToken>

/** How long the upstream may take to say that it wants the body, before it gets it unasked (RFC 9110 10.1.1). */
const continueMs = 1_000

/** What distinguishes one attempt from the next. */
export interface SendingOptions {
  readonly isFresh: boolean
  readonly forwardsExpect: boolean
}

/** A request on its way, from the choice of its token to the head of its answer. */
export class Sending implements AttemptEvents {
  readonly #forwarding: Forwarding
  readonly #chooseToken: ChooseToken
  readonly #isFresh: boolean
  readonly #forwardsExpect: boolean
  #attempt: Attempt | undefined
  #trace: CallTrace | undefined
  #continueTimer: NodeJS.Timeout | undefined
  #isAttached = false
  #startedMs = 0

  constructor(forwarding: Forwarding, chooseToken: ChooseToken, { isFresh, forwardsExpect }: SendingOptions) {
    this.#forwarding = forwarding
    this.#chooseToken = chooseToken
    this.#isFresh = isFresh
    this.#forwardsExpect = forwardsExpect
  }

  /** Gets a token and a connection slot, and starts the attempt, which from then on owns the slot: at once where both are there. */
  start(): Attempt | Promise<Attempt> {
    const token = this.#chooseToken()
    if (token instanceof Promise) return this.#startLater(token)
    const upstream = this.#forwarding.upstreams.of(token)
    return upstream.pool.slots.tryTake() ? this.#startOn(upstream, token) : this.#startInLine(upstream)
  }

  /** Passes the body on, and notices when the caller leaves or its body fails. */
  watch(attempt: Attempt): void {
    const { exchange, received, body } = this.#forwarding
    this.#attempt = attempt
    this.#startedMs = performance.now()
    exchange.onGone = () => attempt.abort(new CallerGoneError())
    body.onFailure = (failure) => attempt.abort(bodyError(failure))
    body.onWanted = received.expectsContinue ? () => exchange.response.writeContinue() : undefined
    if (this.#forwardsExpect) this.#continueTimer = setTimeout(() => this.onContinue(), continueMs)
    else this.#attach(attempt)
  }

  onAnswer(status: number): void {
    this.#forwarding.exchange.upstreamStatus = status
    this.#trace?.answered(status)
  }

  /** There will be no answer to this attempt. */
  onFailure(error: unknown): void {
    const { gatewayError = error } = error instanceof UpstreamError ? error : {}
    this.#trace?.failed(gatewayError instanceof GatewayError ? gatewayError.code : 'caller_gone')
  }

  onContinue(): void {
    if (this.#attempt !== undefined) this.#attach(this.#attempt)
  }

  onInformation(status: number, reason: string, fields: readonly string[]): void {
    relayInterimAnswer(this.#forwarding, status, reason, fields)
  }

  /** There is an answer, or there will be none. */
  finish(): void {
    const { exchange, body } = this.#forwarding
    clearTimeout(this.#continueTimer)
    if (this.#attempt === undefined) return
    // From here on a body that fails must not take the answer with it, which may be held for the replay.
    body.onFailure = undefined
    exchange.upstreamMs = performance.now() - this.#startedMs
    exchange.sentAfterMs = this.#startedMs - exchange.startedMs
    exchange.routeMetrics?.upstreamDuration.observe(exchange.upstreamMs / 1000)
  }

  #attach(attempt: Attempt): void {
    clearTimeout(this.#continueTimer)
    if (this.#isAttached) return
    this.#isAttached = true
    this.#forwarding.body.attach(attempt)
  }

  async #startLater(choosing: Promise<AccessToken>): Promise<Attempt> {
    const token = await choosing
    if (this.#forwarding.exchange.isGone) throw new CallerGoneError()
    const upstream = this.#forwarding.upstreams.of(token)
    return upstream.pool.slots.tryTake() ? this.#startOn(upstream, token) : this.#startInLine(upstream)
  }

  async #startInLine(first: Upstream): Promise<Attempt> {
    const { exchange, upstreams } = this.#forwarding
    for (let inLine = first; ;) {
      await waitForSlot(exchange, inLine)
      const { slots } = inLine.pool
      let token: AccessToken | undefined
      try {
        token = await this.#chooseToken()
        inLine = upstreams.of(token)
        if (exchange.isGone) throw new CallerGoneError()
      } catch (error) {
        slots.give()
        throw error
      }
      if (inLine.pool.slots === slots) return this.#startOn(inLine, token)
      // While this request stood in line, a new token has moved on to another upstream.
      slots.give()
      if (inLine.pool.slots.tryTake()) return this.#startOn(inLine, token)
    }
  }

  /** Needs a slot. */
  #startOn(upstream: Upstream, token: AccessToken | undefined): Attempt {
    const { exchange, received, route, rest, path, upstreams, via, trace } = this.#forwarding
    const { authority, pool } = upstream
    const upgrade = exchange.upgrade === undefined ? undefined : exchange.request.headers.upgrade
    try {
      if (upstreams.fixed === undefined) exchange.upstream = authority
      const pathThere = path ?? upstreamPath(upstream, rest)
      this.#trace = trace.startCall(this.#forwarding, upstream, pathThere)
      exchange.callCount++
      const request = makeUpstreamRequest(received, route, pathThere, {
        authority,
        injection: token?.reveal(),
        via,
        forwardsExpect: this.#forwardsExpect,
        upgrade,
        traceFields: this.#trace.fields,
      })
      return new Attempt(upstream, request, this, { upgrade: upgrade !== undefined, isFresh: this.#isFresh })
    } catch (error) {
      pool.slots.give()
      throw error
    }
  }
}

function bodyError(failure: BodyFailure): Error {
  if (failure === 'aborted') return new CallerGoneError()
  return failure === 'idle'
    ? new GatewayError('request_timeout', "the request's body stopped coming (limits.body_idle)")
    : new GatewayError('request_too_large', 'the body is larger than this route takes (max_request_body)')
}
