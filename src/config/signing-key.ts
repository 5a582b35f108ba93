import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { isGroup } from './groups.ts'

/** How an assertion can be signed (RFC 7518 3.1, RFC 8037 3.1). */
export const signingAlgorithms = ['RS256', 'PS256', 'ES256', 'EdDSA', 'HS256'] as const

export type SigningAlgorithm = (typeof signingAlgorithms)[number]

/** A key that signs. Never log it. */
export interface SigningKey {
  readonly key: KeyObject | Uint8Array
  /** The identifier that a JWK brings along. */
  readonly kid: string | undefined
}

/** A key that cannot sign. Mapped to a configuration problem, or to a refusal once the gateway runs. */
export class SigningKeyError extends Error {
  override name = 'SigningKeyError' as const
  /** What would help. */
  readonly remedy: string

  /** @param message for people; never holds a part of the key */
  constructor(message: string, remedy: string) {
    super(message)
    this.remedy = remedy
  }
}

/**
 * Reads the key that an algorithm signs with.
 * @param text a private key in PEM or as a JWK (RFC 7517); for HS256 the shared secret, as text or as a JWK
 * @throws SigningKeyError when it is no key, or one for another algorithm
 */
export function readSigningKey(text: string, alg: SigningAlgorithm): SigningKey {
  const jwk = text.trimStart().startsWith('{') ? parseJwk(text) : undefined
  const kid = typeof jwk?.['kid'] === 'string' ? jwk['kid'] : undefined
  const bound = jwk?.['alg'] === 'Ed25519' ? 'EdDSA' : jwk?.['alg']
  // RFC 7517 4.4: a key may be bound to one algorithm.
  if (bound !== undefined && bound !== alg)
    throw new SigningKeyError(`the JWK says that it is not for ${alg}`, 'write the alg of the JWK, or use another key')
  if (alg === 'HS256') return { key: sharedSecret(text, jwk), kid }

  const key = jwk === undefined ? pemKey(text) : jwkKey(jwk)
  const fitting = algorithmsFor(key)
  if (!fitting.includes(alg)) {
    const remedy =
      fitting.length === 0
        ? 'make an RSA key, an EC key on P-256 or an Ed25519 key'
        : `write alg: ${fitting.join(' or ')}, or use another key`
    throw new SigningKeyError(`${alg} cannot sign with a key of the kind ${kindOf(key)}`, remedy)
  }
  // RFC 7518 3.3: "A key of size 2048 bits or larger MUST be used".
  if ((key.asymmetricKeyDetails?.modulusLength ?? 2048) < 2048)
    throw new SigningKeyError('the RSA key is shorter than 2048 bits', 'make a longer one')
  return { key, kid }
}

function parseJwk(text: string): Readonly<Record<string, unknown>> | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    throw new SigningKeyError('the key looks like a JWK, but is not JSON', 'write one JWK (RFC 7517), or a key in PEM')
  }
  if (isGroup(parsed) && Array.isArray(parsed['keys'])) throw new SigningKeyError('this is a set of keys', 'write one JWK of it')
  return isGroup(parsed) ? parsed : undefined
}

function sharedSecret(text: string, jwk: Readonly<Record<string, unknown>> | undefined): Uint8Array {
  if (text.includes('-----BEGIN'))
    throw new SigningKeyError('HS256 signs with a shared secret, and this is a key in PEM', `write alg: ${asymmetric}`)
  if (jwk?.['kty'] === undefined) return Buffer.from(text)
  const bytes = jwk['kty'] === 'oct' && typeof jwk['k'] === 'string' ? Buffer.from(jwk['k'], 'base64url') : Buffer.alloc(0)
  if (bytes.length > 0) return bytes
  throw new SigningKeyError(
    'HS256 signs with a shared secret, and this JWK holds none',
    `write a JWK of the type oct, or alg: ${asymmetric}`,
  )
}

const asymmetric = 'RS256, PS256, ES256 or EdDSA, as the provider says'

function pemKey(text: string): KeyObject {
  if (!text.includes('-----BEGIN'))
    throw new SigningKeyError('this is neither a key in PEM nor a JWK', 'write a private key that begins with -----BEGIN')
  if (!text.includes('PRIVATE KEY-----'))
    throw new SigningKeyError('this PEM holds no private key', 'write the private key, not the public one or the certificate')
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new SigningKeyError(
      'the private key is encrypted',
      'decrypt it (openssl pkey -in KEY -out PLAIN), and protect the file instead',
    )
  }
  // A variable often has its line breaks written as \n.
  const key = text.includes('\n') ? text : text.replaceAll('\\n', '\n')
  try {
    return createPrivateKey(key)
  } catch {
    throw new SigningKeyError('the private key cannot be read', 'check that the PEM is whole, with its line breaks')
  }
}

function jwkKey(jwk: Readonly<Record<string, unknown>>): KeyObject {
  if (jwk['kty'] === 'oct') throw new SigningKeyError('this JWK is a shared secret', 'write alg: HS256, or a private key')
  if (jwk['d'] === undefined)
    throw new SigningKeyError('this JWK holds no private key', 'write the private key, not the public one')
  try {
    return createPrivateKey({ key: jwk, format: 'jwk' })
  } catch {
    throw new SigningKeyError('the JWK cannot be read', 'check that it is whole (RFC 7518 6)')
  }
}

function algorithmsFor({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): readonly SigningAlgorithm[] {
  if (type === 'rsa') return ['RS256', 'PS256']
  if (type === 'rsa-pss') return ['PS256']
  if (type === 'ed25519') return ['EdDSA']
  return type === 'ec' && details?.namedCurve === 'prime256v1' ? ['ES256'] : []
}

function kindOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string {
  return details?.namedCurve === undefined ? String(type) : `${type} (${details.namedCurve})`
}
