import { errorCode } from '../../network/error-code.ts'
import { isTlsAlert, isTlsCode, tlsFailureInWords } from '../../network/tls-failure.ts'
import { TunnelError } from '../../network/tunnel-error.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { InvalidAnswerError } from './http1/invalid-answer-error.ts'
import { RequestEndedError } from './http2/http2-error.ts'

/** What happened on the way to an upstream, before its answer's head was there. */
export class UpstreamError extends Error {
  override name = 'UpstreamError' as const
  /** What the caller is told, unless the request is sent again. */
  readonly gatewayError: GatewayError
  /**
   * The connection had been used before, and not a byte of an answer came: most likely the upstream had closed it already. Or the
   * upstream says that it has done nothing with the request (RFC 9113 8.7), which then counts as not sent.
   */
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
 * Says what has become of a connection.
 * @param error of the platform, of the way there, or about what the upstream sent; undefined for a clean end
 * @param isConnected whether the connection (TLS included) had been established
 * @param place host and port, for people
 */
export function gatewayErrorOf(error: Error | undefined, isConnected: boolean, place: string): GatewayError {
  if (error instanceof GatewayError) return error
  if (error instanceof RequestEndedError) {
    const detail = `${place} ended the request before it answered (HTTP/2, ${error.message})`
    return new GatewayError('upstream_reset', detail, { cause: error })
  }
  if (error instanceof InvalidAnswerError) {
    return new GatewayError('upstream_invalid', `the answer of ${place} is not valid HTTP: ${error.message}`, { cause: error })
  }
  if (error instanceof TunnelError) {
    const { message, proxyStatus, isTimeout } = error
    return new GatewayError(isTimeout ? 'upstream_timeout' : 'upstream_unreachable', message, { cause: error, proxyStatus })
  }
  const code = error === undefined ? 'closed' : (errorCode(error) ?? 'connection_failed')
  if (isConnected && !isTlsAlert(code)) {
    return new GatewayError('upstream_reset', `${place} closed the connection before it answered (${code})`, { cause: error })
  }
  const words = isTlsCode(code) ? tlsFailureInWords(code, 'tls') : undefined
  const detail = `no connection to ${place} (${code})${words === undefined ? '' : `: ${words}`}`
  return new GatewayError('upstream_unreachable', detail, { cause: error, proxyStatus: proxyStatusOf(code) })
}

/** What the caller is told of an answer that broke before anything of it was relayed. @param error as the body says */
export function brokenAnswer(error: Error | undefined): GatewayError {
  return error instanceof InvalidAnswerError
    ? new GatewayError('upstream_invalid', `the answer of the upstream is not valid HTTP: ${error.message}`, { cause: error })
    : new GatewayError('upstream_reset', 'the upstream closed the connection within its answer', { cause: error })
}

function proxyStatusOf(code: string): string {
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'dns_error'
  if (isTlsAlert(code)) return 'tls_alert_received'
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'tls_protocol_error'
  if (isTlsCode(code)) return 'tls_certificate_error'
  return /^(EHOSTUNREACH|ENETUNREACH)$/.test(code) ? 'destination_ip_unroutable' : 'connection_refused'
}
