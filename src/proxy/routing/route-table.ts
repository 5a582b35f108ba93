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
  const sorted = inOrder(routes)
  const hasHosts = routes.some((route) => route.host !== undefined)

  return (authority, path) => {
    const hostname = hasHosts ? hostnameOf(authority) : ''
    for (const route of sorted) {
      if (missOf(route, hostname, path) === undefined) return { route, rest: path.slice(route.path.length) }
    }
    const labels = routes.length === 0 ? 'none' : routes.map(({ label }) => label).join(', ')
    throw new GatewayError('no_route', `no route has this path; routes here: ${labels}`)
  }
}

/** Why a route is not that of a request: another host or path, or it would match if no route before it did. */
export type RouteMiss = 'host' | 'path' | 'later'

/** Says of every route, in the order in which they are tried, why it is not that of a request; of the one that is, undefined. */
export function explainRoutes(
  routes: readonly Route[],
  authority: string,
  path: string,
): { readonly route: Route; readonly miss: RouteMiss | undefined }[] {
  let isFound = false
  return inOrder(routes).map((route) => {
    const miss = missOf(route, hostnameOf(authority), path) ?? (isFound ? 'later' : undefined)
    isFound ||= miss === undefined
    return { route, miss }
  })
}

function inOrder(routes: readonly Route[]): Route[] {
  return [...routes].sort((a, b) => Number(b.host !== undefined) - Number(a.host !== undefined) || b.path.length - a.path.length)
}

function missOf({ host, path: prefix }: Route, hostname: string, path: string): 'host' | 'path' | undefined {
  if (host !== undefined && host !== hostname) return 'host'
  // On segment boundaries: /gett does not match /gettysburg.
  const isBelow = path.startsWith(prefix) && (path.length === prefix.length || path.charCodeAt(prefix.length) === 0x2f)
  return isBelow ? undefined : 'path'
}
