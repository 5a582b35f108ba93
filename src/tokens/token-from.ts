import { randomUUID } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import { injectionOf } from '../oauth/injection.ts'
import type { Grant } from '../oauth/token-response.ts'
import { AccessToken } from './access-token.ts'
import type { Clock } from './clock.ts'
import { renewalDelayMs } from './renewal-time.ts'
import type { KeptToken } from './store/token-store.ts'

/** When a token was asked for, and what it replaces. */
export interface GrantedWhen {
  /** When the token request began, by the monotonic clock. */
  readonly startedMs: number
  /** The token held until now. */
  readonly held: AccessToken | undefined
  readonly isOnProbation: boolean
}

/**
 * What a store is given of a grant.
 *
 * Its life is counted from before the request: the answer may have been under way for seconds, and using a token too long is the
 * worse error. Only an endpoint that takes longer than its tokens live is believed to count from its answer: otherwise no token
 * would ever be of use.
 */
export function keptFrom(grant: Grant, { startedMs, held, isOnProbation }: GrantedWhen, clock: Clock): KeptToken {
  const { accessToken, fields, lifetime } = grant
  const nowMs = clock.nowMs()
  const countedFromMs = startedMs + lifetime.ms > nowMs ? startedMs : nowMs
  // Granted again without a word about its life, the token ends when it would have ended anyway.
  const saysNothing = lifetime.source === 'previous' || lifetime.source === 'default'
  const sameUntilMs = held?.isValue(accessToken) === true && saysNothing ? held.times.expiresAtMs : undefined
  const expiresAtMs = sameUntilMs ?? countedFromMs + lifetime.ms
  return {
    id: randomUUID(),
    accessToken,
    fields,
    issuedAtEpochMs: clock.epochMs() - (nowMs - countedFromMs),
    lifeMs: Math.max(expiresAtMs - countedFromMs, 0),
    isOnProbation,
    remainingMs: Math.max(expiresAtMs - nowMs, 0),
  }
}

/**
 * Makes a kept token ready for use. Each replica chooses its own time for the renewal, so that they do not renew together.
 * @param credential with the client secret that is in use, which an injection may name
 * @param random from 0 to 1
 * @throws TokenRequestError when it cannot be put onto a request as the recipe says
 */
export function tokenFrom(kept: KeptToken, credential: Credential, clock: Clock, random: number, isOwn: boolean): AccessToken {
  const nowMs = clock.nowMs()
  const expiresAtMs = nowMs + kept.remainingMs
  const countedFromMs = expiresAtMs - kept.lifeMs
  const times = {
    issuedAtMs: countedFromMs,
    renewAtMs: countedFromMs + renewalDelayMs(credential.renew_before, kept.lifeMs, random),
    expiresAtMs,
    issuedAtEpochMs: kept.issuedAtEpochMs,
    expiresAtEpochMs: clock.epochMs() + kept.remainingMs,
  }
  const { accessToken, fields } = kept
  return new AccessToken(kept, injectionOf(credential, { accessToken, fields }), times, isOwn)
}
