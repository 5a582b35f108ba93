import type { Credential } from '../config/config.ts'
import { TokenRequestError } from '../oauth/token-request-error.ts'
import type { Log } from '../telemetry/log.ts'
import type { Clock } from './clock.ts'
import type { Failure, FailureMemory } from './failure-memory.ts'
import type { TokenRequestPurpose } from './token-budget.ts'
import { TokenUnavailableError } from './token-unavailable-error.ts'

/** What noting a failure takes. */
export interface TokenFailuresParts {
  readonly clock: Clock
  /** From 0 to 1. */
  readonly random: () => number
  readonly log: Log
}

/** The failures of a credential's token requests: remembered, logged, and told to callers. */
export class TokenFailures {
  readonly #credential: Credential
  readonly #parts: TokenFailuresParts
  readonly #memory: FailureMemory

  constructor(credential: Credential, parts: TokenFailuresParts, memory: FailureMemory) {
    this.#credential = credential
    this.#parts = parts
    this.#memory = memory
  }

  /** The last one; undefined once a token request has succeeded. */
  get last(): Failure | undefined {
    return this.#memory.last
  }

  /** The one that forbids a token request now. */
  pausing(nowMs: number): Failure | undefined {
    return this.#memory.pausing(nowMs)
  }

  /** A token request begins. @throws TokenUnavailableError when a failure forbids it */
  begin(): void {
    const pause = this.#memory.pausing(this.#parts.clock.nowMs())
    if (pause !== undefined) throw this.unavailable(pause)
    this.#memory.begin()
  }

  /** A token request has failed. */
  note(error: unknown, purpose: TokenRequestPurpose): Failure {
    const { clock, log, random } = this.#parts
    const { name } = this.#credential
    const nowMs = clock.nowMs()
    const isExpected = error instanceof TokenRequestError
    const cause = isExpected
      ? error
      : new TokenRequestError('unavailable', 'internal_error', 'the token request failed inside bearerd')
    const failure = this.#memory.record(cause, nowMs, clock.epochMs(), random())
    const pause_ms = Math.round(failure.untilMs - nowMs)
    // Nobody is asked meanwhile, and looking again takes a second.
    const isKnown = cause.code === 'login_required' && failure.count > 1
    if (!isKnown) log.warn({ credential: name, code: cause.code, purpose, pause_ms }, `no token: ${cause.message}`)
    if (!isExpected) log.error({ err: error, error: 'internal_error', credential: name }, 'unexpected error in a token request')
    return failure
  }

  /** A token request has succeeded. */
  recognised(): void {
    this.#memory.recognised()
  }

  /** There is a token, or somebody has mended what was wrong. */
  forget(): void {
    this.#memory.forget()
  }

  /** What callers are told. */
  unavailable({ error, untilMs }: Failure): TokenUnavailableError {
    const isAboutClient = error.kind === 'refused' && !saysRemedy.has(error.code)
    const remedy = isAboutClient ? '; check its client_id, client_secret and scope' : ''
    const message = `no token for the credential ${this.#credential.name}: ${error.message}${remedy}`
    return new TokenUnavailableError(error.kind, message, untilMs - this.#parts.clock.nowMs(), { cause: error })
  }
}

/** Refusals that were never sent. */
const saysRemedy: ReadonlySet<string> = new Set(['unusable_key', 'login_required'])
