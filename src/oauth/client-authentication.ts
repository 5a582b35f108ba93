import type { Credential } from '../config/config.ts'
import { signClientAssertion } from './assertion.ts'
import { formEncode } from './form-encode.ts'
import type { Identity } from './identity.ts'

/** A token request while it is put together. */
export interface TokenRequestDraft {
  readonly params: Map<string, unknown>
  /** By lower-case name. */
  readonly headers: Map<string, string>
}

/**
 * Puts the client's proof of identity onto a token request (RFC 6749 2.3).
 * @param nowEpochMs milliseconds since the epoch
 * @param identity for whom the token is
 */
export type ClientAuthentication = (
  draft: TokenRequestDraft,
  credential: Credential,
  nowEpochMs: number,
  identity: Identity,
) => void | Promise<void>

/** Every method that can be configured, by its registered name. A new one is a function and a line here. */
export const clientAuthentications: Readonly<Record<Credential['token_endpoint_auth_method'], ClientAuthentication>> = {
  client_secret_basic: clientSecretBasic,
  client_secret_post: clientSecretPost,
  client_secret_jwt: clientAssertion,
  private_key_jwt: clientAssertion,
  // RFC 8705 2: the certificate of the connection is the proof, the identifier says whose it should be.
  tls_client_auth: identifierOnly,
  none: identifierOnly,
}

function clientSecretBasic({ headers }: TokenRequestDraft, credential: Credential): void {
  const encode = basicEncodings[credential.token_request.basic_encoding]
  const userPass = [credential.client_id, credential.client_secret].map((secret) => encode(secret?.reveal() ?? '')).join(':')
  headers.set('authorization', `Basic ${Buffer.from(userPass).toString('base64')}`)
}

/** RFC 6749 2.3.1 form-encodes both first, so that a colon or a non-ASCII letter survives; not every provider knows. */
const basicEncodings: Readonly<Record<Credential['token_request']['basic_encoding'], (value: string) => string>> = {
  form: formEncode,
  raw: (value) => value,
  base64: (value) => Buffer.from(value).toString('base64'),
}

function clientSecretPost({ params }: TokenRequestDraft, credential: Credential): void {
  params.set('client_id', credential.client_id?.reveal())
  params.set('client_secret', credential.client_secret?.reveal())
}

/** RFC 7523 2.2. RFC 7521 4.2 leaves client_id optional; providers that look the key up by it are common. */
async function clientAssertion(
  { params }: TokenRequestDraft,
  credential: Credential,
  nowEpochMs: number,
  identity: Identity,
): Promise<void> {
  params.set('client_id', credential.client_id?.reveal())
  params.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  params.set('client_assertion', await signClientAssertion(credential, nowEpochMs, identity))
}

/** RFC 6749 3.2.1: a client without a secret says who it is by its identifier alone. */
function identifierOnly({ params }: TokenRequestDraft, credential: Credential): void {
  if (credential.client_id !== undefined) params.set('client_id', credential.client_id.reveal())
}
