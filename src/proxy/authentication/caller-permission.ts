import type { Route } from '../../config/config.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { KnownCaller } from './authenticator.ts'

/**
 * Checks that a caller may use a route, and that its key does not stand where the route wants something else.
 * @throws GatewayError `caller_forbidden`, or `caller_unauthenticated` for the key
 */
export function checkCallerMay({ caller, hasKeyInAuthorization }: KnownCaller, { label, credential }: Route): void {
  if (caller.routes !== undefined && !caller.routes.includes(label)) {
    throw new GatewayError(
      'caller_forbidden',
      `the caller ${caller.name} may not use this route; name it under its "routes" if it may`,
    )
  }
  // The token endpoint would get the key in place of whom the token is for.
  if (hasKeyInAuthorization && credential?.identityFields.includes('authorization') === true) {
    throw new GatewayError(
      'caller_unauthenticated',
      'on this route Authorization says for whom the token is; send the key of the caller in X-Bearerd-Key',
      { challenge: 'Bearer realm="bearerd"' },
    )
  }
}
