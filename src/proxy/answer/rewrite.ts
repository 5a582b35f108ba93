import type { UpstreamUrl } from '../../config/schema/url.ts'

/** Between which two places an answer is carried over. */
export interface RewriteContext {
  readonly upstream: UpstreamUrl
  /** The route's path prefix; empty for the root. */
  readonly prefix: string
  /** Scheme and authority under which the caller knows the gateway; undefined when it did not say. */
  readonly gatewayOrigin: string | undefined
}

/**
 * Makes a Location (RFC 9110 10.2.2) that points at the upstream point at the gateway, so that the caller that follows it comes
 * back and gets its token. Anything else stays as it is. What was absolute stays absolute, for callers that know no other.
 */
export function rewriteLocation(location: string, context: RewriteContext): string {
  const [, scheme, authority, path] = /^(?:([a-z][a-z0-9+.-]*):)?\/\/([^/?#]*)(.*)$/is.exec(location) ?? []
  if (authority === undefined || path === undefined) {
    return location.startsWith('/') ? (throughGateway(location, context) ?? location) : location
  }
  if (!isUpstream(scheme, authority, context.upstream)) return location
  const mapped = throughGateway(path, context)
  return mapped === undefined ? location : `${context.gatewayOrigin ?? ''}${mapped}`
}

function isUpstream(scheme: string | undefined, authority: string, { isTls, authority: own }: UpstreamUrl): boolean {
  const ownScheme = isTls ? 'https' : 'http'
  if (scheme !== undefined && scheme.toLowerCase() !== ownScheme) return false
  const port = isTls ? /:443$/ : /:80$/
  return authority.toLowerCase().replace(port, '') === own
}

/** Takes the base path off and puts the prefix on; undefined for a path that is not below the base path. */
function throughGateway(path: string, { upstream, prefix }: RewriteContext): string | undefined {
  const { basePath } = upstream
  if (!path.startsWith(basePath)) return undefined
  const rest = path.slice(basePath.length)
  if (rest === '' || rest.startsWith('/')) return `${prefix}${rest}` || '/'
  // `https://api.example.com?x=1` has an empty path.
  return /^[?#]/.test(rest) ? `${prefix === '' ? '/' : prefix}${rest}` : undefined
}

/**
 * Makes a Set-Cookie (RFC 6265 4.1) of the upstream fit the gateway: without Domain it belongs to the host that the caller
 * called, and Path gets the route's prefix.
 */
export function rewriteSetCookie(cookie: string, context: RewriteContext): string {
  const [pair = '', ...attributes] = cookie.split(';')
  // RFC 6265bis 4.1.3: such a cookie is void with any other Path.
  const isHostCookie = /^\s*__Host-/i.test(pair)
  const rewritten = attributes.flatMap((attribute) => {
    const [, name = '', value = ''] = /^\s*([^=]*?)\s*(?:=\s*(.*?)\s*)?$/s.exec(attribute) ?? []
    if (name.toLowerCase() === 'domain') return isUpstreamDomain(value, context.upstream.hostname) ? [] : [attribute]
    if (name.toLowerCase() !== 'path' || isHostCookie) return [attribute]
    const path = throughGateway(value, context)
    return path === undefined ? [attribute] : [` Path=${path}`]
  })
  return [pair, ...rewritten].join(';')
}

/** RFC 6265 5.1.3: the upstream's own name or one above it. */
function isUpstreamDomain(domain: string, hostname: string): boolean {
  const name = domain.replace(/^\./, '').toLowerCase()
  return hostname === name || hostname.endsWith(`.${name}`)
}
