/**
 * Every error that the gateway itself answers with: status, title (RFC 9457) and error type of Proxy-Status (RFC 9209 2.3). The
 * one place that turns a failure into an HTTP status.
 */
export const gatewayErrors = {
  no_route: { status: 404, title: 'No route has this path', proxyStatus: 'destination_not_found' },
  bad_request: {
    status: 400,
    title: 'The request is malformed or ambiguous',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  caller_unauthenticated: { status: 401, title: 'This caller is not known here', proxyStatus: 'http_request_denied' },
  caller_forbidden: { status: 403, title: 'This caller may not do this', proxyStatus: 'http_request_denied' },
  no_credential: {
    status: 404,
    title: 'No credential of this name is given out here',
    proxyStatus: 'destination_not_found',
  },
  no_new_token: {
    status: 401,
    title: 'There is no other token in place of the refused one',
    proxyStatus: 'proxy_internal_response',
  },
  token_endpoint_blocked: {
    status: 403,
    title: 'Token endpoints cannot be called through the gateway',
    proxyStatus: 'http_request_denied',
  },
  wrong_host: { status: 421, title: 'The request is meant for another host', proxyStatus: 'http_request_denied' },
  loop_detected: { status: 508, title: 'The request has come through this gateway before', proxyStatus: 'proxy_loop_detected' },
  method_not_allowed: { status: 405, title: 'This method is not let through', proxyStatus: 'http_request_denied' },
  path_not_allowed: { status: 403, title: 'This path is not let through', proxyStatus: 'http_request_denied' },
  request_too_large: { status: 413, title: 'The request body is too large', proxyStatus: 'http_request_denied' },
  token_refused: { status: 502, title: 'The token endpoint refused the credentials', proxyStatus: 'proxy_configuration_error' },
  token_unavailable: { status: 503, title: 'No token can be had at the moment', proxyStatus: 'destination_unavailable' },
  token_budget_exhausted: {
    status: 503,
    title: 'The budget for token requests is spent',
    proxyStatus: 'destination_unavailable',
  },
  upstream_unreachable: { status: 502, title: 'The upstream cannot be reached', proxyStatus: 'connection_refused' },
  upstream_reset: {
    status: 502,
    title: 'The upstream closed the connection without an answer',
    proxyStatus: 'connection_terminated',
  },
  upstream_invalid: { status: 502, title: 'The upstream or its answer is not valid', proxyStatus: 'http_protocol_error' },
  upstream_timeout: { status: 504, title: 'The upstream took too long', proxyStatus: 'http_response_timeout' },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  target_too_long: {
    status: 414,
    title: 'The request target is too long',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  expectation_failed: {
    status: 417,
    title: 'This expectation cannot be met',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  fields_too_large: {
    status: 431,
    title: 'The header fields are too large or too many',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  version_not_supported: {
    status: 505,
    title: 'This version of HTTP is not supported',
    proxyStatus: 'http_request_error',
    endsConnection: true,
  },
  shutting_down: {
    status: 503,
    title: 'The gateway is shutting down',
    proxyStatus: 'connection_limit_reached',
    endsConnection: true,
  },
  internal_error: { status: 500, title: 'An error inside the gateway', proxyStatus: 'proxy_internal_error' },
} as const satisfies Record<string, { status: number; title: string; proxyStatus: string; endsConnection?: true }>

export type GatewayErrorCode = keyof typeof gatewayErrors

/** What an error may say beyond its code. */
export interface GatewayErrorOptions extends ErrorOptions {
  /** For Retry-After. */
  readonly retryAfterMs?: number
  /** A more exact error type of RFC 9209 2.3 than the code's own. */
  readonly proxyStatus?: string
  /** For Allow, with 405 (RFC 9110 15.5.6). */
  readonly allow?: readonly string[]
  /** For WWW-Authenticate, with 401 (RFC 9110 15.5.2). */
  readonly challenge?: string
}

/** The gateway cannot or will not serve a request. Answered as a problem (RFC 9457) with the status of its code. */
export class GatewayError extends Error {
  override name = 'GatewayError' as const
  readonly code: GatewayErrorCode
  readonly status: number
  readonly title: string
  readonly proxyStatus: string
  readonly retryAfterMs: number | undefined
  readonly allow: readonly string[] | undefined
  readonly challenge: string | undefined

  /** @param detail for people: what is wrong and what to do; never holds a secret */
  constructor(
    code: GatewayErrorCode,
    detail: string,
    { retryAfterMs, proxyStatus, allow, challenge, ...options }: GatewayErrorOptions = {},
  ) {
    super(detail, options)
    const entry = gatewayErrors[code]
    this.code = code
    this.status = entry.status
    this.title = entry.title
    this.proxyStatus = proxyStatus ?? entry.proxyStatus
    this.retryAfterMs = retryAfterMs
    this.allow = allow
    this.challenge = challenge
  }

  /** Whether the rest of the connection cannot be trusted, or is not wanted, after this error. */
  get endsConnection(): boolean {
    return 'endsConnection' in gatewayErrors[this.code]
  }
}
