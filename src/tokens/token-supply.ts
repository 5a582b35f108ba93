import type { Credential } from '../config/config.ts'
import type { RejectionOutcome } from '../telemetry/credential-metrics.ts'
import type { AccessToken } from './access-token.ts'

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

/** What a request needs of whoever has its token: a token source of this process, or of the process that has them all. */
export interface TokenSupply {
  /** What means, in an answer, that the token was refused. */
  readonly rejectedWhen: Credential['rejected_when']
  /** The current token, if it can be used; what nearly every request does, and so without a promise. */
  current(): AccessToken | undefined
  /**
   * Waits for a token.
   * @throws TokenUnavailableError when there is none to be had now
   */
  obtain(): Promise<AccessToken>
  /**
   * Takes note that an upstream refused a token, and finds a newer one where that is possible.
   * @param canReplay whether the refused request can be sent again, and so show whether a new token helps
   * @param route that of the refused request, for people
   */
  reject(refused: AccessToken, canReplay: boolean, route: string): Promise<Rejection>
  /** Counts a refusal that a new token would not help against. */
  noteRejection(outcome: 'pointless'): void
  /** Takes note of what became of the replay with a replacement. */
  replayed(replacement: Replacement, isAccepted: boolean): void
  /** Takes note that there was no replay after all: nobody knows whether the renewal was of use. */
  notReplayed(replacement: Replacement): void
}
