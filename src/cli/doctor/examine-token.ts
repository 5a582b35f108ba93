import { needsLogin } from '../../config/check-logins.ts'
import type { Credential } from '../../config/config.ts'
import { literalStart } from '../../config/schema/upstream.ts'
import { TimeLimitError, withinTime } from '../../network/time-limit.ts'
import { atPointer } from '../../oauth/json-pointer.ts'
import type { AccessToken } from '../../tokens/access-token.ts'
import { TokenRequestError } from '../../oauth/token-request-error.ts'
import { toGatewayError } from '../../proxy/token-choice.ts'
import type { TokenSource } from '../../tokens/token-source.ts'
import { TokenUnavailableError } from '../../tokens/token-unavailable-error.ts'
import { ungrantedScopes } from '../granted-scope.ts'
import type { Finding } from './finding.ts'
import { tokenFailure } from './token-failure.ts'
import type { TokenExchange } from './watched-grant-request.ts'

/** What came of asking for a token. */
export interface ExaminedToken {
  readonly findings: readonly Finding[]
  readonly token: AccessToken | undefined
}

/** What a token shorter-lived than this is good for: little, with requests under way for as long. */
const shortLifeMs = 60_000

/**
 * Says why a credential is not asked for a token.
 * @param isKept whether what a token request brings is kept where those find it who use the credential
 * @returns undefined when it is
 */
export function reasonToSkip(credential: Credential, isKept: boolean): string | undefined {
  const { identityFields, grant_type, name } = credential
  if (identityFields.length > 0)
    return `there is a token for each value of ${identityFields.join(', ')} in a request, and here is no request; call one of its routes`
  // A provider may take a refresh token once, and end all that followed from one that it sees twice (RFC 9700 4.14.2).
  if (grant_type === 'refresh_token' && !isKept)
    return `its refresh token may be good for one use, and nobody would keep the next one; ${needsLogin(credential) ? 'mend the token store first' : `use a token store that lasts, or spend it: bearerd token ${name}`}`
  return undefined
}

/**
 * Gets a new token as the gateway would, by one token request within the budget, and looks at it.
 * @param exchanges what the token endpoint has answered to this source, filled in by then
 */
export async function examineToken(
  credential: Credential,
  source: TokenSource,
  exchanges: () => readonly TokenExchange[],
  limitMs: number,
): Promise<ExaminedToken> {
  const startedMs = performance.now()
  try {
    const token = await withinTime(source.renew(), limitMs)
    const tookMs = Math.round(performance.now() - startedMs)
    const budgetLeft = source.status().budgetRemaining
    return { findings: [...findingsOf(credential, token, exchanges(), tookMs, budgetLeft)], token }
  } catch (error) {
    return { findings: [failureFinding(error, credential, exchanges(), limitMs)], token: undefined }
  }
}

function* findingsOf(
  credential: Credential,
  token: AccessToken,
  exchanges: readonly TokenExchange[],
  took_ms: number,
  budget_left: number | undefined,
): Iterable<Finding> {
  const { status = null, lifetime } = exchanges.at(-1) ?? {}
  const { issuedAtMs, expiresAtMs } = token.times
  const lifetimeMs = expiresAtMs - issuedAtMs
  const lifetime_s = Math.round(lifetimeMs / 1000)
  const left = budget_left === undefined ? '' : `, ${budget_left} of ${credential.token_requests?.limit ?? 0} token requests left`
  const facts = { status, took_ms, lifetime_s, token: token.fingerprint, ...(budget_left !== undefined && { budget_left }) }
  const said = status === null ? 'signed here' : `${status} in ${took_ms} ms`
  yield { check: 'token', verdict: 'ok', message: `${said}, good for ${lifetime_s} s${left}`, facts }

  // What is signed here says what we want it to, and costs nothing.
  if (status === null) return

  const first = exchanges[0]
  if (exchanges.length > 1 && first?.status !== undefined && first.status >= 400 && credential.client_secret_next !== undefined)
    yield warning(
      'secret',
      'only one of client_secret and client_secret_next is taken; end the rotation when every gateway has the new one',
    )

  if (lifetime?.oddity !== undefined) {
    yield warning('lifetime', `${lifetime.oddity}; check token_response.expires`)
  } else if (lifetime?.source === 'default') {
    yield warning(
      'lifetime',
      'the answer does not say how long the token lives; set token_response.expires to where it stands, or its default to what the provider documents',
    )
  } else if (lifetimeMs < shortLifeMs) {
    yield warning(
      'lifetime',
      `the token lives for ${lifetime_s} s only, and most requests would wait for a new one; ask for a longer life, or check token_response.expires`,
    )
  }
  yield scopeFinding(credential, token)
  const type = typeFinding(credential, token)
  if (type !== undefined) yield type
}

function warning(check: string, message: string): Finding {
  return { check, verdict: 'warning', message }
}

function scopeFinding(credential: Credential, token: AccessToken): Finding {
  const { asked, missing } = ungrantedScopes(credential, token.revealFields())
  const facts = { asked, missing }
  if (asked.length === 0) return { check: 'scope', verdict: 'ok', message: 'none asked for', facts }
  if (missing.length === 0) return { check: 'scope', verdict: 'ok', message: `as asked for: ${asked.join(' ')}`, facts }
  const message = `not granted: ${missing.join(' ')}; have it allowed for this client at the provider, or do not ask for it`
  return { check: 'scope', verdict: 'warning', message, facts }
}

/** RFC 6749 7.1: a token must not be used by whoever does not understand its type. */
function typeFinding({ inject }: Credential, token: AccessToken): Finding | undefined {
  const type = atPointer(token.revealFields(), '/token_type')
  const isBearer = typeof type !== 'string' || /^bearer(token)?$/i.test(type)
  const isPutOnAsBearer = inject.some(
    (target) => 'header' in target && /^authorization$/i.test(target.header) && /^bearer /i.test(literalStart(target.value)),
  )
  return isBearer || !isPutOnAsBearer
    ? undefined
    : warning(
        'type',
        'the token is of another type than Bearer (token_type) and is put on as one; write inject as the provider documents it',
      )
}

function failureFinding(error: unknown, credential: Credential, exchanges: readonly TokenExchange[], limitMs: number): Finding {
  if (error instanceof TimeLimitError)
    return {
      check: 'token',
      verdict: 'failed',
      message: `no token within ${limitMs} ms; allow more with --timeout, or ask those who run the token endpoint`,
    }
  if (!(error instanceof TokenUnavailableError)) throw error
  const { cause } = error
  const code = cause instanceof TokenRequestError ? cause.code : toGatewayError(error).code
  const facts = { status: exchanges.at(-1)?.status ?? null, error: code }
  if (code === 'login_required' && exchanges.length === 0)
    return {
      check: 'token',
      verdict: 'skipped',
      message: `it needs a person's consent, once; run: bearerd login ${credential.name}`,
      facts,
    }
  // Nothing was sent, and nothing is wrong but the time.
  const verdict = error.reason === 'budget' ? 'warning' : 'failed'
  return { check: 'token', verdict, message: tokenFailure(error, credential), facts }
}
