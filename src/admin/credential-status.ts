import type { Credential } from '../config/config.ts'
import { shownEndpoint } from '../config/schema/url.ts'
import type { IdentityStatus } from '../tokens/identity-sources.ts'
import type { TokenRequestPurpose } from '../tokens/token-budget.ts'
import type { TokenEvent } from '../tokens/token-history.ts'
import type { TokenSources } from '../tokens/token-sources.ts'
import type { TokenStatus } from '../tokens/token-status.ts'
import { maybeRfc3339, maybeRounded, toRfc3339 } from './moments.ts'

/** One credential. */
export interface CredentialStatus {
  readonly name: string
  readonly provider: string | null
  /** Without its query; null when the tokens are signed here. */
  readonly token_endpoint: string | null
  readonly state: TokenStatus['state']
  readonly fingerprint: string | null
  readonly issued: string | null
  readonly renews: string | null
  readonly expires: string | null
  readonly renewing: boolean
  readonly callers_waiting: number
  readonly last_error: {
    readonly at: string
    /** Whether the token endpoint said no, or did not answer as it should. */
    readonly kind: 'refused' | 'unavailable'
    readonly code: string
    readonly message: string
  } | null
  /** Seconds until a token request may be made after a failure; 0 when it may be made now. */
  readonly back_off_seconds: number
  /** Seconds in which refusals are passed through; 0 when they cause a renewal. */
  readonly cool_down_seconds: number
  readonly budget_remaining: number | null
  /** Of how many, in which time. */
  readonly budget: { readonly limit: number; readonly window_seconds: number } | null
  /** What happened to its token last, newest first; a failure that repeats itself counts up. */
  readonly history: readonly {
    readonly event: TokenEvent['type']
    readonly at: string
    readonly count: number
    /** Why a token was wanted; null where nobody here had asked. */
    readonly purpose: TokenRequestPurpose | null
    /** The route whose upstream had refused the token before. */
    readonly route: string | null
    readonly took_ms: number | null
    readonly code: string | null
    readonly message: string | null
  }[]
  /** Where there is a token for each identity; then what is said of a single token is null. Null where there is one for all. */
  readonly identities: {
    /** The fields of a request that say for whom it is. */
    readonly fields: readonly string[]
    /** Identities that have a usable token. */
    readonly tokens: number
  } | null
}

/** What is shown of a credential. */
export function credentialStatus(tokens: TokenSources, credential: Credential): CredentialStatus {
  const { name, provider = null, token_endpoint, token_requests, identityFields: fields } = credential
  const shared = tokens.identityStatus(name)
  return {
    name,
    provider,
    token_endpoint: token_endpoint === undefined ? null : shownEndpoint(token_endpoint),
    ...tokenStatus(shared === undefined ? tokens.named(name)?.status() : asOne(shared)),
    budget: token_requests === undefined ? null : { limit: token_requests.limit, window_seconds: token_requests.window / 1000 },
    identities: shared === undefined ? null : { fields, tokens: shared.tokens },
  }
}

/** What is said of many tokens where one would be described. */
function asOne({ tokens, ...status }: IdentityStatus): TokenStatus {
  return {
    ...status,
    state: tokens > 0 ? 'fresh' : 'none',
    fingerprint: undefined,
    issuedAtEpochMs: undefined,
    renewAtEpochMs: undefined,
    expiresAtEpochMs: undefined,
    coolDownMs: 0,
  }
}

function tokenStatus(
  status: TokenStatus | undefined,
): Omit<CredentialStatus, 'name' | 'provider' | 'token_endpoint' | 'budget' | 'identities'> {
  const lastError = status?.lastError
  return {
    state: status?.state ?? 'none',
    fingerprint: status?.fingerprint ?? null,
    issued: maybeRfc3339(status?.issuedAtEpochMs),
    renews: maybeRfc3339(status?.renewAtEpochMs),
    expires: maybeRfc3339(status?.expiresAtEpochMs),
    renewing: status?.isRenewing ?? false,
    callers_waiting: status?.waiting ?? 0,
    last_error: lastError === undefined ? null : lastErrorOf(lastError),
    back_off_seconds: Math.ceil((status?.backOffMs ?? 0) / 1000),
    cool_down_seconds: Math.ceil((status?.coolDownMs ?? 0) / 1000),
    budget_remaining: status?.budgetRemaining ?? null,
    history: (status?.history ?? []).map(eventOf),
  }
}

function lastErrorOf({ atEpochMs, kind, code, message }: NonNullable<TokenStatus['lastError']>): CredentialStatus['last_error'] {
  return { at: toRfc3339(atEpochMs), kind, code, message }
}

function eventOf({ type, atEpochMs, count, purpose, route, tookMs, error }: TokenEvent): CredentialStatus['history'][number] {
  return {
    event: type,
    at: toRfc3339(atEpochMs),
    count,
    purpose: purpose ?? null,
    route: route ?? null,
    took_ms: maybeRounded(tookMs),
    code: error?.code ?? null,
    message: error?.message ?? null,
  }
}
