import type { Credential } from '../config/config.ts'
import { formEncode } from './form-encode.ts'

/** A token request while it is put together. */
export interface TokenRequestDraft {
  readonly params: Map<string, unknown>
  /** By lower-case name. */
  readonly headers: Map<string, string>
}

/** Puts the client's proof of identity onto a token request (RFC 6749 2.3). */
export type ClientAuthentication = (draft: TokenRequestDraft, credential: Credential) => void

/** Every method that can be configured, by its registered name. A new one is a function and a line here. */
export const clientAuthentications: Readonly<Record<Credential['token_endpoint_auth_method'], ClientAuthentication>> = {
  client_secret_basic: clientSecretBasic,
  client_secret_post: clientSecretPost,
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

/** RFC 6749 3.2.1: a client without a secret says who it is by its identifier alone. */
function identifierOnly({ params }: TokenRequestDraft, credential: Credential): void {
  if (credential.client_id !== undefined) params.set('client_id', credential.client_id.reveal())
}
