import type { Credential } from '../config/config.ts'
import type { RequestGrant } from '../oauth/request-grant.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Grant, PreviousGrant } from '../oauth/token-response.ts'
import type { CredentialMetrics } from '../telemetry/metrics.ts'
import type { Clock } from './clock.ts'
import { TokenBudget } from './token-budget.ts'
import type { TokenRequestPurpose } from './token-budget.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What a token requester needs. */
export interface TokenRequesterParts {
  readonly requestGrant: RequestGrant
  readonly clock: Clock
  readonly metrics: CredentialMetrics
}

/** Makes the token requests of one credential, within its budget, and keeps of each grant what the next request needs. */
export class TokenRequester {
  readonly #credential: Credential
  readonly #parts: TokenRequesterParts
  readonly #budget: TokenBudget | undefined
  #previous: PreviousGrant = { refreshToken: undefined, lifetimeMs: undefined }

  constructor(credential: Credential, parts: TokenRequesterParts) {
    this.#credential = credential
    this.#parts = parts
    if (credential.token_requests !== undefined) {
      const budget = new TokenBudget(credential.token_requests)
      this.#budget = budget
      parts.metrics.showBudget(() => budget.remaining(parts.clock.nowMs()))
    }
  }

  /** Token requests left in the current window; undefined without a budget. */
  get budgetRemaining(): number | undefined {
    return this.#budget?.remaining(this.#parts.clock.nowMs())
  }

  /**
   * Asks with the refresh token where there is one (RFC 6749 6); when that is refused it is forgotten, and the original grant is still
   * there.
   * @throws TokenRequestError when no token is granted, TokenUnavailableError when the budget is spent
   */
  async ask(purpose: TokenRequestPurpose): Promise<Grant> {
    try {
      return await this.#askOnce(purpose)
    } catch (error) {
      const isRefused = error instanceof TokenRequestError && error.kind === 'refused'
      if (!isRefused || this.#previous.refreshToken === undefined) throw error
      this.#previous = { ...this.#previous, refreshToken: undefined }
      // Any other refusal is about the client, and would be the same for the original grant (RFC 6749 5.2).
      if (error.code !== 'invalid_grant') throw error
      this.#parts.metrics.countTokenRequest('refused')
      return await this.#askOnce(purpose)
    }
  }

  async #askOnce(purpose: TokenRequestPurpose): Promise<Grant> {
    const { clock, metrics, requestGrant } = this.#parts
    const startedMs = clock.nowMs()
    if (this.#budget?.take(purpose, startedMs) === false) {
      throw new TokenUnavailableError('budget', `the budget of ${this.#credential.name} for token requests is spent`, this.#budget.waitMs(startedMs))
    }
    try {
      const grant = await requestGrant(this.#credential, this.#previous)
      const { refreshToken, lifetime } = grant
      this.#previous = { refreshToken, lifetimeMs: lifetime.source === 'response' ? lifetime.ms : this.#previous.lifetimeMs }
      return grant
    } finally {
      metrics.tokenRequestDuration.observe((clock.nowMs() - startedMs) / 1000)
    }
  }
}
