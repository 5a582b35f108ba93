import type { Credential } from '../config/config.ts'
import type { ExchangeCode } from '../oauth/exchange-code.ts'
import { atPointer } from '../oauth/json-pointer.ts'
import type { Clock } from '../tokens/clock.ts'
import { storeKeysOf } from '../tokens/store/store-keys.ts'
import type { GrantEntry, TokenStore } from '../tokens/store/token-store.ts'
import { OperationError } from './command.ts'
import { grantedScope } from './granted-scope.ts'

/** What a login gave, without anything secret. */
export interface LoginResult {
  readonly credential: string
  readonly store: TokenStore['name']
  /** What was granted; null when nobody said. */
  readonly scope: string | null
  /** RFC 3339; absent when the provider does not say. */
  readonly refresh_token_expires?: string
}

/**
 * Keeps the refresh token of a login where gateways look for it.
 * @throws OperationError when the store does not keep it
 */
export async function keepLogin(
  store: TokenStore,
  credential: Credential,
  { refreshToken, lifetime, fields }: Awaited<ReturnType<ExchangeCode>>,
  clock: Clock,
): Promise<LoginResult> {
  const nowEpochMs = clock.epochMs()
  const entry: GrantEntry = {
    refreshToken,
    firstRefreshToken: undefined,
    lifetimeMs: lifetime.source === 'response' ? lifetime.ms : undefined,
    writtenAtEpochMs: nowEpochMs,
  }
  await keep(store, credential, entry, clock)
  const expiry = expiryOf(fields, nowEpochMs)
  return { credential: credential.name, store: store.name, scope: grantedScope(credential, fields), ...expiry }
}

const keepAttempts = 5
const pauseMs = 500

/** A person's consent is dear: a store that does not answer at once is asked again. */
async function keep(store: TokenStore, credential: Credential, grant: GrantEntry, clock: Clock): Promise<void> {
  for (let attempt = 1; !(await store.keepGrant(storeKeysOf(credential), grant)); attempt++) {
    if (attempt === keepAttempts)
      throw new OperationError(
        `the ${store.name} token store did not keep the refresh token: see that it works, and log in again`,
      )
    await new Promise<void>((resolve) => clock.after(pauseMs, resolve))
  }
}

/** No standard names it; these two are common, in seconds. */
function expiryOf(fields: unknown, nowEpochMs: number): Pick<LoginResult, 'refresh_token_expires'> {
  const value = atPointer(fields, '/refresh_token_expires_in') ?? atPointer(fields, '/refresh_expires_in')
  const seconds = typeof value === 'string' || typeof value === 'number' ? Number(value) : 0
  const isUsable = seconds > 0 && seconds < 1e10
  return isUsable ? { refresh_token_expires: new Date(nowEpochMs + seconds * 1000).toISOString() } : {}
}
