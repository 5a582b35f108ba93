import type { Credential } from '../config/config.ts'
import type { Secret } from '../config/secret.ts'
import { isClientRefused } from '../oauth/client-refusal.ts'
import { nobody } from '../oauth/identity.ts'
import type { Identity } from '../oauth/identity.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { Log } from '../telemetry/log.ts'
import type { CredentialMetrics } from '../telemetry/metrics.ts'
import { ClientSecrets } from './client-secrets.ts'
import type { Clock } from './clock.ts'
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
}

/** Makes the token requests of one credential, within its budget, and keeps of each grant what the next request needs. */
export class TokenRequester {
  readonly #credential: Credential
  readonly #parts: TokenRequesterParts
  readonly #identity: Identity
  readonly #budget: TokenBudget | undefined
  readonly #secrets: ClientSecrets
  #previous: PreviousGrant = { refreshToken: undefined, lifetimeMs: undefined }
  /** What `variables.refresh_token` was when the refresh token held now followed from it. */
  #firstRefreshToken: string | undefined

  constructor(credential: Credential, parts: TokenRequesterParts, identity: Identity = nobody) {
    this.#credential = credential
    this.#parts = parts
    this.#identity = identity
    this.#secrets = new ClientSecrets(credential)
    if (credential.token_requests !== undefined) {
      const budget = parts.budget ?? new TokenBudget(credential.token_requests)
      this.#budget = budget
      parts.metrics.showBudget(() => budget.remaining(parts.clock.nowMs()))
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

  /**
   * Asks with the refresh token where there is one (RFC 6749 6); when that is refused it is forgotten, and the original grant
   * is still there.
   * @throws TokenRequestError when no token is granted, TokenUnavailableError when the budget is spent
   */
  async ask(purpose: TokenRequestPurpose): Promise<Grant> {
    this.#forgetReplacedRefreshToken()
    try {
      return await this.#askAsClient(purpose)
    } catch (error) {
      const isRefused = error instanceof TokenRequestError && error.kind === 'refused'
      if (!isRefused || this.#previous.refreshToken === undefined) throw error
      // Any other refusal is about the client, and would be the same for the original grant (RFC 6749 5.2). Where the original
      // grant is a refresh token too, the rotated one may be the only one that is still good.
      if (error.code !== 'invalid_grant' && this.#credential.grant_type === 'refresh_token') throw error
      this.#previous = { ...this.#previous, refreshToken: undefined }
      if (error.code !== 'invalid_grant') throw error
      this.#parts.metrics.countTokenRequest('refused')
      return await this.#askAsClient(purpose)
    }
  }

  /** Who configures another first refresh token means that one, not what followed from the old one. */
  #forgetReplacedRefreshToken(): void {
    if (this.#credential.grant_type !== 'refresh_token') return
    const first = this.#credential.variables['refresh_token']?.reveal()
    if (first !== this.#firstRefreshToken) this.#previous = { ...this.#previous, refreshToken: undefined }
    this.#firstRefreshToken = first
  }

  /** Asks with the client secret that was good last; when the client is refused, once more with the other one. */
  async #askAsClient(purpose: TokenRequestPurpose): Promise<Grant> {
    const [current, other] = this.#secrets.inOrder()
    try {
      return await this.#askOnce(purpose, current)
    } catch (error) {
      if (other === undefined || !isClientRefused(error)) throw error
      this.#parts.metrics.countTokenRequest('refused')
    }
    try {
      const grant = await this.#askOnce(purpose, other)
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

  async #askOnce(purpose: TokenRequestPurpose, client_secret: Secret | undefined): Promise<Grant> {
    const { clock, metrics, requestGrant } = this.#parts
    const startedMs = clock.nowMs()
    if (this.#budget?.take(purpose, startedMs) === false) {
      throw new TokenUnavailableError(
        'budget',
        `the budget of ${this.#credential.name} for token requests is spent`,
        this.#budget.waitMs(startedMs),
      )
    }
    try {
      const grant = await requestGrant({ ...this.#credential, client_secret }, this.#previous, this.#identity)
      const { refreshToken, lifetime } = grant
      this.#previous = { refreshToken, lifetimeMs: lifetime.source === 'response' ? lifetime.ms : this.#previous.lifetimeMs }
      return grant
    } finally {
      metrics.tokenRequestDuration.observe((clock.nowMs() - startedMs) / 1000)
    }
  }
}
