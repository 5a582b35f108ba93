import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Credential } from '../config/config.ts'
import { credentialValues } from './credential-values.ts'

/** What makes one authorization request another than every other. Holds a secret: never log it. */
export interface AuthorizationAttempt {
  /** Ties the answer to the request (RFC 6749 10.12). */
  readonly state: string
  /** Ties the code to us: whoever else gets hold of it cannot use it (RFC 7636 4.1). */
  readonly codeVerifier: string
}

/** Makes an attempt: 256 bits of chance for each of the two (RFC 7636 7.1). */
export function newAuthorizationAttempt(): AuthorizationAttempt {
  return { state: randomBytes(32).toString('base64url'), codeVerifier: randomBytes(32).toString('base64url') }
}

/**
 * The address that asks a person for consent (RFC 6749 4.1.1, RFC 7636 4.3).
 * @param redirectUri where the answer is waited for
 */
export function authorizationUrl(credential: Credential, attempt: AuthorizationAttempt, redirectUri: string): string {
  const { authorization_endpoint: endpoint, audience, resource } = credential
  if (endpoint === undefined) throw new TypeError(`the credential ${credential.name} has no authorization endpoint`)
  const values = credentialValues(credential)
  const params = {
    response_type: 'code',
    client_id: values('client_id'),
    redirect_uri: redirectUri,
    scope: values('scope'),
    audience,
    resource,
    state: attempt.state,
    code_challenge: createHash('sha256').update(attempt.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
  }
  const present = Object.entries(params).filter((param): param is [string, string] => param[1] !== undefined)
  // What the configured URL has already stays (RFC 6749 3.1).
  return `${endpoint}${endpoint.includes('?') ? '&' : '?'}${new URLSearchParams(present).toString()}`
}

/** What an answer to an authorization request is worth. */
export type RedirectVerdict =
  /** It does not belong to our request; ours may still be under way. */
  | { readonly outcome: 'stray'; readonly message: string }
  /** It belongs to our request, and there is no code. `message` is safe to show. */
  | { readonly outcome: 'refused'; readonly message: string }
  | { readonly outcome: 'granted'; readonly code: string }

/**
 * Judges what the browser brought back (RFC 6749 4.1.2, 4.1.2.1; RFC 9207 2.4).
 * @param query of the redirect
 */
export function judgeRedirect(credential: Credential, { state }: AuthorizationAttempt, query: URLSearchParams): RedirectVerdict {
  const states = query.getAll('state')
  if (states.length !== 1 || !isSame(states[0] ?? '', state)) {
    const which = states.length === 0 ? 'without a state' : 'with another state than that of this login'
    return { outcome: 'stray', message: `an answer ${which}` }
  }
  const refused = (message: string): RedirectVerdict => ({ outcome: 'refused', message })
  // RFC 6749 3.1: no parameter more than once; of two, another reader might take the other.
  const repeated = ['iss', 'error', 'code'].find((name) => query.getAll(name).length > 1)
  if (repeated !== undefined) return refused(`the provider's answer has ${repeated} more than once`)
  const [issuer, error, code] = ['iss', 'error', 'code'].map((name) => query.get(name) ?? undefined)
  if (issuer !== undefined && credential.issuer !== undefined && issuer !== credential.issuer)
    return refused(`the answer is from another provider than the issuer ${credential.issuer} of the configuration`)
  if (error !== undefined) return refused(refusalOf(error, query.get('error_description') ?? '', credential))
  if (code === undefined || !/^[\x20-\x7e]+$/.test(code))
    return refused("the provider's answer holds neither a code nor an error")
  return { outcome: 'granted', code }
}

/** Takes the same time however much of it is right. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [one, other].map((text) => createHash('sha256').update(text).digest())
  return a !== undefined && b !== undefined && timingSafeEqual(a, b)
}

const refusals: Readonly<Record<string, string>> = {
  access_denied: 'consent was denied',
  invalid_scope: 'the provider does not know the scope, or does not allow it',
  unauthorized_client: 'the provider does not allow this client to ask for consent',
  unsupported_response_type: 'the provider gives no authorization codes',
  invalid_request: 'the provider did not understand the authorization request',
  server_error: 'the provider failed; try again later',
  temporarily_unavailable: 'the provider is not available; try again later',
}

function refusalOf(error: string, description: string, { client_secret }: Credential): string {
  const code = /^[A-Za-z0-9_.-]{1,64}$/.test(error) ? error : 'unrecognised_error'
  const said = Object.hasOwn(refusals, code) ? refusals[code] : 'the provider refused'
  // RFC 6749 4.1.2.1: these characters only; anything else could move the terminal's cursor.
  const isPlain = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}$/.test(description)
  const secret = client_secret?.reveal() ?? ''
  const isSafe = isPlain && (secret.length < 4 || !description.includes(secret))
  return `${said} (${code})${isSafe ? `: ${description}` : ''}`
}
