import type { Credential } from '../config/config.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import type { RevokeToken } from '../oauth/revocation.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics } from '../telemetry/credential-metrics.ts'
import type { AccessToken } from './access-token.ts'
import type { ClientSecrets } from './client-secrets.ts'
import type { Clock } from './clock.ts'
import { CurrentToken } from './current-token.ts'
import { FailureMemory } from './failure-memory.ts'
import { handBack } from './hand-back.ts'
import { RenewalProbation } from './renewal-probation.ts'
import { RenewalSchedule } from './renewal-schedule.ts'
import type { StoreEvent, TokenStore } from './store/token-store.ts'
import { TokenAcquirer } from './token-acquirer.ts'
import type { TokenHolder } from './token-acquirer.ts'
import type { TokenBudget, TokenRequestPurpose } from './token-budget.ts'
import { TokenFailures } from './token-failures.ts'
import { TokenHistory } from './token-history.ts'
import { TokenRequester } from './token-requester.ts'
import { tokenStatus } from './token-status.ts'
import type { TokenStatus } from './token-status.ts'
import type { Rejection, Replacement, TokenSupply } from './token-supply.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What a token source needs; time, chance and transport come in as arguments. */
export interface TokenSourceParts {
  readonly requestGrant: RequestGrant
  readonly revokeToken: RevokeToken
  readonly store: TokenStore
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly metrics: CredentialMetrics
  readonly log: Log
  /** Where several share one; else it has its own. */
  readonly budget?: TokenBudget | undefined
  readonly clientSecrets?: ClientSecrets | undefined
  /** Where they depend on those of others; else it remembers its own only. */
  readonly failures?: FailureMemory | undefined
  /** Where several share one; else it has its own. */
  readonly history?: TokenHistory | undefined
}

/**
 * The token of one credential: who has it, when it is renewed, what happens when it is refused.
 *
 * A hit is synchronous. At most one token request is under way at any time, whoever needs it: callers without a token,
 * a renewal ahead of expiry, refusals; and where a store is shared, in any of the replicas. A caller that leaves does not end it.
 */
export class TokenSource implements TokenSupply {
  readonly #credential: Credential
  readonly #parts: TokenSourceParts
  readonly #identity: Identity
  readonly #requester: TokenRequester
  readonly #acquirer: TokenAcquirer
  readonly #failures: TokenFailures
  readonly #history: TokenHistory
  readonly #probation = new RenewalProbation()
  readonly #schedule: RenewalSchedule

  readonly #held = new CurrentToken()
  /** The next token request is not held up by what others have just been told. */
  #isUrgent = false
  #flight: Promise<AccessToken> | undefined
  #waiting = 0

  /** @param identity for whom its token is, where a credential has one for each */
  constructor(credential: Credential, parts: TokenSourceParts, identity: Identity = nobody) {
    this.#credential = credential
    this.#parts = parts
    this.#identity = identity
    this.#requester = new TokenRequester(credential, parts, identity)
    const holder: TokenHolder = {
      hear: (event) => this.#hear(event),
      noteFailure: (error, purpose) => this.#noteFailure(error, purpose),
    }
    this.#acquirer = new TokenAcquirer(credential, parts, this.#requester, holder, identity)
    this.#failures = new TokenFailures(credential, parts, parts.failures ?? new FailureMemory(credential))
    this.#history = parts.history ?? new TokenHistory(parts.clock)
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
      const token = await this.#join()
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

  /** The token is used elsewhere, by whoever was told of it. */
  used(): void {
    this.#schedule.use(this.#parts.clock.nowMs())
  }

  /**
   * Has a listener told the token whenever it becomes another one, or cannot be used any more, or can be again: now, and from now on.
   * @returns a function that ends it
   */
  watch(listener: (token: AccessToken | undefined) => void): () => void {
    const tell = (): void => listener(this.#held.usable(this.#parts.clock.nowMs()))
    tell()
    return this.#held.watch(tell)
  }

  /** What means, in an answer, that the token was refused. */
  get rejectedWhen(): Credential['rejected_when'] {
    return this.#credential.rejected_when
  }

  /**
   * Takes note that an upstream refused a token, and finds a newer one where that is possible. Comparing with the current
   * token makes any number of refusals of one token cause one token request, however late they arrive.
   * @param canReplay whether the refused request can be sent again, and so show whether a new token helps
   * @param route that of the refused request, for people
   */
  async reject(refused: AccessToken, canReplay = true, route?: string): Promise<Rejection> {
    const rejection = await this.#replace(refused, canReplay, route)
    this.#parts.metrics.countRejection(rejection.outcome)
    return rejection
  }

  /** The token that it has, also one that cannot be used any more: what others show is compared with it. */
  get held(): AccessToken | undefined {
    return this.#held.token
  }

  /** Counts a refusal that a new token would not help against, or that a newer one was there for already. */
  noteRejection(outcome: 'pointless' | 'newer'): void {
    this.#parts.metrics.countRejection(outcome)
  }

  /** Takes note of what became of the replay with a replacement. */
  replayed({ token, isCause }: Pick<Replacement, 'token' | 'isCause'>, isAccepted: boolean): void {
    if (isAccepted) {
      if (!isCause) return
      this.#probation.acquit()
      this.#acquirer.accept(token)
    } else if (this.#held.token?.isSameAs(token) === true) {
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
    return await (this.#flight ?? this.#start('operator'))
  }

  /** Somebody may have mended what was wrong: what was refused is tried again at once. */
  tryAgain(): void {
    if (this.#failures.last?.error.kind !== 'refused') return
    this.#failures.forget()
    this.#isUrgent = true
  }

  /** From now on the token is renewed even when nobody uses it, the first one got at once, and a failure tried again. */
  keepWarm(): void {
    this.#schedule.keepWarm()
  }

  status(): TokenStatus {
    const { clock } = this.#parts
    return tokenStatus(
      {
        token: this.#held.token,
        isRejected: this.#held.isRejected,
        isRenewing: this.#flight !== undefined,
        waiting: this.#waiting,
        failure: this.#failures.last,
        coolDownMs: this.#probation.remainingMs(clock.nowMs()),
        budgetRemaining: this.#requester.budgetRemaining,
        history: this.#history.list(),
      },
      clock,
    )
  }

  /** Waits for what is under way, and has the store keep what it does not have yet. */
  async settle(): Promise<void> {
    await this.#flight?.catch(() => {})
    await this.#acquirer.settle()
  }

  /** Hands the token back where the recipe says so (RFC 7009); it is not used any more from then on. */
  async handBack(): Promise<void> {
    if (!this.#credential.revoke_on_shutdown) return
    await this.settle()
    const token = this.#held.token
    if (token === undefined || this.#parts.clock.nowMs() >= token.times.expiresAtMs) return
    this.#held.token = undefined
    await this.#acquirer.forget(token)
    await handBack(this.#requester.credential, token, this.#identity, this.#parts)
  }

  /** Ends the timers, and hears no more of others. Requests under way go on, their tokens are still handed out. */
  close(): void {
    this.#schedule.close()
    this.#acquirer.close()
  }

  /** Joins the token request under way, or starts one. A renewal leaves the reserve of the budget alone; who has no token need not. */
  async #join(): Promise<AccessToken> {
    if (this.#flight === undefined) return await this.#start('callers')
    try {
      return await this.#flight
    } catch (error) {
      const isBudget = error instanceof TokenUnavailableError && error.reason === 'budget'
      if (!isBudget || this.#usable() !== undefined) throw error
      return await (this.#flight ?? this.#start('callers'))
    }
  }

  #usable(): AccessToken | undefined {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#held.usable(nowMs)
    if (token !== undefined) this.#schedule.use(nowMs)
    return token
  }

  async #replace(refused: AccessToken, canReplay: boolean, route: string | undefined): Promise<Rejection> {
    const nowMs = this.#parts.clock.nowMs()
    const token = this.#held.usable(nowMs)
    if (token !== undefined && !token.isSameAs(refused)) return { outcome: 'newer', token, isCause: false }
    const isCause = this.#flight === undefined
    if (isCause) {
      if (nowMs - refused.times.issuedAtMs < this.#credential.min_reissue_interval) return { outcome: 'too_young' }
      if (this.#probation.forbids(nowMs, canReplay)) return { outcome: 'cool_down' }
      if (this.#failures.pausing(nowMs) !== undefined) return { outcome: 'back_off' }
    }
    // While the endpoint fails, a token that one path refused may be all that the other paths have.
    this.#held.isRejected = this.#held.token !== undefined && this.#failures.last === undefined
    try {
      const renewed = await (this.#flight ?? this.#start('rejection', route))
      if (renewed.isSameAs(refused)) {
        this.#probation.suspect(renewed, this.#parts.clock.nowMs())
        if (isCause) this.#logFruitless(renewed, 'the token endpoint granted the same token again')
        return { outcome: 'same_token' }
      }
      // Another replica has renewed it, after a refusal of its own.
      if (!renewed.isOwn) return { outcome: 'newer', token: renewed, isCause: false }
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
    // The next attempt, if this one is not even made; #install and #noteFailure set a better time.
    this.#schedule.postpone(pause?.untilMs ?? nowMs + 1_000)
    if (pause !== undefined) return
    this.#start('renewal').catch(() => {})
  }

  /** Starts the one token request; every failure of it is a TokenUnavailableError. */
  #start(purpose: TokenRequestPurpose, route?: string): Promise<AccessToken> {
    const flight = this.#request(purpose, route).finally(() => {
      this.#flight = undefined
      this.#held.isRejected = false
    })
    this.#flight = flight
    // Each waiter handles the failure for itself; without any waiter it is handled by having been recorded. Another replica may have
    // been luckier meanwhile.
    flight.catch(() => void this.#adopt())
    return flight
  }

  async #request(purpose: TokenRequestPurpose, route: string | undefined): Promise<AccessToken> {
    this.#failures.begin()
    const { clock } = this.#parts
    const startedMs = clock.nowMs()
    const facts = () => ({ purpose, route, tookMs: clock.nowMs() - startedMs })
    try {
      const mayGoOn = purpose === 'callers' && !this.#held.isRejected
      const held = mayGoOn ? undefined : this.#held.token
      const isUrgent = this.#isUrgent
      this.#isUrgent = false
      const token = this.#install(await this.#acquirer.acquire({ purpose, held, isUrgent }))
      this.#history.add({ ...facts(), type: token.isOwn ? 'obtained' : 'taken_over', error: undefined })
      return token
    } catch (error) {
      const failure = this.#failures.last
      const cause = error instanceof TokenUnavailableError ? { code: error.reason, message: error.message } : failure?.error
      this.#history.add({ ...facts(), type: 'failed', error: cause && { code: cause.code, message: cause.message } })
      throw error instanceof TokenUnavailableError || failure === undefined ? error : this.#failures.unavailable(failure)
    }
  }

  #install(token: AccessToken): AccessToken {
    const { clock, metrics } = this.#parts
    const nowMs = clock.nowMs()
    this.#held.token = token
    this.#acquirer.use(token)
    if (token.isOwn) this.#failures.recognised()
    else this.#failures.forget()
    this.#schedule.set(token.times.renewAtMs, nowMs)
    if (token.isOnProbation) this.#probation.suspect(token, nowMs)
    metrics.lastSuccess.value = (token.isOwn ? clock.epochMs() : token.times.issuedAtEpochMs) / 1000
    const { issuedAtMs, renewAtMs, issuedAtEpochMs, expiresAtEpochMs } = token.times
    metrics.expiry.value = expiresAtEpochMs / 1000
    metrics.renewal.value = (issuedAtEpochMs + renewAtMs - issuedAtMs) / 1000
    return token
  }

  /** What another replica has done with the token; also what this one has done itself, which it knows already. */
  #hear(event: StoreEvent): void {
    const isCurrent = 'id' in event && event.id === this.#held.token?.id
    if (event.type === 'login') this.#failures.forget()
    if (event.type === 'accepted' && isCurrent) this.#probation.acquit()
    // Whoever is waiting for a token request finds what is new by itself.
    if (this.#flight !== undefined) return
    if (event.type === 'rejected' && isCurrent) this.#held.isRejected = true
    // Its renewal has failed: a token that one path refused may be all that the other paths have.
    if (event.type === 'failed') this.#held.isRejected = false
    if (event.type === 'granted' && !isCurrent) void this.#adopt()
  }

  /** Takes over a token that another replica has put into the store. */
  async #adopt(): Promise<void> {
    const token = await this.#acquirer.read().catch(() => undefined)
    if (token === undefined || token.id === this.#held.token?.id || this.#flight !== undefined) return
    this.#held.isRejected = false
    this.#install(token)
    this.#history.add({ type: 'taken_over', purpose: undefined, route: undefined, tookMs: undefined, error: undefined })
    this.#parts.log.info({ credential: this.#credential.name, token: token.fingerprint }, 'token taken over from another replica')
  }

  /** @returns milliseconds until the next token request may be made */
  #noteFailure(error: unknown, purpose: TokenRequestPurpose): number {
    const { untilMs } = this.#failures.note(error, purpose)
    if (this.#held.token !== undefined || this.#schedule.isKeptWarm) this.#schedule.postpone(untilMs)
    return untilMs - this.#parts.clock.nowMs()
  }
}
