import type { Route } from '../../config/config.ts'
import { hostnameOf } from '../message/host.ts'
import { GatewayError } from '../errors/gateway-error.ts'

/** A route that a request matches, and what of its path is left for the upstream. */
export interface RouteMatch {
  readonly route: Route
  /** The path behind the prefix, byte for byte; empty or starting with a slash. */
  readonly rest: string
}

/** Finds the route of a request. */
export type RouteTable = (authority: string, path: string) => RouteMatch

/**
 * Sorts the routes once: those with a host before those without, longer prefixes before shorter ones. Prefixes are compared
 * with the received bytes, because what is compared must be what is forwarded.
 * @returns a lookup that throws GatewayError `no_route`
 */
export function createRouteTable(routes: readonly Route[]): RouteTable {
  const sorted = [...routes].sort(
    (a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length,
  )
  const hasHosts = routes.some((route) => route.host !== undefined)

  return (authority, path) => {
    const hostname = hasHosts ? hostnameOf(authority) : ''
    for (const route of sorted) {
      if (route.host !== undefined && route.host !== hostname) continue
      const prefix = route.path
      // On segment boundaries: /gett does not match /gettysburg.
      if (path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f)) {
        return { route, rest: path.slice(prefix.length) }
      }
    }
    throw new GatewayError('no_route', `no route has this path; routes here: ${routes.map(({ label }) => label).join(', ')}`)
  }
}
