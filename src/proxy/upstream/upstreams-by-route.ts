import type { Config, Route } from '../../config/config.ts'
import { sayingOf } from '../../config/same-config.ts'
import type { Log } from '../../telemetry/log.ts'
import { createRouteUpstreams } from './route-upstreams.ts'
import type { RouteUpstreams } from './route-upstreams.ts'

/** The upstreams of all routes of a configuration, made beforehand; a look-up is all that a request pays. */
export class UpstreamsByRoute {
  readonly #byRoute = new Map<Route, RouteUpstreams>()
  /** By what the configuration says of them. */
  readonly #bySaying = new Map<string, RouteUpstreams>()

  /** @param before those of the configuration before: of which the same is said now, they are taken over with their connections */
  constructor({ routes, credentials }: Config, log: Log, before?: UpstreamsByRoute) {
    const tokenEndpoints = [...credentials.values()].map(({ token_endpoint }) => token_endpoint)
    const known = before === undefined ? undefined : before.#bySaying
    for (const route of routes) {
      const saying = sayingOf([connectionsOf(route), tokenEndpoints])
      const upstreams = known?.get(saying) ?? createRouteUpstreams(route, credentials, log)
      this.#byRoute.set(route, upstreams)
      this.#bySaying.set(saying, upstreams)
    }
  }

  /** @throws TypeError for a route of another configuration */
  of(route: Route): RouteUpstreams {
    const upstreams = this.#byRoute.get(route)
    if (upstreams === undefined) throw new TypeError(`unknown route ${route.label}`)
    return upstreams
  }

  /** Lets go of those that a later configuration does not use: their requests finish, then their connections end. */
  retireAllBut(later: UpstreamsByRoute): void {
    const kept = new Set(later.#byRoute.values())
    for (const upstreams of this.#byRoute.values()) if (!kept.has(upstreams)) upstreams.retire()
  }

  /** Ends all connections. */
  close(): void {
    for (const upstreams of this.#byRoute.values()) upstreams.close()
  }
}

/** What is decided before there is an upstream, or after its answer. */
const withoutEffect: ReadonlySet<string> = new Set(['methods', 'allow_paths', 'headers', 'query', 'rewrite', 'replay'])

function connectionsOf(route: Route): unknown {
  const rest = Object.fromEntries(Object.entries(route).filter(([key]) => !withoutEffect.has(key)))
  return { ...rest, credential: route.credential?.name }
}
