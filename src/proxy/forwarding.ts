import type { Config, Route } from '../config/config.ts'
import type { Exchange } from './caller/exchange.ts'
import type { ReceivedRequest } from './request/received-request.ts'
import type { RequestBody } from './request/request-body.ts'
import type { RequestTrace } from './tracing/request-trace.ts'
import type { RouteUpstreams } from './upstream/route-upstreams.ts'

/** One request on its way through the gateway: what every step from the upstream's choice to the relayed answer goes by. */
export interface Forwarding {
  readonly exchange: Exchange
  readonly received: ReceivedRequest
  readonly body: RequestBody
  readonly route: Route
  /** The path behind the route's prefix. */
  readonly rest: string
  /** The path at the upstream; undefined when the token decides on the upstream. */
  readonly path: string | undefined
  readonly upstreams: RouteUpstreams
  /** Pseudonym for Via, or `off`. */
  readonly via: string
  readonly limits: Config['limits']
  readonly trace: RequestTrace
}
