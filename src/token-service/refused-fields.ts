import type { Credential } from '../config/config.ts'
import { tokenFieldsOf } from '../config/injected-fields.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import { trimOws, valuesOf } from '../proxy/message/fields.ts'
import type { AccessToken } from '../tokens/access-token.ts'

/** The fields that carried a token which an upstream refused; names in lower case. Holds a secret: never log it. */
export type RefusedFields = ReadonlyMap<string, string>

/**
 * Reads what was refused: the fields that carry the token, as `/authorize` gave them, each exactly once.
 * @param fields name, value, name, value, ...
 * @throws GatewayError `bad_request` naming a field, never its value
 */
export function refusedFieldsOf(credential: Credential, fields: readonly string[]): RefusedFields {
  return new Map(
    tokenFieldsOf(credential).map((name) => {
      if (credential.identityFields.includes(name)) {
        throw new GatewayError(
          'bad_request',
          `the field ${name} says for whom the token is, and so cannot say which one was refused; this credential has no /reject`,
        )
      }
      const [value = '', ...others] = valuesOf(fields, name)
      if (others.length > 0) throw new GatewayError('bad_request', `the request has more than one field ${name}, ${purpose}`)
      if (value === '') throw new GatewayError('bad_request', `the request has no field ${name}, ${purpose}`)
      return [name, value]
    }),
  )
}

const purpose = 'which says what was refused; send it once, as /authorize gave it'

/** Whether it is this token that was refused. */
export function isRefused(token: AccessToken, refused: RefusedFields): boolean {
  const { fields } = token.reveal()
  return [...refused].every(([name, value]) => valuesOf(fields, name).some((injected) => trimOws(injected) === value))
}
