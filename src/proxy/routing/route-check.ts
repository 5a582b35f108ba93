import type { Route } from '../../config/config.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { ReceivedRequest } from '../request/received-request.ts'

/**
 * Checks what a route lets through.
 * @param rest the path behind the route's prefix
 * @throws GatewayError `method_not_allowed`, `path_not_allowed` or `request_too_large`
 */
export function checkRouteAllows(
  { methods, allow_paths, max_request_body }: Route,
  { method, contentLength }: ReceivedRequest,
  rest: string,
): void {
  if (methods !== undefined && !methods.includes(method)) {
    throw new GatewayError('method_not_allowed', `this route lets through ${methods.join(', ')}`, { allow: methods })
  }
  const isAllowed = (path: string): boolean => rest === path || rest.startsWith(`${path}/`)
  if (allow_paths !== undefined && !allow_paths.some(isAllowed)) {
    throw new GatewayError('path_not_allowed', `this route lets through ${allow_paths.join(', ')} below its prefix`)
  }
  if (max_request_body !== undefined && contentLength !== undefined && contentLength > max_request_body) {
    throw new GatewayError('request_too_large', `this route takes bodies of up to ${max_request_body} bytes (max_request_body)`)
  }
}
