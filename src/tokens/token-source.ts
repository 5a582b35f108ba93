import type { Credential } from '../config/config.ts'
import { injectionOf } from '../oauth/injection.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant } from '../oauth/token-response.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics, RejectionOutcome } from '../telemetry/metrics.ts'
import { AccessToken } from './access-token.ts'
import type { Clock } from './clock.ts'
import { FailureMemory } from './failure-memory.ts'
import { renewalDelayMs } from './renewal-time.ts'
import { RenewalProbation } from './renewal-probation.ts'
import { RenewalSchedule } from './renewal-schedule.ts'
import type { TokenBudget, TokenRequestPurpose } from './token-budget.ts'
import { TokenRequester } from './token-requester.ts'
import type { TokenStatus } from './token-status.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What a token source needs; time, chance and transport come in as arguments. */
export interface TokenSourceParts {
  readonly requestGrant: RequestGrant
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly metrics: CredentialMetrics
  readonly log: Log
  /** Where several share one; else it has its own. */
  readonly budget?: TokenBudget | undefined
  /** Where they depend on those of others; else it remembers its own only. */
  readonly failures?: FailureMemory | undefined
}

/** A token in place of a refused one. */
export interface Replacement {
  readonly outcome: 'renewed' | 'newer'
  readonly token: AccessToken
  /** Whether this very refusal caused the renewal; only what becomes of its replay says whether the renewal was of use. */
  readonly isCause: boolean
}

/** What followed the refusal of a token. With a `token`, the request is worth one replay. */
export type Rejection =
  Replacement | { readonly outcome: Exclude<RejectionOutcome, 'renewed' | 'newer'>; readonly token?: undefined }

/**
 * The token of one credential: who has it, when it is renewed, what happens when it is refused.
 *
 * A hit is synchronous. At most one token request is under way at any time, whoever needs it: callers without a token,
 * a renewal ahead of expiry, refusals. A caller that leaves does not end it.
 */
export class TokenSource {
  readonly #credential: Credential
  readonly #parts: TokenSourceParts
  readonly #requester: TokenRequester
  readonly #failures: FailureMemory
  readonly #probation = new RenewalProbation()
  readonly #schedule: RenewalSchedule

  #token: AccessToken | undefined
  /** The current token was refused and its renewal is under way: new callers wait for that instead of being refused too. */
  #isRejected = false
  #flight: Promise<AccessToken> | undefined
  #waiting = 0

  /** @param identity for whom its token is, where a credential has one for each */
  constructor(credential: Credential, parts: TokenSourceParts, identity: Identity = nobody) {
    this.#credential = credential
    this.#parts = parts
    this.#requester = new TokenRequester(credential, parts, identity)
    this.#failures = parts.failures ?? new FailureMemory(credential)
    this.#schedule = new RenewalSchedule(parts.clock, () => this.#renewInBackground())
  }

  /**
   * The current token, if it can be used. Within its renewal time it is renewed in the background while it goes on being used.
   * Synchronous and free of allocations: this is what nearly every request does.
   */
  current(): AccessToken | undefined {
    const token = this.#usable()
    if (token !== undefined) this.#parts.metrics.lookups.hit.value++
    return token
  }

  /**
   * Waits for a token: joins the token request under way, or starts one.
   * @throws TokenUnavailableError when there is none to be had now
   */
  async obtain(): Promise<AccessToken> {
    const { clock, metrics } = this.#parts
    this.#waiting++
    try {
      const token = await (this.#flight ?? this.#start('callers'))
      this.#schedule.use(clock.nowMs())
      metrics.lookups.wait.value++
      return token
    } catch (error) {
      // A refused token whose renewal failed may still be good for other paths: it is used until its true expiry.
      const token = this.#usable()
      ;(token === undefined ? metrics.lookups.error : metrics.lookups.wait).value++
      if (token !== undefined) return token
      throw error
    } finally {
      this.#waiting--
    }
  }

  /** What means, in an answer, that the token was refused. */
  get rejectedWhen(): Credential['rejected_when'] {
    return this.#credential.rejected_when
  }

  /**
   * Takes note that an upstream refused a token, and finds a newer one where that is possible. Comparing with the current
   * token makes any number of refusals of one token cause one token request, however late they arrive.
   * @param canReplay whether the refused request can be sent again, and so show whether a new token helps
   */
  async reject(refused: AccessToken, canReplay = true): Promise<Rejection> {
    const rejection = await this.#replace(refused, canReplay)
    this.#parts.metrics.countRejection(rejection.outcome)
    return rejection
  }

  /** Counts a refusal that a new token would not help against. */
  noteRejection(outcome: 'pointless'): void {
    this.#parts.metrics.countRejection(outcome)
  }

  /** Takes note of what became of the replay with a replacement. */
  replayed({ token, isCause }: Pick<Replacement, 'token' | 'isCause'>, isAccepted: boolean): void {
    if (isAccepted) {
      if (isCause) this.#probation.acquit()
    } else if (this.#token?.isSameAs(token) === true) {
      this.#probation.suspect(token, this.#parts.clock.nowMs())
      if (isCause) this.#logFruitless(token, 'the upstream refused the new token too')
    }
  }

  /** Takes note that there was no replay after all: nobody knows whether the renewal was of use. */
  notReplayed({ isCause }: Pick<Replacement, 'isCause'>): void {
    if (isCause) this.#probation.leaveOpen(this.#parts.clock.nowMs())
  }

  /**
   * Renews now, whatever the state of the token; the old one stays in use until the new one is there.
   * @throws TokenUnavailableError when that fails
   */
  async renew(): Promise<AccessToken> {
    this.#failures.forget()
    return await (this.#flight ?? this.#start('callers'))
  }

  /** From now on the token is renewed even when nobody uses it, the first one got at once, and a failure tried again. */
  keepWarm(): void {
    this.#schedule.keepWarm()
  }

  status(): TokenStatus {
    const { clock } = this.#parts
    const nowMs = clock.nowMs()
    const toEpoch = (ms: number): number => clock.epochMs() + (ms - nowMs)
    const times = this.#token?.times
    const failure = this.#failures.last
    return {
      state: this.#state(nowMs),
      fingerprint: this.#token?.fingerprint,
      issuedAtEpochMs: times && toEpoch(times.issuedAtMs),
      renewAtEpochMs: times && toEpoch(this.#schedule.renewAtMs),
      expiresAtEpochMs: times && toEpoch(times.expiresAtMs),
      isRenewing: this.#flight !== undefined,
      waiting: this.#waiting,
      lastError: failure && { atEpochMs: failure.atEpochMs, code: failure.error.code, message: failure.error.message },
      backOffMs: Math.max((failure?.untilMs ?? nowMs) - nowMs, 0),
      coolDownMs: this.#probation.remainingMs(nowMs),
      budgetRemaining: this.#requester.budgetRemaining,
    }
  }

  /** Ends the timers. Requests under way go on, their tokens are still handed out. */
  close(): void {
    this.#schedule.close()
  }

  #usable(): AccessToken | undefined {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#token
    if (token === undefined || this.#isRejected || nowMs >= token.times.expiresAtMs) return undefined
    this.#schedule.use(nowMs)
    return token
  }

  #state(nowMs: number): TokenStatus['state'] {
    if (this.#token === undefined) return 'none'
    if (nowMs >= this.#token.times.expiresAtMs) return 'expired'
    return nowMs >= this.#schedule.renewAtMs || this.#isRejected ? 'stale' : 'fresh'
  }

  async #replace(refused: AccessToken, canReplay: boolean): Promise<Rejection> {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#token
    if (token !== undefined && !token.isSameAs(refused) && !this.#isRejected && nowMs < token.times.expiresAtMs) {
      return { outcome: 'newer', token, isCause: false }
    }
    const isCause = this.#flight === undefined
    if (isCause) {
      if (nowMs - refused.times.issuedAtMs < this.#credential.min_reissue_interval) return { outcome: 'too_young' }
      if (this.#probation.forbids(nowMs, canReplay)) return { outcome: 'cool_down' }
      if (this.#failures.pausing(nowMs) !== undefined) return { outcome: 'back_off' }
    }
    // While the endpoint fails, a token that one path refused may be all that the other paths have.
    this.#isRejected = token !== undefined && this.#failures.last === undefined
    try {
      const renewed = await (this.#flight ?? this.#start('rejection'))
      if (renewed.isSameAs(refused)) {
        this.#probation.suspect(renewed, this.#parts.clock.nowMs())
        if (isCause) this.#logFruitless(renewed, 'the token endpoint granted the same token again')
        return { outcome: 'same_token' }
      }
      if (!canReplay) this.notReplayed({ isCause })
      return { outcome: 'renewed', token: renewed, isCause }
    } catch (error) {
      return { outcome: error instanceof TokenUnavailableError && error.reason === 'budget' ? 'budget' : 'failed' }
    }
  }

  #logFruitless(token: AccessToken, why: string): void {
    const pauseMs = Math.round(this.#probation.remainingMs(this.#parts.clock.nowMs()))
    this.#parts.log.warn(
      { credential: this.#credential.name, token: token.fingerprint, pause_ms: pauseMs },
      `renewal was fruitless: ${why}`,
    )
  }

  #renewInBackground(): void {
    const nowMs = this.#parts.clock.nowMs()
    if (this.#flight !== undefined) return
    const pause = this.#failures.pausing(nowMs)
    // The next attempt, if this one is not even made; #install and #fail set a better time.
    this.#schedule.postpone(pause?.untilMs ?? nowMs + 1_000)
    if (pause !== undefined) return
    this.#start('renewal').catch(() => {})
  }

  /** Starts the one token request; every failure of it is a TokenUnavailableError. */
  #start(purpose: TokenRequestPurpose): Promise<AccessToken> {
    const flight = this.#request(purpose).finally(() => {
      this.#flight = undefined
      this.#isRejected = false
    })
    this.#flight = flight
    // Each waiter handles the failure for itself; without any waiter it is handled by having been recorded.
    flight.catch(() => {})
    return flight
  }

  async #request(purpose: TokenRequestPurpose): Promise<AccessToken> {
    const startedMs = this.#parts.clock.nowMs()
    const pause = this.#failures.pausing(startedMs)
    if (pause !== undefined) throw toUnavailable(pause.error, this.#credential.name, pause.untilMs - startedMs)
    const secrets = this.#failures.secretsDigest()
    try {
      return this.#install(await this.#requester.ask(purpose), startedMs, purpose)
    } catch (error) {
      throw error instanceof TokenUnavailableError ? error : this.#fail(error, secrets, purpose)
    }
  }

  #install(grant: Grant, startedMs: number, purpose: TokenRequestPurpose): AccessToken {
    const { clock, metrics, log, random } = this.#parts
    const { lifetime } = grant
    const nowMs = clock.nowMs()
    // Counted from before the request: the answer may have been under way for seconds, and using a token too long is the worse
    // error. Only an endpoint that takes longer than its tokens live is believed to count from its answer: otherwise no token
    // would ever be of use.
    const countedFromMs = startedMs + lifetime.ms > nowMs ? startedMs : nowMs
    const expiresAtMs = this.#sameUntil(grant) ?? countedFromMs + lifetime.ms
    const token = new AccessToken(grant.accessToken, injectionOf(this.#requester.credential, grant), {
      issuedAtMs: nowMs,
      expiresAtMs,
      issuedAtEpochMs: clock.epochMs(),
      expiresAtEpochMs: clock.epochMs() + (expiresAtMs - nowMs),
    })
    this.#token = token
    this.#failures.forget()
    this.#schedule.set(
      countedFromMs + renewalDelayMs(this.#credential.renew_before, expiresAtMs - countedFromMs, random()),
      nowMs,
    )
    if (purpose === 'rejection') this.#probation.suspect(token, nowMs)

    metrics.countTokenRequest('success')
    metrics.lastSuccess.value = token.times.issuedAtEpochMs / 1000
    metrics.expiry.value = token.times.expiresAtEpochMs / 1000
    const facts = { credential: this.#credential.name, token: token.fingerprint, lifetime_s: Math.round(lifetime.ms / 1000) }
    if (lifetime.oddity === undefined) log.info(facts, 'token obtained')
    else log.warn({ ...facts, lifetime_from: lifetime.source }, `token obtained, but ${lifetime.oddity}`)
    return token
  }

  /** When a token that is granted again, without a word about its life, ends: when it would have ended anyway. */
  #sameUntil({ accessToken, lifetime }: Grant): number | undefined {
    const isSame = this.#token?.isValue(accessToken) === true
    const saysNothing = lifetime.source === 'previous' || lifetime.source === 'default'
    return isSame && saysNothing ? this.#token?.times.expiresAtMs : undefined
  }

  #fail(error: unknown, secrets: string, purpose: TokenRequestPurpose): TokenUnavailableError {
    const { clock, metrics, log, random } = this.#parts
    const nowMs = clock.nowMs()
    const isExpected = error instanceof TokenRequestError
    const cause = isExpected
      ? error
      : new TokenRequestError('unavailable', 'internal_error', 'the token request failed inside bearerd')
    const { untilMs } = this.#failures.record(cause, secrets, nowMs, clock.epochMs(), random())
    const pauseMs = untilMs - nowMs
    if (this.#token !== undefined || this.#schedule.isKeptWarm) this.#schedule.postpone(untilMs)

    metrics.countTokenRequest(cause.kind)
    log.warn(
      { credential: this.#credential.name, code: cause.code, purpose, pause_ms: Math.round(pauseMs) },
      `no token: ${cause.message}`,
    )
    if (!isExpected) log.error({ err: error, credential: this.#credential.name }, 'unexpected error in a token request')
    return toUnavailable(cause, this.#credential.name, pauseMs)
  }
}

function toUnavailable(error: TokenRequestError, credential: string, retryAfterMs: number): TokenUnavailableError {
  const remedy = error.kind === 'refused' && error.code !== 'unusable_key' ? '; check its client_id, client_secret and scope' : ''
  return new TokenUnavailableError(
    error.kind,
    `no token for the credential ${credential}: ${error.message}${remedy}`,
    retryAfterMs,
    { cause: error },
  )
}
