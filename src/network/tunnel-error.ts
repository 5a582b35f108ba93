/**
 * An egress proxy that gave no tunnel. What it answered is never anybody else's answer: a 401 of it says nothing about a token.
 * The proxy maps it to `upstream_unreachable` (502), or `upstream_timeout` (504) when `isTimeout`.
 */
export class TunnelError extends Error {
  override name = 'TunnelError' as const
  readonly code = 'tunnel_failed'
  readonly isTimeout: boolean
  /** Error type of RFC 9209 2.3. */
  readonly proxyStatus: string

  /** @param message for people: what is wrong and what to do; never holds the proxy's credentials */
  constructor(
    message: string,
    proxyStatus: string,
    { isTimeout = false, ...options }: ErrorOptions & { isTimeout?: boolean } = {},
  ) {
    super(message, options)
    this.isTimeout = isTimeout
    this.proxyStatus = proxyStatus
  }
}
