import type { Credential } from '../../src/config/config.ts'
import type { Identity } from '../../src/oauth/identity.ts'
import type { Grant } from '../../src/oauth/token-response.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSources } from '../../src/tokens/token-sources.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { credentialOf } from './tokens-credential.ts'
import { grantOf } from './tokens-source.ts'

/** Token sources of one credential, `main`, with a token for each identity, on a fake clock. */
export interface IdentitiesUnderTest {
  readonly tokens: TokenSources
  readonly credential: Credential
  readonly clock: FakeClock
  readonly metrics: Metrics
  /** For whom tokens were asked, in order. */
  readonly asked: Identity[]
  /** Tokens handed back, each with whom it was for. */
  readonly revoked: string[][]
  /** The most that were being handed back at a time. */
  mostRevoking: number
  /** Log lines so far, as written. */
  readonly log: string[]
  /** Answers each token request; by default with `token-for-X` for `['X']`. Throwing fails it. */
  answer: (identity: Identity) => Grant | Promise<Grant>
  /** Gets a token the way the proxy does. */
  get(...identity: Identity): Promise<AccessToken>
}

/** A credential whose token is for the user and the tenant of a request. */
export const perUser = { params: { user: '{request.header.X-User}' } } as const
export const perTenantAndUser = { params: { user: '{request.header.X-User}', tenant: '{request.header.X-Tenant}' } } as const

/** Makes the sources. @param keys of the credential */
export function identitiesUnderTest(keys: Readonly<Record<string, unknown>> = {}, maxTokens = 100): IdentitiesUnderTest {
  const clock = new FakeClock()
  const metrics = new Metrics('0.0.0-test')
  const credential = credentialOf({ token_request: perUser, ...keys })
  const asked: Identity[] = []
  let revoking = 0
  const log: string[] = []
  const tokens = new TokenSources(new Map([['main', credential]]), {
    requestGrant: async (_credential, _previous, identity = [], beforeSend) => {
      await beforeSend?.()
      asked.push(identity)
      return await under.answer(identity)
    },
    clock,
    revokeToken: async (_credential, token, identity = []) => {
      revoking++
      under.mostRevoking = Math.max(under.mostRevoking, revoking)
      await settled()
      revoking--
      under.revoked.push([token, ...identity])
    },
    store: createMemoryStore({ clock, maxTokens }),
    random: () => 0.5,
    metrics,
    log: createLog({ write: (line: string) => void log.push(line) }),
    maxTokens,
  })
  const under: IdentitiesUnderTest = {
    tokens,
    credential,
    clock,
    metrics,
    asked,
    revoked: [],
    mostRevoking: 0,
    log,
    answer: (identity) => grantOf(`token-for-${identity.join('-and-')}`),
    get: (...identity) => {
      const source = tokens.of(credential, identity)
      return Promise.resolve(source.current() ?? source.obtain())
    },
  }
  return under
}
