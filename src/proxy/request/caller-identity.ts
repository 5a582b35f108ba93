import type { Credential } from '../../config/config.ts'
import { nobody } from '../../oauth/identity.ts'
import type { Identity } from '../../oauth/identity.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import type { ReceivedRequest } from './received-request.ts'

/** Characters of a value: room for a signed token, and a bound for what 10,000 identities take up. */
const longest = 4_096

/**
 * For whom a request wants a token: what stands in the fields that the credential names. Each must be there exactly once: of two
 * values, bearerd and the caller's own checks might each take another.
 * @throws GatewayError `bad_request` naming the field, never its value
 */
export function callerIdentity({ identityFields }: Credential, { fields }: ReceivedRequest): Identity {
  if (identityFields.length === 0) return nobody
  return identityFields.map((name) => {
    const [value = '', ...others] = valuesOf(fields, name)
    if (others.length > 0) throw new GatewayError('bad_request', `the request has more than one field ${name}, ${purpose}`)
    if (value === '') throw new GatewayError('bad_request', `the request has no field ${name}, ${purpose}`)
    if (value.length > longest)
      throw new GatewayError('bad_request', `the field ${name} of the request is longer than ${longest} bytes`)
    // RFC 9110 5.5: anything else has no meaning that all who read it agree on.
    if (!/^[\x20-\x7e]+$/.test(value)) {
      throw new GatewayError('bad_request', `the field ${name} of the request holds more than visible ASCII`)
    }
    return value
  })
}

const purpose = 'which says for whom the token is; send it once'
