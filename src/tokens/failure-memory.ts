import { createHash } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import type { TokenRequestError } from '../oauth/token-request-error.ts'
import { backOffMs } from './back-off.ts'

/** A failed token request, and how long it forbids the next one. */
export interface Failure {
  readonly error: TokenRequestError
  readonly atEpochMs: number
  /** Failures of this kind in a row. */
  readonly count: number
  /** By the monotonic clock. */
  readonly untilMs: number
  /** Digest of the secrets that were used. */
  readonly secrets: string
}

/** Remembers the last failure of a credential's token requests, until a success. */
export class FailureMemory {
  readonly #credential: Credential
  #last: Failure | undefined
  #secretsInUse = ''

  constructor(credential: Credential) {
    this.#credential = credential
  }

  get last(): Failure | undefined {
    return this.#last
  }

  /** A token request begins: a failure of it will be one of the secrets of this moment, though a file may change meanwhile. */
  begin(): void {
    this.#secretsInUse = this.#secretsDigest()
  }

  /**
   * @param random from 0 to 1
   * @param secrets those that were used; by default those of the last `begin`
   */
  record(
    error: TokenRequestError,
    nowMs: number,
    atEpochMs: number,
    random: number,
    secrets: string = this.#secretsInUse,
  ): Failure {
    const isSameKind = this.#last?.error.kind === error.kind
    const count = isSameKind ? (this.#last?.count ?? 0) + 1 : 1
    this.#last = { error, atEpochMs, count, untilMs: nowMs + backOffMs(error, count, random), secrets }
    return this.#last
  }

  forget(): void {
    this.#last = undefined
  }

  /** The token endpoint has granted a token: it knows the client. */
  recognised(): void {
    this.forget()
  }

  /** The failure that forbids a token request now. A refusal forbids nothing any more once a secret has changed. */
  pausing(nowMs: number): Failure | undefined {
    const failure = this.#last
    if (failure === undefined || nowMs >= failure.untilMs) return undefined
    return failure.error.kind === 'refused' && failure.secrets !== this.#secretsDigest() ? undefined : failure
  }

  /** Changes when a secret of the credential does. */
  #secretsDigest(): string {
    const { client_id, client_secret, client_secret_next, variables, token_request } = this.#credential
    const { assertion, tls } = token_request
    const secrets = [
      client_id,
      client_secret,
      client_secret_next,
      assertion?.key,
      tls?.ca,
      tls?.cert,
      tls?.key,
      ...Object.values(variables),
    ]
    const hash = createHash('sha256')
    for (const secret of secrets) hash.update(`${secret?.reveal() ?? ''}\0`)
    return hash.digest('hex')
  }
}
