import type { Credential } from '../../src/config/config.ts'
import type { RequestGrant } from '../../src/oauth/request-grant.ts'
import type { Grant, PreviousGrant } from '../../src/oauth/token-response.ts'
import { foreignCode } from '../../src/oauth/token-error-codes.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { createExposition } from '../../src/telemetry/exposition.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSource } from '../../src/tokens/token-source.ts'
import { FakeClock, settled } from './fake-clock.ts'
import { credentialOf } from './tokens-credential.ts'

/** A token request that waits for the test to answer it. */
export interface PendingGrant {
  readonly previous: PreviousGrant
  grant(token: string, lifetimeMs?: number, more?: Partial<Grant>): void
  fail(error: unknown): void
}

/** A token source on a fake clock, whose token requests the test answers, or has answered by `answer`. */
export interface SourceUnderTest {
  readonly source: TokenSource
  readonly clock: FakeClock
  readonly metrics: Metrics
  readonly credential: Credential
  /** Every token request so far, in order. */
  readonly requests: PendingGrant[]
  /** Waits for everything under way, and answers a token request: the one with this number, from 0, or with -1 the last. */
  grant(index: number, ...granted: Parameters<PendingGrant['grant']>): Promise<void>
  fail(index: number, error: unknown): Promise<void>
  /** Tokens handed back so far. */
  readonly revoked: string[]
  /** Throwing fails a revocation. */
  revoke: () => void
  /** Parsed log lines so far. */
  readonly log: Record<string, unknown>[]
  /** When set, answers each request at once. Throwing fails it. */
  answer: ((count: number) => Grant) | undefined
  /** Gets a token the way the proxy does: a hit at once, or a wait. */
  get(): Promise<AccessToken>
  /** The value of one series as scraped. */
  metric(series: string): Promise<number | undefined>
}

/** Makes a grant as the judged answer of a token endpoint would be. */
export function grantOf(accessToken: string, lifetimeMs = 3_600_000, more: Partial<Grant> = {}): Grant {
  return {
    accessToken,
    lifetime: { ms: lifetimeMs, source: 'response', oddity: undefined },
    refreshToken: undefined,
    fields: {},
    ...more,
  }
}

/** The token inside; tests may look. */
export function valueOf(token: AccessToken | undefined): string | undefined {
  return token?.reveal().fields[1]?.replace(/^Bearer /, '')
}

export function unavailable(code = 'http_503', retryAfterMs?: number): TokenRequestError {
  return new TokenRequestError('unavailable', foreignCode(code), `the token endpoint answered (${code})`, retryAfterMs)
}

export function refused(code = 'invalid_client'): TokenRequestError {
  return new TokenRequestError('refused', foreignCode(code), `the token endpoint answered 401 ${code}`)
}

/**
 * Makes a token source to test.
 * @param keys of its credential
 * @param random stands still at this number
 */
export function sourceUnderTest(keys: Readonly<Record<string, unknown>> = {}, random = 0.5): SourceUnderTest {
  const clock = new FakeClock()
  const metrics = new Metrics('0.0.0-test')
  const credential = credentialOf(keys)
  const requests: PendingGrant[] = []
  const log: Record<string, unknown>[] = []
  const revoked: string[] = []
  const requestGrant: RequestGrant = async (_credential, previous, _identity, beforeSend) => {
    await beforeSend?.()
    return await new Promise<Grant>((resolve, reject) => {
      requests.push({ previous, grant: (token, lifetimeMs, more) => resolve(grantOf(token, lifetimeMs, more)), fail: reject })
      const count = requests.length
      if (under.answer !== undefined) resolve(Promise.resolve().then(() => under.answer?.(count) ?? grantOf(`token-${count}`)))
    })
  }
  const source = new TokenSource(credential, {
    requestGrant,
    revokeToken: async (_, token) => {
      under.revoke()
      revoked.push(token)
      await Promise.resolve()
    },
    store: createMemoryStore({ clock, maxTokens: 100 }),
    clock,
    random: () => random,
    metrics: metrics.forCredential('main'),
    log: createLog({ write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
  })
  const requestAt = async (index: number): Promise<PendingGrant> => {
    await settled()
    const request = requests.at(index)
    if (request === undefined) throw new Error(`there is no token request ${index}, only ${requests.length}`)
    return request
  }
  const expose = createExposition(metrics)
  const under: SourceUnderTest = {
    source,
    clock,
    metrics,
    credential,
    requests,
    grant: async (index, ...granted) => (await requestAt(index)).grant(...granted),
    fail: async (index, error) => (await requestAt(index)).fail(error),
    revoked,
    revoke: () => {},
    log,
    answer: undefined,
    get: () => {
      const token = source.current()
      return token === undefined ? source.obtain() : Promise.resolve(token)
    },
    metric: async (series) => {
      const line = (await expose(undefined)).body.split('\n').find((candidate) => candidate.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length + 1))
    },
  }
  return under
}

/** A source that holds `token-1`, granted for `lifetimeMs`. */
export async function sourceWithToken(
  keys: Readonly<Record<string, unknown>> = {},
  lifetimeMs = 3_600_000,
  random = 0.5,
): Promise<SourceUnderTest & { readonly first: AccessToken }> {
  const under = sourceUnderTest(keys, random)
  const first = under.source.obtain()
  await under.grant(0, 'token-1', lifetimeMs)
  return Object.assign(under, { first: await first })
}

/** Keeps a token in use, as traffic would: one call per step. */
export async function useFor(
  under: SourceUnderTest,
  totalMs: number,
  stepMs: number,
  each: (token: AccessToken | undefined) => void = () => {},
): Promise<void> {
  for (let passedMs = 0; passedMs < totalMs; passedMs += stepMs) {
    await under.clock.advance(stepMs)
    each(under.source.current())
    await settled()
  }
}
