import type { Config } from '../../config/config.ts'
import { isLoopbackHost } from '../../config/loopback.ts'
import { socketAddressOf } from '../../config/schema/url.ts'
import type { UpstreamUrl } from '../../config/schema/url.ts'
import { GatewayError } from '../errors/gateway-error.ts'

/** Refuses a path of an upstream that is a token endpoint. @param path the path that would be sent upstream */
export type TokenEndpointGuard = (path: string) => void

/**
 * Keeps callers away from token endpoints on an upstream (Gett and GetBill serve both from one host): a call would
 * hand out a real token and spend the budget.
 * @returns a guard that throws GatewayError `token_endpoint_blocked`
 */
export function createTokenEndpointGuard(upstream: UpstreamUrl, credentials: Config['credentials']): TokenEndpointGuard {
  const place = placeOf(upstream)
  const blocked = new Set<string>()
  for (const { token_endpoint } of credentials.values()) {
    if (token_endpoint === undefined) continue
    const url = new URL(token_endpoint)
    if (placeOf(socketAddressOf(url)) === place) blocked.add(canonicalPath(url.pathname))
  }
  if (blocked.size === 0) return () => {}
  return (path) => {
    if (blocked.has(canonicalPath(path))) {
      throw new GatewayError(
        'token_endpoint_blocked',
        'the gateway gets the tokens itself; call the API and leave the token endpoint to it',
      )
    }
  }
}

/** This machine has many names. */
function placeOf({ hostname, port }: Pick<UpstreamUrl, 'hostname' | 'port'>): string {
  return `${isLoopbackHost(hostname) ? 'localhost' : hostname}:${port}`
}

/** What lenient servers take for the same path: decoded (also twice), slashes of any kind folded, parameters and case ignored. */
function canonicalPath(path: string): string {
  // Nearly every path is in this form already, but for case and a last slash.
  if (!/[%;\\]|\/\//.test(path)) return (path.endsWith('/') ? path.slice(0, -1) : path).toLowerCase()
  let decoded = path
  for (let round = 0; round < 3; round++) {
    decoded = decoded.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  }
  return decoded
    .replace(/;[^/\\]*/g, '')
    .replace(/[/\\]+/g, '/')
    .replace(/\/$/, '')
    .toLowerCase()
}
