import type { Credential } from '../config/config.ts'
import { requestFieldOf } from '../config/request-values.ts'

/**
 * For whom a token is: the values of the fields that the credential names in `identityFields`, in their order. It may say who a
 * person is: never log it.
 */
export type Identity = readonly string[]

/** Where there is one token for all. */
export const nobody: Identity = []

/** The value that a placeholder takes from the caller's request; undefined when it names none. */
export function identityValue(
  { identityFields }: Pick<Credential, 'identityFields'>,
  identity: Identity,
  placeholder: string,
): string | undefined {
  const name = requestFieldOf(placeholder)
  return name === undefined ? undefined : identity[identityFields.indexOf(name)]
}
