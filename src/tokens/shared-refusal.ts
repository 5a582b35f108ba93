import type { Credential } from '../config/config.ts'
import type { TokenRequestError } from '../oauth/token-request-error.ts'
import { FailureMemory } from './failure-memory.ts'
import type { Failure } from './failure-memory.ts'

/**
 * That the token endpoint refused the client of a credential, for all its identities: each asking in vain for itself would be as
 * many wrong log-ins, and get the client locked. After the pause one of them finds out for all.
 */
export class SharedRefusal {
  readonly #memory: FailureMemory
  /** How long the one that asks is waited for, in milliseconds. */
  readonly #answerMs: number
  #asker: object | undefined
  #askerUntilMs = 0

  constructor(credential: Credential) {
    this.#memory = new FailureMemory(credential)
    this.#answerMs = credential.token_request.timeout
  }

  get last(): Failure | undefined {
    return this.#memory.last
  }

  /** The client was refused. Requests that were under way together count as one. Parameters as for `FailureMemory.record`. */
  record(error: TokenRequestError, nowMs: number, atEpochMs: number, random: number, secrets: string): Failure {
    this.#asker = undefined
    const pause = this.#memory.pausing(nowMs)
    return pause ?? this.#memory.record(error, nowMs, atEpochMs, random, secrets)
  }

  /** What forbids somebody to ask now: the pause, or that another one is finding out. @param asker who would ask */
  pausing(asker: object, nowMs: number): Failure | undefined {
    const failure = this.#memory.last
    const pause = this.#memory.pausing(nowMs)
    if (failure === undefined || pause !== undefined) return pause
    if (this.#asker !== undefined && this.#asker !== asker && nowMs < this.#askerUntilMs) {
      return { ...failure, untilMs: this.#askerUntilMs }
    }
    this.#asker = asker
    this.#askerUntilMs = nowMs + this.#answerMs
    return undefined
  }

  /** Whoever was finding out could not: the next one may. */
  leaveOpen(asker: object): void {
    if (this.#asker === asker) this.#asker = undefined
  }

  /** The client was recognised. */
  forget(): void {
    this.#asker = undefined
    this.#memory.forget()
  }
}

/** RFC 6749 5.2: what is said to a client that has been recognised. */
const codesForKnownClients: ReadonlySet<string> = new Set(['invalid_grant', 'invalid_scope', 'unauthorized_client'])

/** The failures of one identity: its own, and the refusal of the client that all share. */
export class IdentityFailures extends FailureMemory {
  readonly #shared: SharedRefusal

  constructor(credential: Credential, shared: SharedRefusal) {
    super(credential)
    this.#shared = shared
  }

  override get last(): Failure | undefined {
    return super.last ?? this.#shared.last
  }

  override record(error: TokenRequestError, nowMs: number, atEpochMs: number, random: number): Failure {
    const own = super.record(error, nowMs, atEpochMs, random)
    // A bare 401 is left to the identity: endpoints that log somebody in answer so to one wrong name.
    if (error.code === 'invalid_client') {
      super.forget()
      return this.#shared.record(error, nowMs, atEpochMs, random, own.secrets)
    }
    if (codesForKnownClients.has(error.code)) this.#shared.forget()
    else this.#shared.leaveOpen(this)
    return own
  }

  override pausing(nowMs: number): Failure | undefined {
    return super.pausing(nowMs) ?? this.#shared.pausing(this, nowMs)
  }

  override recognised(): void {
    super.recognised()
    this.#shared.forget()
  }
}
