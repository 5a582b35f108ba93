import type { Place } from '../../../config/egress-proxy.ts'
import { GatewayError } from '../../errors/gateway-error.ts'

/** A connection took too long. */
export function noConnection({ hostname, port }: Place, connectMs: number): GatewayError {
  const detail = `no connection to ${hostname}:${port} within ${connectMs} ms`
  return new GatewayError('upstream_timeout', detail, { proxyStatus: 'connection_timeout' })
}

/** All streams that the upstream allows were taken for too long. */
export function noStream({ hostname }: Place, waitMs: number): GatewayError {
  const why = 'its limit of HTTP/2 streams, and max_connections'
  return new GatewayError('upstream_timeout', `no stream to ${hostname} became free within ${waitMs} ms (${why})`)
}
