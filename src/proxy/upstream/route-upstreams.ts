import { LRUCache } from 'lru-cache'
import type { Config, Route } from '../../config/config.ts'
import { isUpstreamTemplate } from '../../config/schema/upstream.ts'
import type { UpstreamTemplate } from '../../config/schema/upstream.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import type { Log } from '../../telemetry/log.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { createTokenEndpointGuard } from '../routing/token-endpoint-guard.ts'
import { tokenUpstream } from './token-upstream.ts'
import { createUpstream } from './upstream.ts'
import type { Upstream } from './upstream.ts'

/** Where the requests of one route go. */
export interface RouteUpstreams {
  /** The one that is configured; undefined when the token decides. */
  readonly fixed: Upstream | undefined
  /**
   * Where a request with this token goes.
   * @throws GatewayError `upstream_invalid` when the token's response names no upstream that is allowed
   */
  of(token: AccessToken | undefined): Upstream
  /** Ends all connections. */
  close(): void
  /** Ends idle connections, and each of the others once its request is done. */
  retire(): void
}

/** Opens no connection yet. @param log told once of each token whose upstream is refused, and of certificates that cannot be used */
export function createRouteUpstreams(route: Route, credentials: Config['credentials'], log: Log): RouteUpstreams {
  const create = (url: UpstreamUrl): Upstream => createUpstream(url, route, createTokenEndpointGuard(url, credentials), log)
  if (isUpstreamTemplate(route.upstream)) return new TokenUpstreams(route.upstream, route, create, log)
  const fixed = create(route.upstream)
  return { fixed, of: () => fixed, close: () => fixed.close(), retire: () => fixed.retire() }
}

/** Providers have few instances; a credential with many identities may see more. An idle one costs nothing but its entry. */
const mostOrigins = 100

/** The upstreams of a route whose token decides: each origin has connections and `max_connections` of its own. */
class TokenUpstreams implements RouteUpstreams {
  readonly fixed = undefined
  readonly #template: UpstreamTemplate
  readonly #route: Route
  readonly #create: (url: UpstreamUrl) => Upstream
  readonly #log: Log
  /** What each token's response says, judged once. */
  readonly #judged = new WeakMap<AccessToken, UpstreamUrl | string>()
  /** By origin. One that is pushed out serves the requests that it has. */
  readonly #byOrigin = new LRUCache<string, Upstream>({ max: mostOrigins, dispose: (upstream) => upstream.retire() })

  #isRetired = false

  constructor(template: UpstreamTemplate, route: Route, create: (url: UpstreamUrl) => Upstream, log: Log) {
    this.#template = template
    this.#route = route
    this.#create = create
    this.#log = log
  }

  of(token: AccessToken | undefined): Upstream {
    if (token === undefined) throw new TypeError(`the route ${this.#route.label} cannot go without a token`)
    const url = this.#judged.get(token) ?? this.#judge(token)
    if (typeof url === 'string') throw new GatewayError('upstream_invalid', url, { proxyStatus: 'destination_not_found' })
    const origin = `${url.isTls ? 'https' : 'http'}://${url.authority}`
    let upstream = this.#byOrigin.get(origin)
    if (upstream === undefined) {
      upstream = this.#create(url)
      // For a request that a reload has overtaken, and then for no other.
      if (this.#isRetired) upstream.retire()
      this.#byOrigin.set(origin, upstream)
    }
    return upstream.basePath === url.basePath ? upstream : { ...upstream, basePath: url.basePath }
  }

  close(): void {
    for (const upstream of this.#byOrigin.values()) upstream.close()
  }

  retire(): void {
    this.#isRetired = true
    this.#byOrigin.clear()
  }

  #judge(token: AccessToken): UpstreamUrl | string {
    const judged = tokenUpstream(this.#template, this.#route, token.revealFields())
    this.#judged.set(token, judged)
    if (typeof judged === 'string') {
      this.#log.warn({ route: this.#route.label, error: 'upstream_invalid', token: token.fingerprint }, `no upstream: ${judged}`)
    }
    return judged
  }
}
