import type { Credential } from '../config/config.ts'
import type { CredentialMetrics } from '../telemetry/credential-metrics.ts'
import type { AccessToken } from '../tokens/access-token.ts'
import type { Clock } from '../tokens/clock.ts'
import type { Rejection, Replacement, TokenSupply } from '../tokens/token-supply.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import type { Link } from './link.ts'
import { reminderOf, tokenOf } from './token-message.ts'
import type { TokenMessage } from './token-message.ts'
import type { FromMain, FromWorker, SupplyName } from './vocabulary.ts'

/** What the supplies of a worker have in common. */
export interface WorkerSupplyParts {
  readonly link: Link<FromWorker, FromMain>
  /** Where hits are counted; all else is counted where the tokens are. */
  readonly metrics: CredentialMetrics
  readonly clock: Pick<Clock, 'nowMs'>
}

/** The share of the time to a token's renewal after which its use is told again. */
const tellAfter = 0.25
/** How often it is told at most, in milliseconds. */
const mostOftenMs = 250
/** How often at least, so that of many identities those in use are not taken for those that nobody needs. */
const leastOftenMs = 30_000
/** How often a token that is due for its renewal is told, as that may have to wait. */
const dueMs = 1_000

/**
 * The token of one credential in a worker: the main process has the token source, and tells what its token is. So a hit costs no
 * message, and everything else is decided in one place for all workers.
 */
export class WorkerSupply implements TokenSupply {
  readonly rejectedWhen: Credential['rejected_when']
  readonly #name: SupplyName
  readonly #parts: WorkerSupplyParts
  readonly #replacements = new WeakMap<Replacement, number>()
  #token: AccessToken | undefined
  /** When its use is told again, by the monotonic clock. */
  #tellAtMs = 0

  constructor(credential: Credential, name: SupplyName, parts: WorkerSupplyParts) {
    this.rejectedWhen = credential.rejected_when
    this.#name = name
    this.#parts = parts
  }

  /** Takes what the main process says of the token. */
  hear(message: TokenMessage | null): void {
    this.#token = message === null ? undefined : this.#known(message)
    this.#tellAtMs = 0
  }

  current(): AccessToken | undefined {
    const token = this.#token
    if (token === undefined) return undefined
    const nowMs = this.#parts.clock.nowMs()
    if (nowMs >= token.times.expiresAtMs) return undefined
    if (nowMs >= this.#tellAtMs) this.#tellUse(token, nowMs)
    this.#parts.metrics.lookups.hit.value++
    return token
  }

  async obtain(): Promise<AccessToken> {
    const answer = await this.#parts.link.ask('obtain', this.#name)
    if ('token' in answer) return this.#known(answer.token)
    const { reason, message, retryAfterMs } = answer.unavailable
    throw new TokenUnavailableError(reason, message, retryAfterMs)
  }

  async reject(refused: AccessToken, canReplay: boolean, route: string): Promise<Rejection> {
    const answer = await this.#parts.link.ask('reject', { supply: this.#name, token: reminderOf(refused), canReplay, route })
    if (!('replacement' in answer)) return answer
    const { outcome, isCause } = answer
    const replacement = { outcome, token: this.#known(answer.token), isCause }
    this.#replacements.set(replacement, answer.replacement)
    return replacement
  }

  noteRejection(): void {
    this.#parts.link.tell('pointless', this.#name)
  }

  replayed(replacement: Replacement, isAccepted: boolean): void {
    this.#tellEnd(replacement, isAccepted ? 'accepted' : 'refused')
  }

  notReplayed(replacement: Replacement): void {
    this.#tellEnd(replacement, 'none')
  }

  #tellEnd(replacement: Replacement, end: 'accepted' | 'refused' | 'none'): void {
    const number = this.#replacements.get(replacement)
    if (number !== undefined) this.#parts.link.tell('replayed', { replacement: number, end })
  }

  /** What has been made of a token (its upstream) is kept with the object, so that there is one for each. */
  #known(message: TokenMessage): AccessToken {
    return this.#token?.id === message.entry.id ? this.#token : tokenOf(message)
  }

  /** Whoever renews has to know that the token is in use: more often the nearer its renewal is. */
  #tellUse({ times }: AccessToken, nowMs: number): void {
    const untilRenewalMs = times.renewAtMs - nowMs
    const pauseMs =
      untilRenewalMs <= 0 ? dueMs : Math.min(Math.max(untilRenewalMs * tellAfter, mostOftenMs), untilRenewalMs, leastOftenMs)
    this.#tellAtMs = nowMs + pauseMs
    this.#parts.link.tell('used', this.#name)
  }
}
