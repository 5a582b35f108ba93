import type { Route } from '../../config/config.ts'
import type { Injection } from '../../oauth/injection.ts'
import { isHopByHop } from '../message/hop-by-hop.ts'
import { setParameter } from './query.ts'
import type { ReceivedRequest } from '../request/received-request.ts'
import type { Upstream } from './upstream.ts'

/** What is sent upstream. */
export interface UpstreamRequest {
  readonly method: string
  /** Origin-form. */
  readonly target: string
  /** Name, value, name, value, ... */
  readonly fields: string[]
  /** Bytes of the body; undefined when it is sent in chunks. 0 when there is none. */
  readonly contentLength: number | undefined
}

/** How one attempt differs from the request as received. */
export interface AttemptOptions {
  /** For Host (RFC 9110 7.2). */
  readonly authority: string
  readonly injection: Injection | undefined
  /** Pseudonym for Via, or `off`. */
  readonly via: string
  /** Leaves it to the upstream whether the body is wanted (RFC 9110 10.1.1). */
  readonly forwardsExpect: boolean
  /** The protocol to ask for, as received (RFC 9110 7.8). */
  readonly upgrade: string | undefined
  /** `traceparent` and `tracestate` in place of the caller's; undefined leaves those as they are. */
  readonly traceFields: readonly string[] | undefined
}

/**
 * The path that a request has at the upstream: base path and rest, joined byte for byte, never resolved.
 * @throws GatewayError `token_endpoint_blocked`
 */
export function upstreamPath({ basePath, tokenEndpointGuard }: Upstream, rest: string): string {
  const joined = `${basePath}${rest}`
  const path = joined === '' ? '/' : joined
  tokenEndpointGuard(path)
  return path
}

/**
 * Makes the request that is sent upstream. Strip first, add last: whatever a caller sends or nominates in Connection, the token
 * is set after it and cannot be removed or replaced.
 * @param path the path at the upstream
 */
export function makeUpstreamRequest(
  received: ReceivedRequest,
  route: Route,
  path: string,
  options: AttemptOptions,
): UpstreamRequest {
  const { authority, injection, via, forwardsExpect, upgrade, traceFields } = options
  const fields = ['Host', authority]
  copyFields(received, route, injection, { traceFields, into: fields })
  addFraming(received, fields)
  if (via !== 'off') fields.push('Via', `${received.version} ${via}`)
  if (forwardsExpect) fields.push('Expect', '100-continue')
  if (upgrade !== undefined) fields.push('Connection', 'Upgrade', 'Upgrade', upgrade)
  else if (received.acceptsTrailers) fields.push('TE', 'trailers', 'Connection', 'TE')
  for (const [name, value] of Object.entries(route.headers.set)) fields.push(name, value.reveal())
  if (injection !== undefined) fields.push(...injection.fields)

  let { query } = received.target
  for (const [name, value] of Object.entries(route.query.set)) query = setParameter(query, name, value.reveal())
  for (const [name, value] of injection?.query ?? []) query = setParameter(query, name, value)
  return { method: received.method, target: `${path}${query}`, fields, contentLength: received.contentLength }
}

/**
 * Made anew for the connection to the upstream, or never forwarded at all: what a caller proves itself with is between it and
 * the gateway, also where nobody asks for it any more.
 */
const ownFields = new Set([
  'authorization',
  'content-length',
  'expect',
  'host',
  'trailer',
  'x-bearerd-key',
  'x_bearerd_key',
  'x-bearerd_key',
  'x_bearerd-key',
])

/** @param traceFields in place of the caller's, unless the route says otherwise */
function copyFields(
  received: ReceivedRequest,
  route: Route,
  injection: Injection | undefined,
  { traceFields, into }: { readonly traceFields: readonly string[] | undefined; readonly into: string[] },
): void {
  const dropped = droppedNames(route, injection)
  const { fields, connectionOptions } = received
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string
    const lowerName = name.toLowerCase()
    if (isHopByHop(lowerName) || ownFields.has(lowerName) || connectionOptions?.has(lowerName) === true) continue
    if (traceFields !== undefined && traceNames.has(lowerName)) continue
    // Many servers take X_Api_Key for X-Api-Key, so the underscore twin of our own field goes too.
    if (dropped.size > 0 && (dropped.has(lowerName) || dropped.has(withHyphens(lowerName)))) continue
    into.push(
      name,
      lowerName === 'max-forwards' && received.method === 'OPTIONS'
        ? decremented(fields[index + 1])
        : (fields[index + 1] as string),
    )
  }
  for (let index = 0; index < (traceFields?.length ?? 0); index += 2) {
    const [name, value] = [traceFields?.[index] as string, traceFields?.[index + 1] as string]
    if (!dropped.has(name)) into.push(name, value)
  }
}

const traceNames = new Set(['traceparent', 'tracestate'])

/** What the last request of each route was made with: nearly always the next one has the same token. */
const droppedByRoute = new WeakMap<Route, { readonly injection: Injection | undefined; readonly names: ReadonlySet<string> }>()

/** The names, in lower case, of what a caller's fields must not say: because it is removed, or because we say it. */
function droppedNames(route: Route, injection: Injection | undefined): ReadonlySet<string> {
  const last = droppedByRoute.get(route)
  if (last !== undefined && last.injection === injection) return last.names
  const { headers, credential } = route
  const names = new Set(headers.remove.map((name) => name.toLowerCase()))
  // For whom the token is says the token; the field may be a secret, or mean something else to the upstream.
  for (const name of credential?.identityFields ?? []) names.add(name).add(withHyphens(name))
  for (const name of Object.keys(headers.set)) names.add(name.toLowerCase())
  const injected = injection?.fields ?? []
  for (let index = 0; index < injected.length; index += 2) names.add(withHyphens((injected[index] as string).toLowerCase()))
  droppedByRoute.set(route, { injection, names })
  return names
}

function withHyphens(name: string): string {
  return name.includes('_') ? name.replaceAll('_', '-') : name
}

/** RFC 9110 7.6.2; 0 has been answered by the gateway itself. */
function decremented(maxForwards: string | undefined): string {
  return String(Math.max(Number.parseInt(maxForwards ?? '', 10) - 1 || 0, 0))
}

/** RFC 9112 6: the framing is made anew, from what the parser understood, never copied. */
function addFraming({ contentLength, method, fields }: ReceivedRequest, into: string[]): void {
  if (contentLength === undefined) into.push('Transfer-Encoding', 'chunked')
  else if (contentLength > 0 || expectsContent.has(method) || hasLength(fields))
    into.push('Content-Length', String(contentLength))
}

/** RFC 9110 8.6: a length of 0 is sent where content is usual. */
const expectsContent = new Set(['POST', 'PUT', 'PATCH'])

function hasLength(fields: readonly string[]): boolean {
  return fields.some((name, index) => index % 2 === 0 && name.length === 14 && name.toLowerCase() === 'content-length')
}
