import { randomUUID } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import { readSigningKey, SigningKeyError } from '../config/signing-key.ts'
import type { SigningAlgorithm } from '../config/signing-key.ts'
import { jwtBearer } from '../config/grant-types.ts'
import { credentialValues } from './credential-values.ts'
import { nobody } from './identity.ts'
import type { Identity } from './identity.ts'
import { renderJson } from './render-json.ts'
import { TokenRequestError } from './token-request-error.ts'

/** A signed assertion. Holds a secret: never log it. */
export interface Assertion {
  readonly jwt: string
  /** Milliseconds since the epoch. */
  readonly expiresAtEpochMs: number
}

/**
 * Signs the assertion of a credential (RFC 7523 3), with its own key and claims: for the grant, for templates, or as the token
 * itself.
 * @param nowEpochMs milliseconds since the epoch
 * @param identity for whom the token is, for claims that say so
 * @throws TokenRequestError `refused` when the key cannot sign, as it may be after its file has changed
 */
export async function signAssertion(credential: Credential, nowEpochMs: number, identity: Identity = nobody): Promise<Assertion> {
  const { alg = 'RS256', key, kid } = credential.token_request.assertion ?? {}
  return await sign(credential, { alg, key: key?.reveal() ?? '', kid, hasClaims: true }, nowEpochMs, identity)
}

/**
 * Signs the assertion that proves the client (RFC 7523 2.2). The configured claims are for the grant where that is an assertion
 * too, and for this one where it is not.
 * @param nowEpochMs milliseconds since the epoch
 * @param identity for whom the token is, for claims that say so
 * @throws TokenRequestError as `signAssertion`
 */
export async function signClientAssertion(
  credential: Credential,
  nowEpochMs: number,
  identity: Identity = nobody,
): Promise<string> {
  const { token_endpoint_auth_method: method, token_request, client_secret, grant_type } = credential
  const { alg = 'RS256', key, kid } = token_request.assertion ?? {}
  const hasClaims = grant_type !== jwtBearer
  const signing: Signing =
    method === 'client_secret_jwt'
      ? { alg: 'HS256', secret: Buffer.from(client_secret?.reveal() ?? ''), kid: key === undefined ? kid : undefined, hasClaims }
      : { alg, key: key?.reveal() ?? '', kid, hasClaims }
  return (await sign(credential, signing, nowEpochMs, identity)).jwt
}

interface Signing {
  readonly alg: SigningAlgorithm
  /** As configured. */
  readonly key?: string
  /** In place of `key`. */
  readonly secret?: Uint8Array
  readonly kid: string | undefined
  readonly hasClaims: boolean
}

async function sign(
  credential: Credential,
  { alg, key: text = '', secret, kid: named, hasClaims }: Signing,
  nowEpochMs: number,
  identity: Identity,
): Promise<Assertion> {
  const { lifetime = defaultLifetimeMs, claims = {} } = credential.token_request.assertion ?? {}
  const iat = Math.floor(nowEpochMs / 1000)
  const exp = iat + Math.ceil(lifetime / 1000)
  const payload: Record<string, unknown> = defaultClaims(credential)
  for (const [name, value] of hasClaims ? Object.entries(claims) : []) {
    if (value === null) Reflect.deleteProperty(payload, name)
    else payload[name] = renderJson(value, (template) => template.render(credentialValues(credential, identity)))
  }
  if (!hasClaims || claims['iat'] === undefined) payload['iat'] = iat
  payload['exp'] = exp

  // Loaded with the first assertion: most gateways never sign one.
  const { SignJWT } = await import('jose/jwt/sign')
  try {
    const { key, kid: own } = secret === undefined ? readSigningKey(text, alg) : { key: secret, kid: undefined }
    const kid = named ?? own
    const header = { alg, typ: 'JWT', ...(kid !== undefined && { kid }) }
    return { jwt: await new SignJWT(payload).setProtectedHeader(header).sign(key), expiresAtEpochMs: exp * 1000 }
  } catch (error) {
    // Nothing of the cause goes along: it may hold the key.
    const reason = error instanceof SigningKeyError ? error.message : 'it does not sign'
    throw new TokenRequestError('refused', 'unusable_key', `the key of token_request.assertion cannot be used: ${reason}`)
  }
}

/** What `client_secret_jwt` takes without `token_request.assertion`. */
const defaultLifetimeMs = 60_000

/** RFC 7523 3: the client speaks for itself, to the token endpoint; the identifier makes each assertion another one. */
function defaultClaims({ client_id, token_endpoint }: Credential): Record<string, unknown> {
  const client = client_id?.reveal()
  return {
    ...(client !== undefined && { iss: client, sub: client }),
    ...(token_endpoint !== undefined && { aud: token_endpoint }),
    jti: randomUUID(),
  }
}
