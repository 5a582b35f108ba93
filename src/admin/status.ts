import type { Credential } from '../config/config.ts'
import { shownUpstream } from '../config/schema/upstream.ts'
import { shownEndpoint } from '../config/schema/url.ts'
import type { IdentityStatus } from '../tokens/identity-sources.ts'
import type { TokenStatus } from '../tokens/token-status.ts'
import type { GatewayView } from './gateway-view.ts'

/** The state of the gateway, as `GET /status` gives it; moments are RFC 3339. Never a secret. */
export interface Status {
  readonly version: string
  readonly uptime_seconds: number
  readonly ready: boolean
  readonly configuration: {
    readonly file: string
    /** When it was last read, and whether what was read is in use. */
    readonly read: string
    readonly in_use: boolean
    readonly problems: readonly string[]
  }
  readonly routes: readonly { readonly path: string; readonly upstream: string; readonly credential: string | null }[]
  readonly credentials: readonly CredentialStatus[]
  readonly recent_requests: readonly RequestStatus[]
}

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
  readonly last_error: { readonly at: string; readonly code: string; readonly message: string } | null
  /** Seconds until a token request may be made after a failure; 0 when it may be made now. */
  readonly back_off_seconds: number
  /** Seconds in which refusals are passed through; 0 when they cause a renewal. */
  readonly cool_down_seconds: number
  readonly budget_remaining: number | null
  /** Where there is a token for each identity; then what is said of a single token is null. Null where there is one for all. */
  readonly identities: {
    /** The fields of a request that say for whom it is. */
    readonly fields: readonly string[]
    /** Identities that have a usable token. */
    readonly tokens: number
  } | null
}

/** One finished request. */
export interface RequestStatus {
  readonly id: string
  readonly at: string
  /** The configured name of who called; null where callers are not told apart, or nobody was recognised. */
  readonly caller: string | null
  readonly route: string | null
  readonly method: string
  readonly path: string
  readonly status: number
  readonly duration_ms: number
  readonly token: 'hit' | 'wait' | 'none'
  readonly replay: string | null
  readonly upstream_status: number | null
  readonly upstream_ms: number | null
  readonly error: string | null
}

/** Puts together what is shown of the gateway. */
export async function statusOf(view: GatewayView): Promise<Status> {
  const recentRequests = await view.recentRequests()
  return {
    version: view.version,
    uptime_seconds: Math.round((Date.now() - view.startedEpochMs) / 1000),
    ready: Object.values(view.readiness()).every(Boolean),
    configuration: configurationStatus(view),
    routes: view.config.routes.map(({ label, upstream, credential }) => ({
      path: label,
      upstream: shownUpstream(upstream),
      credential: credential?.name ?? null,
    })),
    credentials: [...view.config.credentials.values()].map((credential) => credentialStatus(view, credential)),
    recent_requests: recentRequests.map((request) => ({
      id: request.id,
      at: toRfc3339(request.atEpochMs),
      caller: request.caller ?? null,
      route: request.route ?? null,
      method: request.method,
      path: request.path,
      status: request.status,
      duration_ms: rounded(request.durationMs),
      token: request.token,
      replay: request.replay ?? null,
      upstream_status: request.upstreamStatus ?? null,
      upstream_ms: request.upstreamMs === undefined ? null : rounded(request.upstreamMs),
      error: request.error ?? null,
    })),
  }
}

function configurationStatus(view: GatewayView): Status['configuration'] {
  const { atEpochMs, isUsed, problems } = view.lastReload()
  return { file: view.config.file, read: toRfc3339(atEpochMs), in_use: isUsed, problems }
}

function credentialStatus(view: GatewayView, credential: Credential): CredentialStatus {
  const { name, provider = null, token_endpoint, identityFields: fields } = credential
  const shared = view.tokens.identityStatus(name)
  return {
    name,
    provider,
    token_endpoint: token_endpoint === undefined ? null : shownEndpoint(token_endpoint),
    ...tokenStatus(shared === undefined ? view.tokens.named(name)?.status() : asOne(shared)),
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
): Omit<CredentialStatus, 'name' | 'provider' | 'token_endpoint' | 'identities'> {
  const lastError = status?.lastError
  return {
    state: status?.state ?? 'none',
    fingerprint: status?.fingerprint ?? null,
    issued: maybeRfc3339(status?.issuedAtEpochMs),
    renews: maybeRfc3339(status?.renewAtEpochMs),
    expires: maybeRfc3339(status?.expiresAtEpochMs),
    renewing: status?.isRenewing ?? false,
    callers_waiting: status?.waiting ?? 0,
    last_error:
      lastError === undefined ? null : { at: toRfc3339(lastError.atEpochMs), code: lastError.code, message: lastError.message },
    back_off_seconds: Math.ceil((status?.backOffMs ?? 0) / 1000),
    cool_down_seconds: Math.ceil((status?.coolDownMs ?? 0) / 1000),
    budget_remaining: status?.budgetRemaining ?? null,
  }
}

function maybeRfc3339(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : toRfc3339(epochMs)
}

function toRfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString()
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10
}
