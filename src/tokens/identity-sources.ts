import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Credential } from '../config/config.ts'
import { isClientApart } from '../config/request-values.ts'
import type { Identity } from '../oauth/identity.ts'
import type { Series } from '../telemetry/instruments.ts'
import type { CredentialMetrics } from '../telemetry/credential-metrics.ts'
import { ClientSecrets } from './client-secrets.ts'
import { IdentityFailures, SharedRefusal } from './shared-refusal.ts'
import { TokenBudget } from './token-budget.ts'
import { TokenHistory } from './token-history.ts'
import { TokenSource } from './token-source.ts'
import type { TokenSourceParts } from './token-source.ts'
import type { TokenStatus } from './token-status.ts'

/** Token sources of identities, the one used longest ago last; a bounded number, shared by all credentials that have them. */
export type HeldSources = LRUCache<string, TokenSource>

/**
 * Makes the place for token sources of identities. One that has to make room ends its timers; what is under way with it goes on,
 * and whoever waits for that is served.
 */
export function holdSources(most: number): HeldSources {
  return new LRUCache({ max: most, dispose: (source) => source.close() })
}

/** What is told of a credential that has a token for each identity: never who they are. */
export interface IdentityStatus {
  /** Identities that have a usable token here. */
  readonly tokens: number
  /** As for a single token; those of all identities together, or the latest. */
  readonly isRenewing: boolean
  readonly waiting: number
  readonly lastError: TokenStatus['lastError']
  /** Milliseconds for which no identity may ask, because the client was refused; 0 when they may. */
  readonly backOffMs: number
  readonly budgetRemaining: number | undefined
  readonly history: TokenStatus['history']
}

/** The token sources of one credential, one for each identity: two never share a token, a flight or a back-off. */
export class IdentitySources {
  readonly #credential: Credential
  readonly #parts: TokenSourceParts
  readonly #held: HeldSources
  readonly #refusal: SharedRefusal | undefined
  readonly #history: TokenHistory
  /**
   * What its keys begin with. Of its own, not of the name: after a reload, requests that began before it still come here, and must
   * not meet the sources of another credential under the same name.
   */
  readonly #prefix = `${randomUUID()} `

  /** @param parts with the metrics of the credential, where the numbers of all identities add up */
  constructor(credential: Credential, parts: TokenSourceParts, held: HeldSources) {
    this.#credential = credential
    this.#held = held
    this.#refusal = isClientApart(credential) ? new SharedRefusal(credential) : undefined
    this.#history = new TokenHistory(parts.clock)
    const budget = credential.token_requests && new TokenBudget(credential.token_requests)
    if (budget !== undefined) parts.metrics.showBudget(() => budget.remaining(parts.clock.nowMs()), budget.limit)
    this.#parts = {
      ...parts,
      metrics: withLatestTimes(parts.metrics),
      budget,
      clientSecrets: new ClientSecrets(credential),
      history: this.#history,
    }
  }

  /** The source of an identity; made when it is not held. */
  of(identity: Identity): TokenSource {
    // As JSON, different lists are different texts, whatever is in them.
    const key = this.#prefix + JSON.stringify(identity)
    let source = this.#held.get(key)
    if (source === undefined) {
      source = this.#make(identity)
      this.#held.set(key, source)
    }
    return source
  }

  /** What failed may be tried again at once. */
  tryAgain(): void {
    this.#refusal?.forget()
    for (const source of this.#own()) source.tryAgain()
  }

  /** Holds no sources any longer. @returns those that it held */
  leave(): TokenSource[] {
    const left = [...this.#own()]
    for (const key of this.#held.keys()) if (key.startsWith(this.#prefix)) this.#held.delete(key)
    return left
  }

  status(): IdentityStatus {
    let tokens = 0
    let isRenewing = false
    let waiting = 0
    let lastError: TokenStatus['lastError']
    for (const source of this.#own()) {
      const status = source.status()
      if (status.state === 'fresh' || status.state === 'stale') tokens++
      if (status.isRenewing) isRenewing = true
      waiting += status.waiting
      if (status.lastError !== undefined && status.lastError.atEpochMs > (lastError?.atEpochMs ?? 0)) lastError = status.lastError
    }
    const { clock, budget } = this.#parts
    const nowMs = clock.nowMs()
    return {
      tokens,
      isRenewing,
      waiting,
      lastError,
      backOffMs: Math.max((this.#refusal?.last?.untilMs ?? nowMs) - nowMs, 0),
      budgetRemaining: budget?.remaining(nowMs),
      history: this.#history.list(),
    }
  }

  *#own(): Iterable<TokenSource> {
    for (const [key, source] of this.#held.entries()) if (key.startsWith(this.#prefix)) yield source
  }

  #make(identity: Identity): TokenSource {
    const parts: TokenSourceParts = {
      ...this.#parts,
      log: this.#parts.log.child({ identity: pseudonym([this.#credential.name, ...identity]) }),
      failures: this.#refusal && new IdentityFailures(this.#credential, this.#refusal),
    }
    return new TokenSource(this.#credential, parts, identity)
  }
}

/** Another one in each run of the program: it tells log lines apart, and nobody can try names until one fits. */
const pseudonymKey = randomBytes(32)

function pseudonym(names: readonly string[]): string {
  return createHmac('sha256', pseudonymKey).update(JSON.stringify(names)).digest('hex').slice(0, 12)
}

/**
 * Of many tokens the one that lives longest is shown: as long as any is in use and can be renewed, it lies ahead. That of the one
 * granted last would seem to run out while all is well.
 */
function withLatestTimes(metrics: CredentialMetrics): CredentialMetrics {
  return { ...metrics, expiry: latest(metrics.expiry), renewal: latest(metrics.renewal) }
}

function latest(shown: Series): Series {
  return {
    get value() {
      return shown.value
    },
    set value(seconds: number) {
      shown.value = Math.max(shown.value, seconds)
    },
  }
}
