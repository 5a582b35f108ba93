import { GatewayError } from '../errors/gateway-error.ts'

/** What happened on the way to an upstream, before its answer's head was there. */
export class UpstreamError extends Error {
  override name = 'UpstreamError' as const
  /** What the caller is told, unless the request is sent again. */
  readonly gatewayError: GatewayError
  /** The connection had been used before, and not a byte of an answer came: most likely the upstream had closed it already. */
  readonly isStale: boolean
  /** Whether any byte of the request went out. */
  readonly isSent: boolean

  constructor(gatewayError: GatewayError, { isStale, isSent }: { readonly isStale: boolean; readonly isSent: boolean }) {
    super(gatewayError.message, { cause: gatewayError.cause })
    this.gatewayError = gatewayError
    this.isStale = isStale
    this.isSent = isSent
  }
}

/**
 * Says what an error of the platform's client means, by its code.
 * @param isConnected whether the connection (TLS included) had been established
 * @param place host and port, for people
 */
export function gatewayErrorOf(error: Error & { readonly code?: string }, isConnected: boolean, place: string): GatewayError {
  const code = codeOf(error)
  if (code.startsWith('HPE_')) {
    return new GatewayError('upstream_invalid', `the answer of ${place} is not valid HTTP (${code})`, { cause: error })
  }
  if (isConnected) {
    return new GatewayError('upstream_reset', `${place} closed the connection before it answered (${code})`, { cause: error })
  }
  const proxyStatus = /^(ENOTFOUND|EAI_)/.test(code)
    ? 'dns_error'
    : isTlsCode(code)
      ? 'tls_certificate_error'
      : /^(EHOSTUNREACH|ENETUNREACH)$/.test(code)
        ? 'destination_ip_unroutable'
        : 'connection_refused'
  return new GatewayError('upstream_unreachable', `no connection to ${place} (${code})`, { cause: error, proxyStatus })
}

/** Codes of OpenSSL's verification and of Node's TLS. */
function isTlsCode(code: string): boolean {
  return /^ERR_(TLS|SSL)|CERT|SELF_SIGNED|UNABLE_TO|CRL/.test(code)
}

function codeOf(error: Error & { readonly code?: string }): string {
  if (error.code !== undefined) return error.code
  // Happy Eyeballs wraps the errors of all addresses.
  return error instanceof AggregateError && error.errors[0] instanceof Error ? codeOf(error.errors[0]) : 'connection_failed'
}
