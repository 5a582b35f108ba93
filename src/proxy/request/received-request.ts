import type { IncomingMessage } from 'node:http'
import type { Config } from '../../config/config.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { trimOws, valuesOf } from '../message/fields.ts'
import { connectionOptions } from '../message/hop-by-hop.ts'
import { readRequestTarget } from './request-target.ts'
import type { RequestTarget } from './request-target.ts'

/** A caller's request, checked; never changed. */
export interface ReceivedRequest {
  readonly method: string
  readonly target: RequestTarget
  /** `1.0` or `1.1`. */
  readonly version: string
  /** Name, value, name, value, ... as received. */
  readonly fields: readonly string[]
  /** What the Connection fields nominate beyond the usual; lower-case names. */
  readonly connectionOptions: ReadonlySet<string> | undefined
  /** The host and port that the request is for: of an absolute-form target, else of Host. */
  readonly authority: string
  /** The Host field; empty when HTTP/1.0 came without. */
  readonly host: string
  /** Bytes of the body; undefined when it is chunked. 0 when there is none. */
  readonly contentLength: number | undefined
  /** `Expect: 100-continue` with a body to wait for (RFC 9110 10.1.1). */
  readonly expectsContinue: boolean
  readonly acceptsTrailers: boolean
}

/** RFC 3986 3.2: host and port, without user information. */
const authoritySyntax = /^(?:\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]+)(?::\d*)?$/i

/** What the parser understood of the head of a request. */
export type RequestHead = Readonly<Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders' | 'httpVersion' | 'httpVersionMajor'>>

/**
 * Checks what Node's parser lets through and a gateway must not (RFC 9112), and reads what forwarding needs.
 * @throws GatewayError when the request must not be forwarded
 */
export function receiveRequest(request: RequestHead, limits: Config['limits'], expectsContinue: boolean): ReceivedRequest {
  const { method = '', url = '', rawHeaders: fields, httpVersion: version } = request
  if (request.httpVersionMajor !== 1) throw new GatewayError('version_not_supported', 'the gateway speaks HTTP/1.1 and HTTP/1.0')
  if (url.length > limits.target) {
    throw new GatewayError('target_too_long', `the request target is longer than ${limits.target} bytes (limits.target)`)
  }
  if (lengthOf(fields) > limits.headers) {
    throw new GatewayError(
      'fields_too_large',
      `the fields of the request are longer than ${limits.headers} bytes (limits.headers)`,
    )
  }
  if (fields.length / 2 > limits.header_count) {
    throw new GatewayError('fields_too_large', `the request has more than ${limits.header_count} fields (limits.header_count)`)
  }
  if (method === 'TRACE') {
    // RFC 9110 9.3.8: the answer would hold the fields of the request, and so the token.
    throw new GatewayError('method_not_allowed', 'TRACE is never forwarded', { allow: [] })
  }
  const host = hostOf(fields, version)
  const target = readRequestTarget(url)
  if (target.authority !== undefined && !authoritySyntax.test(target.authority)) {
    throw new GatewayError('bad_request', 'the authority of the request target is not valid (RFC 9112 3.2.2)')
  }
  if (target.path === '*' && method !== 'OPTIONS') {
    throw new GatewayError('bad_request', 'the target * is for OPTIONS only (RFC 9112 3.2.4)')
  }
  const contentLength = contentLengthOf(fields, version)
  return {
    method,
    target,
    version,
    fields,
    connectionOptions: connectionOptions(fields),
    authority: target.authority ?? host,
    host,
    contentLength,
    expectsContinue: expectsContinue && contentLength !== 0,
    acceptsTrailers: version === '1.1' && valuesOf(fields, 'te').some((value) => /(?:^|[,\s])trailers(?:$|[,;\s])/i.test(value)),
  }
}

/** As on the wire, with colon, space and line break. */
function lengthOf(fields: readonly string[]): number {
  let length = 0
  for (const part of fields) length += part.length + 2
  return length
}

/** RFC 9112 3.2: exactly one valid Host; HTTP/1.0 may have none. */
function hostOf(fields: readonly string[], version: string): string {
  const hosts = valuesOf(fields, 'host')
  if (hosts.length > 1) throw new GatewayError('bad_request', 'the request has more than one Host (RFC 9112 3.2)')
  const host = hosts[0]
  if (host === undefined && version === '1.0') return ''
  if (host === undefined) throw new GatewayError('bad_request', 'the request has no Host (RFC 9112 3.2)')
  if (!authoritySyntax.test(host)) throw new GatewayError('bad_request', 'the Host of the request is not valid (RFC 9112 3.2)')
  return host
}

/** RFC 9112 6.1 to 6.3. Conflicting or repeated lengths are refused by the parser already. */
function contentLengthOf(fields: readonly string[], version: string): number | undefined {
  const codings = valuesOf(fields, 'transfer-encoding')
  if (codings.length > 0) {
    if (version === '1.0')
      throw new GatewayError('bad_request', 'Transfer-Encoding in HTTP/1.0 makes the framing faulty (RFC 9112 6.1)')
    if (codings.length > 1 || trimOws(codings[0] ?? '').toLowerCase() !== 'chunked') {
      throw new GatewayError('bad_request', 'the only transfer coding understood is a single chunked (RFC 9112 6.1)')
    }
    return undefined
  }
  const length = Number(valuesOf(fields, 'content-length')[0] ?? 0)
  if (!Number.isSafeInteger(length)) throw new GatewayError('bad_request', 'the Content-Length is not a length (RFC 9110 8.6)')
  return length
}
