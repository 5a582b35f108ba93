import type { Config, Credential } from '../config/config.ts'
import { isInFields } from '../config/injected-fields.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import type { ReceivedRequest } from '../proxy/request/received-request.ts'

/** What a request of the token service asks for. */
export interface Asked {
  readonly operation: 'authorize' | 'reject'
  readonly credential: Credential
}

/**
 * Reads what is asked. A name is compared as it is written, never decoded: no name of a credential needs an escape.
 *
 * What follows the name, and the method, say nothing in `/authorize/NAME`: Envoy puts the path of the request that it asks for behind its
 * prefix, and asks with the method of that request.
 * @throws GatewayError `no_route`, `no_credential` or `method_not_allowed`
 */
export function askedOf({ method, target }: ReceivedRequest, credentials: Config['credentials']): Asked {
  const [, operation, name = '', rest] = /^\/(authorize|reject)\/([^/]+)(\/.*)?$/.exec(target.path) ?? []
  if (operation === undefined || (operation === 'reject' && rest !== undefined)) {
    throw new GatewayError('no_route', 'there is /authorize/CREDENTIAL and /reject/CREDENTIAL here')
  }
  const credential = credentials.get(name)
  if (credential === undefined) {
    throw new GatewayError('no_credential', 'the configuration has no credential of this name; names are written without escapes')
  }
  if (!isInFields(credential)) {
    throw new GatewayError(
      'no_credential',
      `the token of the credential ${name} goes into the query of a request, and only fields can be given out`,
    )
  }
  if (operation === 'authorize') return { operation, credential }
  if (method !== 'POST') {
    throw new GatewayError('method_not_allowed', 'what was refused is reported with POST', { allow: ['POST'] })
  }
  return { operation: 'reject', credential }
}
