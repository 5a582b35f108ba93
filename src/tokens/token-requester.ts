import { needsLogin } from '../config/check-logins.ts'
import type { Credential } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { isClientRefused } from '../oauth/client-refusal.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics } from '../telemetry/credential-metrics.ts'
import { ClientSecrets } from './client-secrets.ts'
import type { Clock } from './clock.ts'
import { GrantMemory } from './grant-memory.ts'
import type { TokenLock } from './store/token-store.ts'
import { TokenBudget } from './token-budget.ts'
import type { TokenRequestPurpose } from './token-budget.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What a token requester needs. */
export interface TokenRequesterParts {
  readonly requestGrant: RequestGrant
  readonly clock: Clock
  readonly metrics: CredentialMetrics
  readonly log: Log
  /** Where several share one; else it has its own. */
  readonly budget?: TokenBudget | undefined
  readonly clientSecrets?: ClientSecrets | undefined
}

/** The circumstances of a token request. */
export interface TokenRequestCircumstances {
  readonly purpose: TokenRequestPurpose
  /** Undefined while the store does not answer. */
  readonly lock: TokenLock | undefined
  /** Whether other replicas use what is in the store. */
  readonly isStoreShared: boolean
  /** What the budget is called in the store. */
  readonly budgetKey: string
  /** Called before each request that is really sent. */
  readonly onSend: () => void
}

/** Makes the token requests of one credential, within its budget, and keeps of each grant what the next request needs. */
export class TokenRequester {
  readonly #credential: Credential
  readonly #parts: TokenRequesterParts
  readonly #identity: Identity
  readonly #budget: TokenBudget | undefined
  readonly #secrets: ClientSecrets
  readonly #memory: GrantMemory

  constructor(credential: Credential, parts: TokenRequesterParts, identity: Identity = nobody) {
    this.#credential = credential
    this.#parts = parts
    this.#identity = identity
    this.#secrets = parts.clientSecrets ?? new ClientSecrets(credential)
    this.#memory = new GrantMemory(credential, () => parts.clock.epochMs())
    if (credential.token_requests !== undefined) {
      const budget = parts.budget ?? new TokenBudget(credential.token_requests)
      this.#budget = budget
      parts.metrics.showBudget(() => budget.remaining(parts.clock.nowMs()), budget.limit)
    }
  }

  /** The credential, with the client secret that is in use. */
  get credential(): Credential {
    const [client_secret] = this.#secrets.inOrder()
    return { ...this.#credential, client_secret }
  }

  /** Token requests left in the current window; undefined without a budget. */
  get budgetRemaining(): number | undefined {
    return this.#budget?.remaining(this.#parts.clock.nowMs())
  }

  /** Others have spent of the budget. @param agesMs how long ago each token request of the window was made */
  noteSpent(agesMs: readonly number[]): void {
    this.#budget?.follow({ isSpent: false, agesMs }, this.#parts.clock.nowMs())
  }

  /** What the next token request needs to know. */
  get memory(): GrantMemory {
    return this.#memory
  }

  /**
   * Asks with the refresh token where there is one (RFC 6749 6); when that is refused it is forgotten, and the original grant
   * is still there.
   * @throws TokenRequestError when no token is granted, TokenUnavailableError when the budget is spent
   */
  async ask(circumstances: TokenRequestCircumstances): Promise<Grant> {
    if (circumstances.lock !== undefined) this.#memory.recall(circumstances.lock.grant)
    try {
      return await this.#askAsClient(circumstances)
    } catch (error) {
      const isRefused = error instanceof TokenRequestError && error.kind === 'refused'
      if (!isRefused || this.#memory.previous.refreshToken === undefined) throw error
      // Any other refusal is about the client, and would be the same for the original grant (RFC 6749 5.2). Where the original
      // grant is a refresh token too, the rotated one may be the only one that is still good.
      if (error.code !== 'invalid_grant' && this.#credential.grant_type === 'refresh_token') throw error
      this.#memory.forgetRefreshToken()
      if (error.code !== 'invalid_grant') throw error
      if (needsLogin(this.#credential)) throw loginRequired(this.#credential.name)
      this.#parts.metrics.countTokenRequest('refused')
      return await this.#askAsClient(circumstances)
    }
  }

  /** Asks with the client secret that was good last; when the client is refused, once more with the other one. */
  async #askAsClient(circumstances: TokenRequestCircumstances): Promise<Grant> {
    const [current, other] = this.#secrets.inOrder()
    try {
      return await this.#askOnce(circumstances, current)
    } catch (error) {
      if (other === undefined || !isClientRefused(error)) throw error
      this.#parts.metrics.countTokenRequest('refused')
    }
    try {
      const grant = await this.#askOnce(circumstances, other)
      this.#useFromNowOn(other)
      return grant
    } catch (error) {
      // Refused for another reason, the client itself was recognised.
      if (error instanceof TokenRequestError && error.kind === 'refused' && !isClientRefused(error)) this.#useFromNowOn(other)
      throw error
    }
  }

  #useFromNowOn(secret: Secret | undefined): void {
    this.#secrets.accept(secret)
    this.#parts.log.info(
      { credential: this.#credential.name },
      'the other client secret is used from now on: the token endpoint refused the one before',
    )
  }

  async #askOnce(circumstances: TokenRequestCircumstances, client_secret: Secret | undefined): Promise<Grant> {
    const { clock, metrics, requestGrant } = this.#parts
    const previous = this.#previousFor(circumstances)
    let sentMs: number | undefined
    const beforeSend = async (): Promise<void> => {
      await this.#spend(circumstances)
      circumstances.onSend()
      sentMs = clock.nowMs()
    }
    try {
      const grant = await requestGrant({ ...this.#credential, client_secret }, previous, this.#identity, beforeSend)
      this.#memory.keep(grant)
      return grant
    } finally {
      if (sentMs !== undefined) metrics.tokenRequestDuration.observe((clock.nowMs() - sentMs) / 1000)
    }
  }

  /**
   * A refresh token that another replica got may have been used up by a third one, of which nobody hears while the store is away:
   * using it twice can end all that followed from it (RFC 9700 4.14.2). Where there is another way, it is taken.
   */
  #previousFor({ lock, isStoreShared }: TokenRequestCircumstances): PreviousGrant {
    const { previous, isOwn } = this.#memory
    const isUnsure = lock === undefined && isStoreShared && !isOwn
    return isUnsure && this.#credential.grant_type !== 'refresh_token' ? { ...previous, refreshToken: undefined } : previous
  }

  async #spend({ purpose, lock, budgetKey }: TokenRequestCircumstances): Promise<void> {
    if (this.#budget === undefined) return
    const { clock } = this.#parts
    const isAllowed = this.#budget.allows(purpose, clock.nowMs())
    const verdict = isAllowed ? await lock?.spend(budgetKey, this.#budget.termsFor(purpose)) : undefined
    const nowMs = clock.nowMs()
    const isSpent = verdict === undefined ? this.#budget.take(purpose, nowMs) : this.#budget.follow(verdict, nowMs)
    if (isSpent) return
    throw new TokenUnavailableError(
      'budget',
      `the budget of ${this.#credential.name} for token requests is spent`,
      this.#budget.waitMs(nowMs),
    )
  }
}

/** Only a person can mend this. */
function loginRequired(name: string): TokenRequestError {
  const message = `the token endpoint does not take the refresh token any more; run "bearerd login ${name}" again`
  return new TokenRequestError('refused', 'login_required', message)
}
