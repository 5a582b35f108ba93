import { CallerGoneError } from '../caller/exchange.ts'
import type { Exchange } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { Upstream } from './upstream.ts'

/**
 * Waits in line for a connection to the upstream, where all are taken.
 * @throws CallerGoneError when the caller leaves the line, GatewayError `upstream_timeout` when it takes longer than an answer
 * may
 */
export function waitForSlot(exchange: Exchange, { pool, timeouts, hostname }: Upstream): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = pool.slots.wait(() => {
      clearTimeout(timer)
      resolve()
    })
    const timer = setTimeout(() => {
      leave()
      reject(
        new GatewayError(
          'upstream_timeout',
          `no connection to ${hostname} became free within ${timeouts.response} ms (max_connections)`,
        ),
      )
    }, timeouts.response)
    exchange.onGone = () => {
      clearTimeout(timer)
      leave()
      reject(new CallerGoneError())
    }
  })
}
