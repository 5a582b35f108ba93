import type { Credential } from '../config/config.ts'
import { injectionOf } from '../oauth/injection.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics, RejectionOutcome } from '../telemetry/metrics.ts'
import { AccessToken } from './access-token.ts'
import type { Clock } from './clock.ts'
import { CoolDown } from './cool-down.ts'
import { FailureMemory } from './failure-memory.ts'
import { renewalDelayMs } from './renewal-time.ts'
import { TokenBudget } from './token-budget.ts'
import type { TokenRequestPurpose } from './token-budget.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What a token source needs; time, chance and transport come in as arguments. */
export interface TokenSourceParts {
  readonly requestGrant: RequestGrant
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly metrics: CredentialMetrics
  readonly log: Log
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
  | Replacement
  | { readonly outcome: Exclude<RejectionOutcome, 'renewed' | 'newer'>; readonly token?: undefined }

/** The state of a credential for people: status page and logs. Times in milliseconds since the epoch. */
export interface TokenStatus {
  readonly state: 'none' | 'fresh' | 'stale' | 'expired'
  readonly fingerprint: string | undefined
  readonly issuedAtEpochMs: number | undefined
  readonly renewAtEpochMs: number | undefined
  readonly expiresAtEpochMs: number | undefined
  readonly isRenewing: boolean
  readonly waiting: number
  readonly lastError: { readonly atEpochMs: number; readonly code: string; readonly message: string } | undefined
  readonly backOffMs: number
  readonly coolDownMs: number
  readonly budgetRemaining: number | undefined
}

/**
 * The token of one credential: who has it, when it is renewed, what happens when it is refused.
 *
 * A hit is synchronous. At most one token request is under way at any time, whoever needs it: callers without a token,
 * a renewal ahead of expiry, refusals. A caller that leaves does not end it.
 */
export class TokenSource {
  readonly #credential: Credential
  readonly #parts: TokenSourceParts
  readonly #budget: TokenBudget | undefined
  readonly #coolDown = new CoolDown()
  readonly #failures: FailureMemory

  #token: AccessToken | undefined
  /** The current token was refused and its renewal is under way: new callers wait for that instead of being refused too. */
  #isRejected = false
  /** The token that was last under suspicion of being a fruitless renewal, so that N refusals start one cool-down. */
  #suspect: AccessToken | undefined
  #previous: PreviousGrant = { refreshToken: undefined, lifetimeMs: undefined }
  #flight: Promise<AccessToken> | undefined
  #waiting = 0
  #renewAtMs = Number.POSITIVE_INFINITY
  /** When a renewal may next be started: at `#renewAtMs`, and later again after a failure. */
  #nextRenewalMs = Number.POSITIVE_INFINITY
  #isClosed = false
  #lastUsedMs = Number.NEGATIVE_INFINITY
  #cancelTimer: () => void = () => {}

  constructor(credential: Credential, parts: TokenSourceParts) {
    this.#credential = credential
    this.#parts = parts
    this.#failures = new FailureMemory(credential)
    this.#budget = credential.token_requests === undefined ? undefined : new TokenBudget(credential.token_requests)
    const budget = this.#budget
    if (budget !== undefined) parts.metrics.showBudget(() => budget.remaining(parts.clock.nowMs()))
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
    const { lookups } = this.#parts.metrics
    this.#waiting++
    try {
      const token = await (this.#flight ?? this.#start('callers'))
      this.#lastUsedMs = this.#parts.clock.nowMs()
      lookups.wait.value++
      return token
    } catch (error) {
      // A refused token whose renewal failed may still be good for other paths: it is used until its true expiry.
      const token = this.#usable()
      ;(token === undefined ? lookups.error : lookups.wait).value++
      if (token !== undefined) return token
      throw error
    } finally {
      this.#waiting--
    }
  }

  /**
   * Takes note that an upstream refused a token, and finds a newer one where that is possible. Comparing with the current
   * token makes any number of refusals of one token cause one token request, however late they arrive.
   */
  async reject(refused: AccessToken): Promise<Rejection> {
    const rejection = await this.#replace(refused)
    this.#parts.metrics.countRejection(rejection.outcome)
    return rejection
  }

  /** What means, in an answer, that the token was refused. */
  get rejectedWhen(): Credential['rejected_when'] {
    return this.#credential.rejected_when
  }

  /** Counts a refusal that a new token would not help against. */
  noteRejection(outcome: 'pointless'): void {
    this.#parts.metrics.countRejection(outcome)
  }

  /**
   * Takes note of what became of the replay with a replacement. Accepted: the renewal was of use, if this refusal caused it, and the
   * cool-down ends. (Others were refused with the old token only because the renewal ended that; their success says nothing.)
   */
  replayed({ token, isCause }: Pick<Replacement, 'token' | 'isCause'>, isAccepted: boolean): void {
    if (isAccepted && isCause) this.#coolDown.end()
    if (!isAccepted && this.#token?.isSameAs(token) === true) this.#suspectFruitless(token, 'the upstream refused the renewed token too')
  }

  /**
   * Renews now, whatever the state of the token; the old one stays in use until the new one is there.
   * @throws TokenUnavailableError when that fails
   */
  async renew(): Promise<AccessToken> {
    this.#failures.forget()
    return await (this.#flight ?? this.#start('callers'))
  }

  status(): TokenStatus {
    const { clock } = this.#parts
    const nowMs = clock.nowMs()
    const toEpoch = (ms: number): number => clock.epochMs() + (ms - nowMs)
    const times = this.#token?.times
    const failure = this.#failures.last
    const isExpired = times !== undefined && nowMs >= times.expiresAtMs
    return {
      state: times === undefined ? 'none' : isExpired ? 'expired' : nowMs >= this.#renewAtMs || this.#isRejected ? 'stale' : 'fresh',
      fingerprint: this.#token?.fingerprint,
      issuedAtEpochMs: times && toEpoch(times.issuedAtMs),
      renewAtEpochMs: Number.isFinite(this.#renewAtMs) ? toEpoch(this.#renewAtMs) : undefined,
      expiresAtEpochMs: times && toEpoch(times.expiresAtMs),
      isRenewing: this.#flight !== undefined,
      waiting: this.#waiting,
      lastError: failure && { atEpochMs: failure.atEpochMs, code: failure.error.code, message: failure.error.message },
      backOffMs: Math.max((failure?.untilMs ?? nowMs) - nowMs, 0),
      coolDownMs: this.#coolDown.remainingMs(nowMs),
      budgetRemaining: this.#budget?.remaining(nowMs),
    }
  }

  /** Ends the timers. Requests under way go on, their tokens are still handed out. */
  close(): void {
    this.#isClosed = true
    this.#cancelTimer()
  }

  #usable(): AccessToken | undefined {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#token
    if (token === undefined || this.#isRejected || nowMs >= token.times.expiresAtMs) return undefined
    this.#lastUsedMs = nowMs
    if (nowMs >= this.#nextRenewalMs) this.#renewInBackground(nowMs)
    return token
  }

  async #replace(refused: AccessToken): Promise<Rejection> {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#token
    if (token !== undefined && !token.isSameAs(refused) && !this.#isRejected && nowMs < token.times.expiresAtMs) {
      return { outcome: 'newer', token, isCause: false }
    }
    const isCause = this.#flight === undefined
    if (isCause) {
      if (nowMs - refused.times.issuedAtMs < this.#credential.min_reissue_interval) return { outcome: 'too_young' }
      if (this.#coolDown.isActive(nowMs)) return { outcome: 'cool_down' }
      if (this.#failures.pausing(nowMs) !== undefined) return { outcome: 'back_off' }
    }
    // While the endpoint fails, a token that one path refused may be all that the other paths have.
    this.#isRejected = token !== undefined && this.#failures.last === undefined
    try {
      const renewed = await (this.#flight ?? this.#start('rejection'))
      if (!renewed.isSameAs(refused)) return { outcome: 'renewed', token: renewed, isCause }
      this.#suspectFruitless(renewed, 'the token endpoint granted the same token again')
      return { outcome: 'same_token' }
    } catch (error) {
      return { outcome: error instanceof TokenUnavailableError && error.reason === 'budget' ? 'budget' : 'failed' }
    }
  }

  /** Starts a cool-down, once for each token. */
  #suspectFruitless(token: AccessToken, why: string): void {
    if (this.#suspect === token) return
    this.#suspect = token
    const nowMs = this.#parts.clock.nowMs()
    this.#coolDown.start(nowMs)
    const pauseMs = this.#coolDown.remainingMs(nowMs)
    this.#parts.log.info({ credential: this.#credential.name, token: token.fingerprint, pause_ms: pauseMs }, `refusals pass through for a while: ${why}`)
  }

  #renewInBackground(nowMs: number): void {
    if (this.#flight !== undefined || this.#failures.pausing(nowMs) !== undefined) return
    // The next attempt, if this one fails; #install and #fail set a better time.
    this.#nextRenewalMs = nowMs + 1_000
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
    this.#spend(purpose)
    const secrets = this.#failures.secretsDigest()
    try {
      return this.#install(await this.#ask(purpose), startedMs, purpose)
    } catch (error) {
      if (error instanceof TokenUnavailableError) throw error
      throw this.#fail(error, secrets, purpose)
    }
  }

  /** @throws TokenUnavailableError when the budget is spent */
  #spend(purpose: TokenRequestPurpose): void {
    const nowMs = this.#parts.clock.nowMs()
    if (this.#budget?.take(purpose, nowMs) !== false) return
    throw new TokenUnavailableError('budget', `the budget of ${this.#credential.name} for token requests is spent`, this.#budget.waitMs(nowMs))
  }

  /** Asks with the refresh token where there is one; a refused one is forgotten, and the original grant is still there. */
  async #ask(purpose: TokenRequestPurpose): Promise<Grant> {
    try {
      return await this.#askOnce()
    } catch (error) {
      const isRefused = error instanceof TokenRequestError && error.kind === 'refused'
      if (!isRefused || this.#previous.refreshToken === undefined) throw error
      this.#previous = { ...this.#previous, refreshToken: undefined }
      // Any other refusal is about the client, and would be the same for the original grant (RFC 6749 5.2).
      if (error.code !== 'invalid_grant') throw error
      this.#parts.metrics.countTokenRequest('refused')
      this.#spend(purpose)
      return await this.#askOnce()
    }
  }

  async #askOnce(): Promise<Grant> {
    const { clock, metrics, requestGrant } = this.#parts
    const startedMs = clock.nowMs()
    try {
      return await requestGrant(this.#credential, this.#previous)
    } finally {
      metrics.tokenRequestDuration.observe((clock.nowMs() - startedMs) / 1000)
    }
  }

  #install(grant: Grant, startedMs: number, purpose: TokenRequestPurpose): AccessToken {
    const { clock, metrics, log, random } = this.#parts
    const { lifetime } = grant
    const nowMs = clock.nowMs()
    // Counted from before the request: the answer may have been under way for seconds, and using a token too long is the worse error.
    const expiresAtMs = this.#sameUntil(grant) ?? startedMs + lifetime.ms
    const token = new AccessToken(grant.accessToken, injectionOf(this.#credential, grant), {
      issuedAtMs: nowMs,
      expiresAtMs,
      issuedAtEpochMs: clock.epochMs(),
      expiresAtEpochMs: clock.epochMs() + (expiresAtMs - nowMs),
    })
    this.#token = token
    this.#failures.forget()
    this.#previous = {
      refreshToken: grant.refreshToken,
      lifetimeMs: lifetime.source === 'response' ? lifetime.ms : this.#previous.lifetimeMs,
    }
    this.#renewAtMs = startedMs + renewalDelayMs(this.#credential.renew_before, expiresAtMs - startedMs, random())
    this.#nextRenewalMs = this.#renewAtMs
    this.#armTimer(nowMs)
    // On probation: what refuses this one too must not cause the next token request. An accepted replay ends it at once.
    if (purpose === 'rejection') this.#suspectFruitless(token, 'the token has just been renewed')
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
    const cause = error instanceof TokenRequestError ? error : new TokenRequestError('unavailable', 'internal_error', 'the token request failed inside bearerd')
    const { untilMs } = this.#failures.record(cause, secrets, nowMs, clock.epochMs(), random())
    const pauseMs = untilMs - nowMs
    if (this.#token !== undefined) {
      this.#nextRenewalMs = Math.max(this.#renewAtMs, untilMs)
      this.#armTimer(nowMs)
    }
    metrics.countTokenRequest(cause.kind)
    log.warn({ credential: this.#credential.name, code: cause.code, purpose, pause_ms: Math.round(pauseMs) }, `no token: ${cause.message}`)
    if (!(error instanceof TokenRequestError)) log.error({ err: error, credential: this.#credential.name }, 'unexpected error in a token request')
    return toUnavailable(cause, this.#credential.name, pauseMs)
  }

  /** Renews at the right time even when no caller comes by just then; idle credentials are not kept warm. */
  #armTimer(nowMs: number): void {
    this.#cancelTimer()
    if (this.#isClosed) return
    this.#cancelTimer = this.#parts.clock.after(this.#nextRenewalMs - nowMs, () => {
      const firedMs = this.#parts.clock.nowMs()
      const issuedAtMs = this.#token?.times.issuedAtMs ?? firedMs
      const isIdle = this.#lastUsedMs < (issuedAtMs + firedMs) / 2
      const isExpired = this.#token === undefined || firedMs >= this.#token.times.expiresAtMs
      if (!isIdle && !isExpired) this.#renewInBackground(firedMs)
    })
  }
}

function toUnavailable(error: TokenRequestError, credential: string, retryAfterMs: number): TokenUnavailableError {
  const remedy = error.kind === 'refused' ? '; check its client_id, client_secret and scope' : ''
  return new TokenUnavailableError(error.kind, `no token for the credential ${credential}: ${error.message}${remedy}`, retryAfterMs, { cause: error })
}
