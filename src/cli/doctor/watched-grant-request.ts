import type { Credential } from '../../config/config.ts'
import { createGrantRequest } from '../../oauth/request-grant.ts'
import type { RequestGrant } from '../../oauth/request-grant.ts'
import type { Lifetime } from '../../oauth/lifetime.ts'
import type { TokenTransport } from '../../oauth/token-transport.ts'
import type { TimedDate } from './examine-clock.ts'

/** What a token endpoint answered, as far as it may be told, and when. */
export interface TokenExchange extends TimedDate {
  readonly status: number
  /** How long the token lives that it granted, and how that is known; undefined where it granted none. */
  lifetime?: Lifetime
}

/** The answers of token endpoints, in order, by credential. */
export class TokenExchanges {
  readonly #byCredential = new Map<string, TokenExchange[]>()

  of({ name }: Pick<Credential, 'name'>): readonly TokenExchange[] {
    return this.#byCredential.get(name) ?? []
  }

  /** Makes the function that asks for tokens, as the gateway does, and keeps what is answered. */
  watch(transport: TokenTransport, epochMs: () => number): RequestGrant {
    return async (credential, ...rest) => {
      const exchanges = this.#byCredential.get(credential.name) ?? []
      this.#byCredential.set(credential.name, exchanges)
      const watched: TokenTransport = {
        send: async (tokenRequest) => {
          const sentEpochMs = epochMs()
          const response = await transport.send(tokenRequest)
          const { date } = response.headers
          const { status } = response
          exchanges.push({ status, date: Array.isArray(date) ? date[0] : date, sentEpochMs, answeredEpochMs: epochMs() })
          return response
        },
        close: () => transport.close(),
      }
      const grant = await createGrantRequest(watched, epochMs)(credential, ...rest)
      const last = exchanges.at(-1)
      if (last !== undefined) last.lifetime = grant.lifetime
      return grant
    }
  }
}
