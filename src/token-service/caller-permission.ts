import type { Credential } from '../config/config.ts'
import { tokenFieldsOf } from '../config/injected-fields.ts'
import type { TokenServiceCaller } from '../config/schema/callers.ts'
import type { KnownCaller } from '../proxy/authentication/authenticator.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import type { Asked } from './asked.ts'

/**
 * Checks that a caller may have what it asks for, and that its own proof does not stand where something else has to.
 * @param callers those of the configuration that the caller is known by
 * @throws GatewayError `caller_forbidden`, or `caller_unauthenticated` for the proof
 */
export function checkCallerMayHave(
  { caller, hasKeyInAuthorization }: KnownCaller,
  { operation, credential }: Asked,
  callers: readonly TokenServiceCaller[],
): void {
  const named = callers.find(({ name }) => name === caller.name)?.credentials
  if (named !== undefined && !named.includes(credential.name)) {
    throw new GatewayError(
      'caller_forbidden',
      `the caller ${caller.name} may not have the tokens of this credential; name it under its "credentials" if it may`,
    )
  }
  // A signed token is looked for nowhere else, and nobody could tell it from a token that was refused.
  const isInAuthorization = hasKeyInAuthorization || (operation === 'reject' && caller.jwt !== undefined)
  const meaning = meaningOfAuthorization(operation, credential)
  if (isInAuthorization && meaning !== undefined) {
    throw new GatewayError(
      'caller_unauthenticated',
      `Authorization says ${meaning} here; prove the caller by a key in X-Bearerd-Key, a client certificate or its address`,
      { challenge: 'Bearer realm="bearerd"' },
    )
  }
}

function meaningOfAuthorization(operation: Asked['operation'], credential: Credential): string | undefined {
  if (credential.identityFields.includes('authorization')) return 'for whom the token is'
  return operation === 'reject' && tokenFieldsOf(credential).includes('authorization') ? 'what was refused' : undefined
}
