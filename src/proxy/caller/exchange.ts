import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ReplayOutcome, RouteMetrics } from '../../telemetry/route-metrics.ts'
import type { RequestMetrics } from '../../telemetry/request-metrics.ts'
import type { ListItem } from '../message/linked-list.ts'
import type { RequestTrace } from '../tracing/request-trace.ts'
import { UpgradeCaller } from './upgrade-caller.ts'

/** How a request came by its token: at once, after a wait, or it needed none. */
export type TokenWay = 'hit' | 'wait' | 'none'

/** An attempt whose token was refused; times in milliseconds. */
export interface RefusedCall {
  readonly status: number
  readonly sentAfterMs: number
  readonly upstreamMs: number
}

/** What an exchange begins with. */
export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** For a request that asks for an upgrade: its connection, and the bytes that came right behind it. */
  readonly upgrade: { readonly socket: Duplex; readonly head: Buffer } | undefined
  readonly expectsContinue: boolean
  readonly id: string
}

/**
 * One caller's request and the answer to it: both ends of the connection, whether the caller is still there, and what is
 * worth telling about it afterwards.
 */
export class Exchange implements ListItem<Exchange> {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The connection of a request that asks for an upgrade. */
  readonly upgrade: UpgradeCaller | undefined
  readonly expectsContinue: boolean
  readonly id: string
  readonly startedMs = performance.now()
  readonly startedEpochMs = Date.now()

  /** Filled in along the way, for the log, the metrics and the status page. */
  caller: string | undefined
  route: string | undefined
  path = ''
  query = ''
  tokenWay: TokenWay = 'none'
  replay: ReplayOutcome | undefined
  /** Authority of the upstream, where the token decided on it. */
  upstream: string | undefined
  upstreamStatus: number | undefined
  upstreamMs: number | undefined
  /** From the request's head until it was sent upstream, the last time. */
  sentAfterMs: number | undefined
  /** The attempt whose token was refused, where there was a replay. */
  refusedCall: RefusedCall | undefined
  error: string | undefined
  /** Undefined for what is not a request that could be read. */
  trace: RequestTrace | undefined
  /** How often it was sent to an upstream. */
  callCount = 0
  /** The connection was upgraded; its end is not the end of an answer. */
  isTunnel = false
  /** The numbers that it is counted in; undefined as long as nobody knows what it is for. */
  metrics: RequestMetrics | undefined
  routeMetrics: RouteMetrics | undefined

  /** Whether it is being served. */
  isActive = false
  previousItem: Exchange | undefined
  nextItem: Exchange | undefined

  #isGone = false
  #onGone: (() => void) | undefined

  constructor(parts: ExchangeParts) {
    this.request = parts.request
    this.response = parts.response
    this.upgrade = parts.upgrade && new UpgradeCaller(parts.upgrade.socket, parts.upgrade.head, () => this.giveUp())
    this.expectsContinue = parts.expectsContinue
    this.id = parts.id
    this.response.on('close', () => {
      if (!this.response.writableFinished) this.giveUp()
    })
    // A write to a caller that has left is not worth a crash; `close` says all there is to say.
    this.response.on('error', ignore)
  }

  /** Whether the caller has left before the end of its answer. */
  get isGone(): boolean {
    return this.#isGone
  }

  /** Takes note of the route that was found. @param metrics its numbers */
  enter(route: string, metrics: RouteMetrics): void {
    this.route = route
    this.metrics = metrics
    this.routeMetrics = metrics
    metrics.inFlight.value++
  }

  noteReplay(outcome: ReplayOutcome): void {
    this.replay = outcome
    this.routeMetrics?.countReplay(outcome)
  }

  /** What is sent from now on is the replay. */
  noteRefusedCall(): void {
    const { upstreamStatus: status = 0, sentAfterMs = 0, upstreamMs = 0 } = this
    this.refusedCall = { status, sentAfterMs, upstreamMs }
  }

  /** Treats the caller as gone: what it sends makes no sense any more. */
  giveUp(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#onGone?.()
  }

  /** What to do when the caller leaves; replaces what was set before. */
  set onGone(handler: (() => void) | undefined) {
    this.#onGone = handler
    if (this.#isGone) handler?.()
  }
}

function ignore(): void {}

/** The caller has left; there is nobody to answer. */
export class CallerGoneError extends Error {
  override name = 'CallerGoneError' as const
}
