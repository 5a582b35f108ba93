import { hash } from 'node:crypto'
import type { webcrypto } from 'node:crypto'
import type { JWTPayload, JWTVerifyOptions } from 'jose'
import type { jwtVerify } from 'jose/jwt/verify'
import { LRUCache } from 'lru-cache'
import { proxyOf } from '../../config/egress-proxy.ts'
import type { Caller } from '../../config/schema/callers.ts'
import { placeOf } from '../../config/schema/url.ts'
import { createTokenTransport } from '../../oauth/token-transport.ts'
import type { Log } from '../../telemetry/log.ts'
import { IssuerKeys, KeysUnavailable } from './issuer-keys.ts'

/** The keys of issuers, by where they are fetched. */
export type IssuerKeysByUri = Map<string, IssuerKeys>

/** Whose token it is; undefined when it is nobody's. */
export type Verdict = Caller | KeysUnavailable | undefined

/** Longer ones are not looked at: verifying costs more than sending. */
const longestToken = 8_192
/** Clocks of good machines are this far apart. */
const toleranceSeconds = 10
/** Tokens whose verification is remembered (it takes 200 microseconds, remembering it 2), and for how long at most: so long may one whose key was withdrawn still be used. */
const remembered = 1_000
const rememberedMs = 60_000
const fetchTimeoutMs = 5_000

interface Entry {
  readonly caller: Caller
  readonly jwt: NonNullable<Caller['jwt']>
  readonly keys: IssuerKeys
}

/** The callers that a signed token proves (RFC 7519). */
export class SignedTokens {
  readonly #entries: readonly Entry[]
  readonly #verified = new LRUCache<string, { readonly caller: Caller; readonly untilEpochMs: number }>({ max: remembered })

  /**
   * @param callers those without `jwt` are passed over
   * @param issuers keys that are known already: they outlive a change of the callers
   */
  constructor(callers: readonly Caller[], log: Log, issuers: IssuerKeysByUri) {
    this.#entries = callers.flatMap((caller) => {
      if (caller.jwt === undefined) return []
      const { jwks_uri } = caller.jwt
      const keys = issuers.get(jwks_uri) ?? createIssuerKeys(caller.jwt, log)
      issuers.set(jwks_uri, keys)
      return [{ caller, jwt: caller.jwt, keys }]
    })
  }

  /**
   * @param authorization the value of the field
   * @returns at once when the token was verified a short while ago, or cannot be one
   */
  callerOf(authorization: string): Verdict | Promise<Verdict> {
    const [, token] = /^bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization) ?? []
    if (token === undefined || token.length > longestToken) return undefined
    const name = hash('sha256', token, 'base64')
    const known = this.#verified.get(name)
    if (known !== undefined && known.untilEpochMs > Date.now()) return known.caller
    return this.#verify(token, name)
  }

  async #verify(token: string, name: string): Promise<Verdict> {
    // Loaded with the first token: most gateways never see one.
    const { jwtVerify } = await import('jose/jwt/verify')
    let unavailable: KeysUnavailable | undefined
    for (const { caller, jwt, keys } of this.#entries) {
      // A claim that nobody vouches for yet, so that the keys of an issuer are not fetched for the tokens of another.
      if (issuerOf(token) !== jwt.issuer) continue
      try {
        const payload = await verified(jwtVerify, token, keys.keyOf, {
          issuer: jwt.issuer,
          audience: [...jwt.audience],
          algorithms: [...jwt.algorithms],
          ...(jwt.subject !== undefined && { subject: jwt.subject }),
          clockTolerance: toleranceSeconds,
          requiredClaims: ['exp'],
        })
        const untilEpochMs = Math.min(Date.now() + rememberedMs, (payload.exp ?? 0) * 1_000)
        this.#verified.set(name, { caller, untilEpochMs })
        return caller
      } catch (error) {
        if (error instanceof KeysUnavailable) unavailable = error
      }
    }
    return unavailable
  }
}

/** Keys that are tried at most for a token that does not name its own. */
const mostKeys = 4

/**
 * Verifies a token; with each of the keys that fit, where it does not name one (RFC 7515 4.1.4: a key id is optional), as while an
 * issuer changes its keys.
 * @throws jose's errors, KeysUnavailable
 */
async function verified(
  verify: typeof jwtVerify,
  token: string,
  keyOf: IssuerKeys['keyOf'],
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  try {
    return (await verify(token, keyOf, options)).payload
  } catch (error) {
    if (!isSeveralKeys(error)) throw error
    let tried = 0
    for await (const key of error) {
      if (++tried > mostKeys) break
      const result = await verify(token, key, options).catch(() => undefined)
      if (result !== undefined) return result.payload
    }
    throw error
  }
}

function isSeveralKeys(error: unknown): error is Error & AsyncIterable<webcrypto.CryptoKey> {
  return (
    error instanceof Error && 'code' in error && error.code === 'ERR_JWKS_MULTIPLE_MATCHING_KEYS' && Symbol.asyncIterator in error
  )
}

function issuerOf(token: string): unknown {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return typeof claims === 'object' && claims !== null && 'iss' in claims ? claims.iss : undefined
  } catch {
    return undefined
  }
}

function createIssuerKeys({ jwks_uri: url, proxy }: NonNullable<Caller['jwt']>, log: Log): IssuerKeys {
  // No redirect is followed, TLS is verified, and size and time are limited: as for token requests.
  const transport = createTokenTransport('bearerd')
  return new IssuerKeys({
    fetchKeys: async () => {
      const { status, body } = await transport.send({
        method: 'GET',
        url,
        headers: { accept: 'application/json' },
        body: undefined,
        timeoutMs: fetchTimeoutMs,
        proxy: proxyOf(proxy, placeOf(url)),
      })
      if (status !== 200) throw Object.assign(new Error('no key set'), { code: `status_${status}` })
      return JSON.parse(body) as unknown
    },
    onFailure: (error) => {
      const code = error instanceof Error && 'code' in error ? error.code : 'invalid_json'
      log.warn(
        { jwks_uri: url.replace(/\?.*/s, ''), code },
        'the keys of an issuer of callers cannot be fetched; those known go on being used',
      )
    },
    now: () => performance.now(),
  })
}
