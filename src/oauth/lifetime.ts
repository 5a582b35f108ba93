import type { Credential } from '../config/config.ts'
import { atPointer } from './json-pointer.ts'

/** How long a token lives, and how that is known. */
export interface Lifetime {
  readonly ms: number
  readonly source: 'response' | 'jwt' | 'previous' | 'default'
  /** Set when the token response named a lifetime that cannot be one, for the log. */
  readonly oddity: string | undefined
}

/**
 * Finds a token's lifetime: what the response says, else the token's own claims if it is a JWT, else the last lifetime seen,
 * else the recipe's default; always within the recipe's minimum and maximum, never NaN.
 * @param accessToken the token itself, for `jwt_exp` and as fallback
 * @param body the parsed token response
 * @param nowEpochMs milliseconds since the epoch, for moments
 * @param previousMs the last lifetime that a response named
 */
export function lifetimeOf(
  { expires }: Credential['token_response'],
  accessToken: string,
  body: unknown,
  nowEpochMs: number,
  previousMs: number | undefined,
): Lifetime {
  // Never 0, which would make each caller ask for a token of its own.
  const clamp = (ms: number): number => Math.max(Math.floor(Math.min(Math.max(ms, expires.min), expires.max)), 1)
  const value = expires.as === 'jwt_exp' ? undefined : atPointer(body, expires.at)
  const named = value === undefined || value === null ? undefined : readers[expires.as](value, nowEpochMs)
  const isOdd = named !== undefined && !(isUsable(named) && named < absurdMs)
  const oddity = isOdd ? `the token response names a lifetime that cannot be one (at ${expires.at})` : undefined
  if (isUsable(named)) return { ms: clamp(named), source: 'response', oddity }

  const claimed = jwtLifetime(accessToken, nowEpochMs)
  if (isUsable(claimed)) return { ms: clamp(claimed), source: 'jwt', oddity }
  if (previousMs !== undefined) return { ms: clamp(previousMs), source: 'previous', oddity }
  return { ms: clamp(expires.default), source: 'default', oddity }
}

/** A hundred thousand days. */
const absurdMs = 100_000 * 24 * 3_600_000

function isUsable(ms: number | undefined): ms is number {
  return ms !== undefined && ms > 0 && ms !== Number.POSITIVE_INFINITY
}

type Reader = (value: unknown, nowEpochMs: number) => number

/** Each gives milliseconds from now; NaN when the value means nothing. */
const readers: Readonly<Record<Credential['token_response']['expires']['as'], Reader>> = {
  seconds: (value) => toNumber(value) * 1000,
  milliseconds: (value) => toNumber(value),
  epoch: (value, now) => toNumber(value) * 1000 - now,
  epoch_ms: (value, now) => toNumber(value) - now,
  rfc3339: (value, now) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/i.test(value) ? Date.parse(value) - now : Number.NaN,
  jwt_exp: () => Number.NaN,
}

/** Providers send numbers and strings of digits; anything else (`true`, `[1]`, `""`) is not a number here. */
function toNumber(value: unknown): number {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^\s*-?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : Number.NaN
}

/**
 * RFC 7519 4.1.4: the time until `exp`. Where that is not between nothing and the whole life from `iat` to `exp`, this
 * machine's clock is off, and the whole life is the better guess.
 */
function jwtLifetime(token: string, nowEpochMs: number): number | undefined {
  const [, payload, signature] = token.split('.')
  if (payload === undefined || signature === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    const exp = atPointer(claims, '/exp')
    const iat = atPointer(claims, '/iat')
    if (typeof exp !== 'number') return undefined
    const leftMs = exp * 1000 - nowEpochMs
    const wholeMs = typeof iat === 'number' ? (exp - iat) * 1000 : leftMs
    return leftMs > 0 && leftMs <= wholeMs ? leftMs : wholeMs
  } catch {
    return undefined
  }
}
