import type { Config, Credential, Route } from '../config/config.ts'
import { isSocketFile } from '../config/schema/listen.ts'
import { isUpstreamTemplate, shownUpstream } from '../config/schema/upstream.ts'
import { Secret } from '../config/secret.ts'
import type { Injection } from '../oauth/injection.ts'
import type { Log } from '../telemetry/log.ts'
import { checkCallerMay } from './authentication/caller-permission.ts'
import { GatewayError } from './errors/gateway-error.ts'
import { isForTheGateway } from './forward.ts'
import { valuesOf } from './message/fields.ts'
import { createCallerCheck } from './request/caller-check.ts'
import { callerIdentity } from './request/caller-identity.ts'
import { receiveRequest } from './request/received-request.ts'
import type { ReceivedRequest } from './request/received-request.ts'
import { checkRouteAllows } from './routing/route-check.ts'
import { createRouteTable, explainRoutes } from './routing/route-table.ts'
import type { RouteMiss } from './routing/route-table.ts'
import { createRouteUpstreams } from './upstream/route-upstreams.ts'
import { makeUpstreamRequest, upstreamPath } from './upstream/upstream-request.ts'

/** A request that somebody asks about; it has a Host and no other field. */
export interface AskedRequest {
  readonly method: string
  /** As it would stand in the request line. */
  readonly target: string
  /** For Host; undefined for the name of this machine. */
  readonly host: string | undefined
}

/** What would become of a request. Nothing in it is secret: values of the configuration are masked. */
export interface Explanation {
  /** The routes in the order in which they are tried; `miss` is undefined for the one that is the request's. */
  readonly routes: readonly { readonly route: Route; readonly miss: RouteMiss | undefined }[]
  /** Why the gateway would not forward it; undefined when it would. */
  readonly refusal: GatewayError | undefined
  /** The gateway would answer it itself. */
  readonly isForTheGateway: boolean
  readonly forwarded: ForwardedRequest | undefined
}

/** What would be sent, to whom, and with whose token. */
export interface ForwardedRequest {
  readonly route: Route
  /** With the query; of an upstream that the token decides on, its template. */
  readonly url: string
  readonly credential: Credential | undefined
  /** Fields that the caller has to send besides: they say for whom the token is. */
  readonly identityFields: readonly string[]
  /** Fields that the upstream gets from the gateway: name, value, name, value, ... */
  readonly set: readonly string[]
  /** Fields that it would not get, whatever a caller writes in them. */
  readonly removed: readonly string[]
  /** Names of those callers that may use the route; undefined where anyone may. */
  readonly callers: readonly string[] | undefined
}

const masked = '***'

/**
 * Says what the gateway would do with a request, by the very checks that a request goes through and in their order. Opens no connection
 * and asks for no token.
 */
export function explainRequest(config: Config, asked: AskedRequest, log: Log): Explanation {
  let routes: Explanation['routes'] = []
  try {
    const received = receive(config, asked, [])
    createCallerCheck(config)(received)
    if (isForTheGateway(received)) return { routes, refusal: undefined, isForTheGateway: true, forwarded: undefined }
    routes = explainRoutes(config.routes, received.authority, received.target.path)
    const forwarded = forwardedRequest(config, asked, received, log)
    return { routes, refusal: undefined, isForTheGateway: false, forwarded }
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    return { routes, refusal: error, isForTheGateway: false, forwarded: undefined }
  }
}

/** @param fields further ones: name, value, name, value, ... */
function receive({ listen, limits }: Config, { method, target, host }: AskedRequest, fields: readonly string[]): ReceivedRequest {
  const ownHost = isSocketFile(listen) ? 'localhost' : `localhost:${listen.port}`
  const rawHeaders = ['Host', host ?? ownHost, ...fields]
  return receiveRequest({ method, url: target, rawHeaders, httpVersion: '1.1', httpVersionMajor: 1 }, limits, false)
}

/** @throws GatewayError when it would not be forwarded */
function forwardedRequest(config: Config, asked: AskedRequest, bare: ReceivedRequest, log: Log): ForwardedRequest {
  const { route, rest } = createRouteTable(config.routes)(bare.authority, bare.target.path)
  const { credential, upstream } = route
  const callers = callersOf(config, route)
  checkRouteAllows(route, bare, rest)
  const upstreams = createRouteUpstreams(route, config.credentials, log)
  try {
    const path = upstreams.fixed === undefined ? rest : upstreamPath(upstreams.fixed, rest)
    // Whoever asks knows that callers send them; what they hold makes no difference here.
    const identityFields = credential?.identityFields ?? []
    const fields = identityFields.flatMap((name) => [name, 'somebody'])
    const received = receive(config, asked, fields)
    if (credential !== undefined) callerIdentity(credential, received)

    const injection = credential && maskedInjection(credential)
    const options = { authority: authorityOf(route), injection, via: config.via, forwardsExpect: false, upgrade: undefined }
    const send = (request: ReceivedRequest, traceFields: readonly string[] | undefined) =>
      makeUpstreamRequest(request, maskedRoute(route), path, { ...options, traceFields })
    const { traceparent } = config.tracing
    const trace = traceparent === 'off' ? [] : undefined
    // One is made for whoever sends none, as here; who sends one is not robbed of it.
    const sent = send(received, traceparent === 'make' ? ['traceparent', masked] : trace)
    const candidates = candidatesFor(route, injection, identityFields)
    const { fields: left } = send({ ...received, fields: candidates.flatMap((name) => [name, candidateValue]) }, trace)
    return {
      route,
      url: isUpstreamTemplate(upstream)
        ? `${shownUpstream(upstream)}${sent.target}`
        : `${upstream.isTls ? 'https' : 'http'}://${upstream.authority}${sent.target}`,
      credential,
      identityFields,
      // The body is not known, and so neither is its length.
      set: sent.fields.filter((_, index) => sent.fields[index - (index % 2)] !== 'Content-Length'),
      removed: candidates.filter((name) => !valuesOf(left, name.toLowerCase()).includes(candidateValue)),
      callers,
    }
  } finally {
    upstreams.close()
  }
}

/** @throws GatewayError when there is no caller that may use the route */
function callersOf({ callers }: Config, route: Route): string[] | undefined {
  if (callers === undefined || callers === 'anyone') return undefined
  let refusal: unknown
  const allowed = callers.filter((caller) => {
    try {
      checkCallerMay({ caller, hasKeyInAuthorization: false }, route)
      return true
    } catch (error) {
      refusal ??= error
      return false
    }
  })
  if (allowed.length === 0) throw refusal
  return allowed.map(({ name }) => name)
}

function authorityOf({ upstream }: Route): string {
  return isUpstreamTemplate(upstream) ? '(as the token says)' : upstream.authority
}

/** The fields and parameters that carry the token, with what may be shown of them: the scheme, and nothing that is filled in. */
function maskedInjection({ inject }: Credential): Injection {
  const fields: string[] = []
  const query: [string, string][] = []
  for (const target of inject) {
    if ('query' in target) query.push([target.query, masked])
    else {
      const [first] = target.value.reveal()
      const scheme = typeof first === 'string' && /^(Basic|Bearer|DPoP|OAuth|Token) $/i.test(first) ? first : ''
      fields.push(target.header, `${scheme}${masked}`)
    }
  }
  return { fields, query }
}

function maskedRoute(route: Route): Route {
  const mask = (values: Readonly<Record<string, Secret>>): Record<string, Secret> =>
    Object.fromEntries(Object.keys(values).map((name) => [name, Secret.of(masked)]))
  return { ...route, headers: { ...route.headers, set: mask(route.headers.set) }, query: { set: mask(route.query.set) } }
}

/** What a caller might send that could be lost on the way: what never goes on, and what the configuration names. */
function candidatesFor({ headers }: Route, injection: Injection | undefined, identityFields: readonly string[]): string[] {
  const injected = injection?.fields.filter((_, index) => index % 2 === 0) ?? []
  const named = [...headers.remove, ...Object.keys(headers.set), ...injected, ...identityFields]
  const always = [
    'Authorization',
    'Proxy-Authorization',
    'X-Bearerd-Key',
    'Keep-Alive',
    'TE',
    'Upgrade',
    'traceparent',
    'tracestate',
  ]
  const seen = new Set<string>()
  return [...always, ...named].filter((name) => !seen.has(name.toLowerCase()) && seen.add(name.toLowerCase()))
}

const candidateValue = 'of the caller'
