import type { CredentialStatus } from '../credential-status.ts'
import { counted, duration } from './words.ts'
import type { Tone } from './words.ts'

/** How a credential is doing, in words. */
export interface CredentialState {
  readonly tone: Tone
  readonly word: string
  /** What is going on, and what to do about it where there is something to be done; a sentence each. */
  readonly sentences: readonly string[]
}

/** Says how a credential is doing. */
export function credentialState(credential: CredentialStatus): CredentialState {
  return { ...headline(credential), sentences: [...sentencesOf(credential)] }
}

function headline({ state, identities, last_error, ...credential }: CredentialStatus): Pick<CredentialState, 'tone' | 'word'> {
  const isUsable = state === 'fresh' || state === 'stale'
  if (last_error !== null) return isUsable ? { tone: 'warn', word: 'Renewal fails' } : { tone: 'bad', word: 'No token' }
  if (credential.cool_down_seconds > 0) return { tone: 'warn', word: 'Refused' }
  if (credential.budget_remaining === 0) return { tone: 'warn', word: 'Budget spent' }
  if (identities !== null) return { tone: 'calm', word: counted(identities.tokens, 'token') }
  const words = { none: 'No token yet', expired: 'Expired', stale: 'Due for renewal', fresh: 'Fresh' } as const
  return { tone: state === 'fresh' ? 'good' : 'calm', word: words[state] }
}

function* sentencesOf(credential: CredentialStatus): Iterable<string> {
  const { state, identities, last_error: error, budget } = credential
  if (error === null && identities === null) {
    if (state === 'none') yield 'The first one is asked for when a caller needs it.'
    if (state === 'expired') yield 'Nobody has needed it since; the next caller gets a new one.'
  }
  if (identities !== null) yield `One token for each ${identities.fields.join(' and ')} that callers send.`
  if (credential.renewing) yield 'A token request is under way.'
  if (credential.callers_waiting > 0) yield `${counted(credential.callers_waiting, 'caller')} waiting for it.`
  if (error !== null) yield* remedies(credential, error)
  if (credential.cool_down_seconds > 0) {
    yield `The upstream refused new tokens too, so for ${duration(credential.cool_down_seconds)} refusals go to the callers as they come.`
    yield 'Check whether the client may use this API, and whether its scope and audience are right.'
  }
  if (budget !== null) {
    yield `${credential.budget_remaining} of ${counted(budget.limit, 'token request')} left in ${duration(budget.window_seconds)}.`
    if (credential.budget_remaining === 0) yield 'No other one is made before one of them is longer ago than that.'
  }
}

function* remedies(
  { state, back_off_seconds, identities }: CredentialStatus,
  { kind, code }: NonNullable<CredentialStatus['last_error']>,
): Iterable<string> {
  if (state === 'fresh' || state === 'stale') yield 'The token that is there stays in use until it expires.'
  if (back_off_seconds > 0)
    yield `Nothing is asked for ${duration(back_off_seconds)}${identities === null ? ', unless you renew it now' : ''}.`
  if (kind === 'unavailable')
    yield 'It is tried again when somebody needs a token. If it stays so, check the network and the state of the provider.'
  else if (code === 'login_required') yield 'A person has to log in.'
  else if (code !== 'unusable_key')
    yield 'Check client_id, client_secret and scope; a changed file is read at once, a changed configuration with its reload.'
}
