import type { Config, Credential, Route } from '../config/config.ts'
import type { Identity } from '../oauth/identity.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { Replacement, TokenSupply } from '../tokens/token-supply.ts'
import type { Authenticate, KnownCaller } from './authentication/authenticator.ts'
import { checkCallerMay } from './authentication/caller-permission.ts'
import type { CallerCheck } from './request/caller-check.ts'
import { callerIdentity } from './request/caller-identity.ts'
import { CallerGoneError } from './caller/exchange.ts'
import type { Exchange } from './caller/exchange.ts'
import type { Forwarding } from './forwarding.ts'
import { valuesOf } from './message/fields.ts'
import { relayedAsItCame } from './errors/proxy-status.ts'
import { receiveRequest } from './request/received-request.ts'
import type { ReceivedRequest } from './request/received-request.ts'
import { isRefusal, replaceToken } from './replay/refusal.ts'
import { relayAnswer } from './answer/relay-answer.ts'
import { ReplayCopy } from './replay/replay-copy.ts'
import type { ReplayMemory } from './replay/replay-copy.ts'
import { RequestBody } from './request/request-body.ts'
import { checkRouteAllows } from './routing/route-check.ts'
import type { RouteTable } from './routing/route-table.ts'
import { sendRequest } from './upstream/send-request.ts'
import { tokenFor } from './token-choice.ts'
import { traceOf } from './tracing/request-trace.ts'
import type { TracingParts } from './tracing/request-trace.ts'
import { upstreamPath } from './upstream/upstream-request.ts'
import type { Answer } from './upstream/answer.ts'
import type { RouteUpstreams } from './upstream/route-upstreams.ts'
import { checkLoop } from './request/via.ts'

/** What forwarding needs; built once per configuration. */
export interface ForwardingParts {
  readonly limits: Config['limits']
  readonly via: Config['via']
  readonly tracing: TracingParts
  readonly metrics: Metrics
  readonly callerCheck: CallerCheck
  /** Undefined where anyone may call. */
  readonly authenticate: Authenticate | undefined
  readonly findRoute: RouteTable
  readonly replayMemory: ReplayMemory
  readonly tokenSource: (credential: Credential, identity: Identity) => TokenSupply
  readonly upstreams: (route: Route) => RouteUpstreams
}

/**
 * Forwards one request: the whole way from the received request to the relayed answer.
 * @throws GatewayError when the gateway itself has to answer, CallerGoneError when there is nobody left to answer
 */
export async function forward(exchange: Exchange, parts: ForwardingParts): Promise<void> {
  const received = receiveRequest(exchange.request, parts.limits, exchange.expectsContinue)
  exchange.path = received.target.path
  exchange.query = received.target.query
  const trace = traceOf(received, parts.tracing)
  exchange.trace = trace
  parts.callerCheck(received)
  const caller = parts.authenticate && (await knownCaller(exchange, received, parts.authenticate))
  if (isForTheGateway(received)) {
    answerOptions(exchange)
    return
  }

  const { route, rest } = parts.findRoute(received.authority, received.target.path)
  exchange.enter(route.label, parts.metrics.forRoute(route.label))
  if (caller !== undefined) checkCallerMay(caller, route)
  checkRouteAllows(route, received, rest)
  if (parts.via !== 'off') checkLoop(received.fields, parts.via)
  const upstreams = parts.upstreams(route)
  const path = upstreams.fixed && upstreamPath(upstreams.fixed, rest)

  const source = route.credential && parts.tokenSource(route.credential, callerIdentity(route.credential, received))
  const { via, limits } = parts
  const body = bodyOf(exchange, received, route, parts)
  const forwarding = { exchange, received, body, route, rest, path, upstreams, via, limits, trace }
  try {
    let token: AccessToken | undefined
    const answer = await sendRequest(forwarding, () => {
      const choice = source && tokenFor(exchange, source)
      if (!(choice instanceof Promise)) return (token = choice)
      return choice.then((chosen) => (token = chosen))
    })
    let isRefused = token !== undefined && source !== undefined && isRefusal(exchange, answer, source.rejectedWhen)
    // Nearly always it is known at once; then nothing waits.
    if (typeof isRefused !== 'boolean') isRefused = await isRefused
    if (!isRefused || token === undefined || source === undefined) {
      await relayAnswer(forwarding, answer)
      return
    }
    const replacement = await replaceToken(forwarding, answer, token, source)
    if (replacement.token === undefined) {
      exchange.noteReplay(replacement.outcome)
      const why = relayedAsItCame(answer.status, replacement.why)
      await relayAnswer(forwarding, answer, ['Proxy-Status', why])
      return
    }
    answer.release()
    const second = await replay(source, replacement, forwarding)
    await relayAnswer(forwarding, second)
  } finally {
    body.release()
  }
}

/** Finds out who calls. */
async function knownCaller(exchange: Exchange, { fields }: ReceivedRequest, authenticate: Authenticate): Promise<KnownCaller> {
  const known = await authenticate(fields, exchange.request.socket)
  if (exchange.isGone) throw new CallerGoneError()
  exchange.caller = known.caller.name
  return known
}

/** Sends the same request once more; the second answer is final, whatever it is. */
async function replay(source: TokenSupply, replacement: Replacement, forwarding: Forwarding): Promise<Answer> {
  const { exchange } = forwarding
  exchange.noteRefusedCall()
  try {
    const answer = await sendRequest(forwarding, () => replacement.token)
    const isAccepted = !(await isRefusal(exchange, answer, source.rejectedWhen))
    source.replayed(replacement, isAccepted)
    exchange.noteReplay(isAccepted ? 'accepted' : 'refused')
    return answer
  } catch (error) {
    source.notReplayed(replacement)
    exchange.noteReplay('failed')
    throw error
  }
}

/** RFC 9110 9.3.7, 7.6.2: what is asked of the gateway itself. */
export function isForTheGateway({ method, target, fields }: ReceivedRequest): boolean {
  return method === 'OPTIONS' && (target.path === '*' || valuesOf(fields, 'max-forwards')[0]?.trim() === '0')
}

function answerOptions({ response }: Exchange): void {
  response.writeHead(204, ['Allow', 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'])
  response.end()
}

function bodyOf(
  exchange: Exchange,
  { contentLength }: ReceivedRequest,
  route: Route,
  { limits, replayMemory }: ForwardingParts,
): RequestBody {
  const { replay, credential, http2, max_request_body } = route
  const mayFit = replay !== 'off' && (contentLength === undefined || contentLength <= replay.max_body)
  // Upstreams of HTTP/2 often say of a request that they have not processed it (RFC 9113 8.7).
  const isWanted = credential !== undefined || http2
  const copy = mayFit && isWanted && contentLength !== 0 ? new ReplayCopy(replayMemory, replay.max_body) : undefined
  return new RequestBody(exchange.request, contentLength, copy, { idleMs: limits.body_idle, maxBytes: max_request_body })
}
