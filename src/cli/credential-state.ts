import type { CredentialStatus } from '../admin/credential-status.ts'
import type { Config } from '../config/config.ts'
import { formatAddress } from '../config/schema/listen.ts'
import { askAdmin } from './ask-admin.ts'

/** More than a gateway with a thousand routes says of itself. */
const limits = { withinMs: 2_000, longestAnswer: 4 * 1_048_576 }

const words = { none: 'no token yet', fresh: 'fresh', stale: 'to be renewed', expired: 'expired' }

/**
 * Asks the gateway that runs with a configuration in what state the token of a credential is.
 * @returns for people: the state, or why it is not known
 */
export async function credentialState({ admin }: Pick<Config, 'admin'>, name: string): Promise<string> {
  const shown = `/status at ${formatAddress(admin.listen)}`
  const answer = await askAdmin(admin, '/status', limits)
  if (typeof answer === 'string') return `not known: ${shown} ${answer}`
  if (answer.status !== 200) return `not known: ${shown} is ${answer.status}${answer.status === 401 ? ' (admin.callers)' : ''}`
  const credential = credentialsIn(answer.text).find((each) => each.name === name)
  return credential === undefined ? `not known: ${shown} says nothing of it` : stateInWords(credential)
}

function credentialsIn(text: string): readonly CredentialStatus[] {
  try {
    const { credentials } = JSON.parse(text) as { readonly credentials?: readonly CredentialStatus[] }
    return Array.isArray(credentials) ? credentials : []
  } catch {
    return []
  }
}

function stateInWords({ state, identities, expires, last_error: error, back_off_seconds: pause }: CredentialStatus): string {
  const said = [identities === null ? words[state] : `${identities.tokens} tokens, one for each identity`]
  if (expires !== null) said.push(`expires ${expires}`)
  if (error !== null) said.push(`last error ${error.code}`)
  if (pause > 0) said.push(`next attempt in ${pause} s`)
  return said.join(', ')
}
