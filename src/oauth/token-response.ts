import type { Credential } from '../config/config.ts'
import { nobody } from './identity.ts'
import type { Identity } from './identity.ts'
import { atPointer } from './json-pointer.ts'
import { lifetimeOf } from './lifetime.ts'
import type { Lifetime } from './lifetime.ts'
import { parseRetryAfter } from './retry-after.ts'
import { foreignCode } from './token-error-codes.ts'
import type { ForeignCode } from './token-error-codes.ts'
import { TokenRequestError } from './token-request-error.ts'

/** An answer of a token endpoint, read whole. Holds secrets: never log it. */
export interface TokenResponse {
  readonly status: number
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** What a token endpoint granted. Holds secrets: never log it. */
export interface Grant {
  readonly accessToken: string
  readonly lifetime: Lifetime
  readonly refreshToken: string | undefined
  /** The whole answer, for `{token.FIELD}`. */
  readonly fields: unknown
}

/** What is kept of the last grant for the next one. */
export interface PreviousGrant {
  readonly refreshToken: string | undefined
  /** The last lifetime that the endpoint named, in milliseconds. */
  readonly lifetimeMs: number | undefined
}

/** Error codes that say "try again", whatever the status around them. */
const temporaryCodes = new Set(['temporarily_unavailable', 'server_error', 'slow_down', 'too_many_requests'])

/**
 * Judges an answer of the token endpoint, strictly (RFC 6749 5.1, 5.2, and the credential's recipe).
 * @param nowEpochMs milliseconds since the epoch
 * @param previous of the last grant, whose refresh token this request may have used
 * @param identity for whom the token is, which no error says
 * @throws TokenRequestError when the answer grants nothing; its message never holds a part of the body
 */
export function judgeTokenResponse(
  credential: Credential,
  response: TokenResponse,
  nowEpochMs: number,
  previous: PreviousGrant = { refreshToken: undefined, lifetimeMs: undefined },
  identity: Identity = nobody,
): Grant {
  const { status, headers, body } = response
  const retryAfterMs = parseRetryAfter(first(headers['retry-after']), nowEpochMs)
  const unavailable = (code: TokenRequestError['code'], message: string): TokenRequestError =>
    new TokenRequestError('unavailable', code, message, retryAfterMs)

  if (status === 429) throw unavailable('rate_limited', 'the token endpoint limits the rate of token requests (429)')
  if (status >= 500) throw unavailable(`http_${status}`, `the token endpoint answered ${status}`)
  if (status >= 300 && status < 400) {
    // Following it would carry the client secret to a place that nobody configured (RFC 9700 4.11).
    throw unavailable('redirect', `the token endpoint answered with a redirect (${status}), which is never followed`)
  }

  const parsed = parseJson(body)
  const errorCode = errorCodeOf(parsed, secretsOf(credential, previous), identity)
  if (status < 200 || status >= 400 || errorCode !== undefined) {
    const isTemporary = status === 408 || (errorCode !== undefined && temporaryCodes.has(errorCode))
    const said =
      errorCode === undefined ? `the token endpoint answered ${status}` : `the token endpoint answered ${status} ${errorCode}`
    throw isTemporary
      ? unavailable(errorCode ?? `http_${status}`, said)
      : new TokenRequestError('refused', errorCode ?? `http_${status}`, said, retryAfterMs)
  }

  const { access_token, ok_when } = credential.token_response
  // A grant that lives on refresh tokens must not lose a rotated one (RFC 6749 6).
  const refresh_token =
    credential.token_response.refresh_token ?? (credential.grant_type === 'refresh_token' ? '/refresh_token' : undefined)
  const fieldName = /^header:(.+)$/.exec(access_token)?.[1]
  if (fieldName === undefined && !isObject(parsed)) {
    const what = body.trim() === '' ? 'an empty body' : 'a body that is not a JSON object'
    throw unavailable('not_json', `the token endpoint answered ${status} with ${what}`)
  }
  for (const [pointer, wanted] of Object.entries(ok_when)) {
    if (String(atPointer(parsed, pointer)) !== String(wanted)) {
      throw unavailable('not_ok', `the token endpoint answered ${status}, but ${pointer} is not what ok_when wants`)
    }
  }
  const accessToken = fieldName === undefined ? atPointer(parsed, access_token) : first(headers[fieldName.toLowerCase()])
  if (typeof accessToken !== 'string' || accessToken === '') {
    throw unavailable('no_token', `the token endpoint answered ${status}, but there is no token at ${access_token}`)
  }
  if (!/^[\x21-\x7e]+$/.test(accessToken)) {
    // A line break would start a new field on the request to the upstream (RFC 9110 5.5).
    throw unavailable('unsafe_token', 'the token endpoint answered with a token that holds more than visible ASCII')
  }
  const refreshToken = refresh_token === undefined ? undefined : atPointer(parsed, refresh_token)
  return {
    accessToken,
    lifetime: lifetimeOf(credential.token_response, accessToken, parsed, nowEpochMs, previous.lifetimeMs),
    refreshToken: typeof refreshToken === 'string' && refreshToken !== '' ? refreshToken : undefined,
    fields: parsed,
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** Every secret that the request held. Short ones are left out where they would be found in any word. */
function secretsOf({ client_secret, client_secret_next, variables }: Credential, { refreshToken }: PreviousGrant): string[] {
  const revealed = [client_secret, client_secret_next, ...Object.values(variables)].map((secret) => secret?.reveal() ?? '')
  return [...revealed, refreshToken ?? ''].filter((secret) => secret.length >= 4)
}

/** The `error` member (RFC 6749 5.2), if there is one; only what is safe to show. */
function errorCodeOf(
  parsed: unknown,
  secrets: readonly string[],
  identity: Identity,
): ForeignCode | 'unrecognised_error' | undefined {
  const error = atPointer(parsed, '/error')
  if (error === undefined || error === null || error === false) return undefined
  const isPlain = typeof error === 'string' && /^[A-Za-z0-9_.-]{1,64}$/.test(error)
  const isSafe = isPlain && !secrets.some((secret) => error.includes(secret)) && !identity.some((who) => names(error, who))
  return isSafe ? foreignCode(error) : 'unrecognised_error'
}

/** Whether a code tells who a token is for, as `unknown_user_bob` would: a short value only as a word of its own. */
function names(error: string, who: string): boolean {
  const [code, value] = [error.toLowerCase(), who.toLowerCase()]
  return value.length >= 4 ? code.includes(value) : `_${code}_`.replaceAll(/[.-]/g, '_').includes(`_${value}_`)
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
