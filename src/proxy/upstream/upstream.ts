import type { Route } from '../../config/config.ts'
import { proxyOf } from '../../config/egress-proxy.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import type { Log } from '../../telemetry/log.ts'
import type { TokenEndpointGuard } from '../routing/token-endpoint-guard.ts'
import { ConnectionPool } from './http1/connection-pool.ts'
import { UpstreamTls } from './http1/upstream-tls.ts'
import { Http2Pool } from './http2/http2-pool.ts'
import type { UpstreamPool } from './upstream-pool.ts'

/** One upstream and the connections to it. */
export interface Upstream extends UpstreamUrl {
  readonly pool: UpstreamPool
  readonly timeouts: Route['timeouts']
  readonly tokenEndpointGuard: TokenEndpointGuard
  /** Ends all connections. */
  close(): void
  /** Ends idle connections, and each of the others once its request is done. */
  retire(): void
}

/** How often certificates are looked at while nobody needs a new connection. */
const lookAtFilesMs = 10_000

/** Opens no connection yet. TLS is always verified, against the upstream's name unless `tls.server_name` gives another. */
export function createUpstream(
  url: UpstreamUrl,
  {
    max_connections,
    timeouts,
    tls: files,
    http2,
    proxy,
  }: Pick<Route, 'max_connections' | 'timeouts' | 'tls' | 'http2' | 'proxy'>,
  tokenEndpointGuard: TokenEndpointGuard,
  log: Log,
): Upstream {
  const tls = url.isTls ? new UpstreamTls(files ?? {}, { onChange: () => pool.renew(), log }) : undefined
  const options = { max: max_connections, proxy: proxyOf(proxy, url), tls, connectMs: timeouts.connect }
  // Without TLS there is nothing to choose a version in (RFC 9113 3.3).
  const pool =
    http2 && url.isTls ? new Http2Pool(url, { ...options, waitMs: timeouts.response }) : new ConnectionPool(url, options)
  const timer = tls && files && setInterval(() => tls.refresh(), lookAtFilesMs).unref()
  return {
    ...url,
    pool,
    timeouts,
    tokenEndpointGuard,
    close: () => {
      clearInterval(timer)
      pool.close()
    },
    retire: () => {
      clearInterval(timer)
      pool.retire()
    },
  }
}
