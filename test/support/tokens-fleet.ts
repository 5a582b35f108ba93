import type { Grant } from '../../src/oauth/token-response.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSource } from '../../src/tokens/token-source.ts'
import { FakeClock } from './fake-clock.ts'
import { credentialOf } from './tokens-credential.ts'
import { grantOf } from './tokens-source.ts'

/** Replicas that share a store and a token endpoint, on one fake clock. */
export class FleetUnderTest {
  readonly clock = new FakeClock()
  readonly store = createMemoryStore({ clock: this.clock, maxTokens: 100 })
  readonly replicas: readonly TokenSource[]
  /** What each token request brought along. */
  readonly requests: { readonly refreshToken: string | undefined }[] = []
  /** How long the token endpoint takes, in milliseconds. */
  endpointMs = 50
  /** What it answers; throwing fails the request. */
  answer: (count: number) => Grant = (count) => grantOf(`token-${count}`)
  readonly #keys: Readonly<Record<string, unknown>>

  /** @param keys of the credential */
  constructor(size: number, keys: Readonly<Record<string, unknown>> = {}) {
    this.#keys = keys
    this.replicas = Array.from({ length: size }, () => this.join())
  }

  /** Starts one more replica. */
  join(): TokenSource {
    return new TokenSource(credentialOf(this.#keys), {
      requestGrant: async (_credential, { refreshToken }, _identity, beforeSend) => {
        await beforeSend?.()
        const count = this.requests.push({ refreshToken })
        await new Promise<void>((resolve) => void this.clock.after(this.endpointMs, resolve))
        return this.answer(count)
      },
      revokeToken: async () => {},
      store: this.store,
      clock: this.clock,
      random: () => 0.5,
      metrics: new Metrics('test').forCredential('main'),
      log: createLog({ write: () => {} }),
    })
  }

  /** Gets a token the way the proxy does: a hit at once, or a wait. */
  async get(replica: TokenSource): Promise<AccessToken> {
    return replica.current() ?? (await replica.obtain())
  }
}
