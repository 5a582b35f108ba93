import type { Credential } from '../config/config.ts'
import { proxyOf } from '../config/egress-proxy.ts'
import type { EgressProxy } from '../config/egress-proxy.ts'
import { grantVariables, jwtBearer } from '../config/grant-types.ts'
import { placeOf } from '../config/schema/url.ts'
import type { Template, TemplateValues } from '../config/template.ts'
import { placeholdersOf } from '../config/template-uses.ts'
import { signAssertion } from './assertion.ts'
import { clientAuthentications } from './client-authentication.ts'
import type { TokenRequestDraft } from './client-authentication.ts'
import { credentialValues } from './credential-values.ts'
import { nobody } from './identity.ts'
import type { Identity } from './identity.ts'
import { renderJson } from './render-json.ts'
import { TokenRequestError } from './token-request-error.ts'

/** A token request, ready to be sent. Holds secrets: never log it. */
export interface TokenRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** For the whole request, in milliseconds. */
  readonly timeoutMs: number
  /** For the connection; undefined where the system's trust is all that it takes. */
  readonly tls?: TokenRequestTls | undefined
  /** On the way; undefined where the way is direct. */
  readonly proxy?: EgressProxy | undefined
}

/** What a connection to a token endpoint is made with, in PEM. */
export interface TokenRequestTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

/** What a person's consent gave, good for one token request (RFC 6749 4.1.3, RFC 7636 4.5). Holds secrets: never log it. */
export interface AuthorizationCode {
  readonly code: string
  /** That of the authorization request, character by character. */
  readonly redirectUri: string
  readonly codeVerifier: string
}

/**
 * Builds the token request of a credential (RFC 6749 4.4.2, or whatever its recipe says).
 * @param held asks with this refresh token (RFC 6749 6) or authorization code instead of the configured grant
 * @param nowEpochMs milliseconds since the epoch, for assertions
 * @param identity for whom the token is; nobody where there is one for all
 * @throws TokenRequestError `refused` when a secret cannot be sent in the field that the recipe names, or a key cannot sign
 */
export async function buildTokenRequest(
  credential: Credential,
  held?: string | AuthorizationCode,
  nowEpochMs = Date.now(),
  identity: Identity = nobody,
): Promise<TokenRequest> {
  const { token_request: recipe, token_endpoint } = credential
  if (token_endpoint === undefined) throw new TypeError(`the credential ${credential.name} has no token endpoint`)
  const refreshToken = typeof held === 'string' ? held : undefined
  const values = await requestValues(credential, refreshToken, nowEpochMs, identity)
  const render = (template: Template): string => template.render(values)

  const draft: TokenRequestDraft = {
    params: defaultParams(credential, held, values),
    headers: new Map([['accept', 'application/json']]),
  }
  await clientAuthentications[credential.token_endpoint_auth_method](draft, credential, nowEpochMs, identity)
  for (const [name, value] of Object.entries(recipe.params)) {
    // The recipe's own grant type is for the configured grant.
    if (held !== undefined && name === 'grant_type') continue
    if (value === null) draft.params.delete(name)
    else draft.params.set(name, renderJson(value, render))
  }

  const { contentType, body } = await encodings[recipe.encoding](draft.params)
  if (contentType !== undefined) draft.headers.set('content-type', contentType)
  for (const [name, template] of Object.entries(recipe.headers)) draft.headers.set(name.toLowerCase(), render(template))
  for (const [name, value] of draft.headers) {
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new TokenRequestError(
        'refused',
        'invalid_field_value',
        `a value for the field ${name} holds characters that no field may hold`,
      )
    }
  }

  const query = new URLSearchParams(
    Object.entries(recipe.query).map(([name, template]): [string, string] => [name, render(template)]),
  )
  if (recipe.encoding === 'query') for (const [name, value] of textParams(draft.params)) query.append(name, value)

  return {
    method: recipe.method,
    url: withQuery(token_endpoint, query),
    headers: namesAsWritten(draft.headers, recipe.headers),
    body,
    timeoutMs: recipe.timeout,
    tls: tlsOf(recipe.tls),
    proxy: proxyOf(recipe.proxy, placeOf(token_endpoint)),
  }
}

/** The values that templates of a token request may name. */
async function requestValues(
  credential: Credential,
  refreshToken: string | undefined,
  nowEpochMs: number,
  identity: Identity,
): Promise<TemplateValues> {
  const isNamed = placeholdersOf(credential).some(({ placeholder, part }) => placeholder === 'assertion' && part === 'request')
  const isGrant = credential.grant_type === jwtBearer && refreshToken === undefined
  const assertion = isNamed || isGrant ? await signAssertion(credential, nowEpochMs, identity) : undefined
  const common = credentialValues(credential, identity)
  return (placeholder) => {
    if (placeholder === 'assertion') return assertion?.jwt
    // The configured one is only the first: a template means the one that is asked with.
    if (placeholder === 'refresh_token' && credential.grant_type === 'refresh_token') return refreshToken ?? common(placeholder)
    return common(placeholder)
  }
}

/** What a connection is made with, read at this moment: files may have been rotated since the last token request. */
export function tlsOf(tls: Credential['token_request']['tls']): TokenRequestTls | undefined {
  return tls && Object.fromEntries(Object.entries(tls).map(([name, pem]) => [name, pem?.reveal()]))
}

/** Adds parameters; what the configured URL has already stays byte for byte. */
function withQuery(url: string, query: URLSearchParams): string {
  return query.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`
}

function defaultParams(
  credential: Credential,
  held: string | AuthorizationCode | undefined,
  values: TemplateValues,
): Map<string, unknown> {
  const { audience, resource } = credential
  const params = new Map<string, unknown>(Object.entries(grantParams(credential, held, values)))
  // A code stands for the scope that the person was shown (RFC 6749 4.1.3).
  const scope = typeof held === 'object' ? undefined : values('scope')
  if (scope !== undefined) params.set('scope', scope)
  if (audience !== undefined) params.set('audience', audience)
  if (resource !== undefined) params.set('resource', resource)
  return params
}

function grantParams(
  { grant_type, variables }: Credential,
  held: string | AuthorizationCode | undefined,
  values: TemplateValues,
): Readonly<Record<string, unknown>> {
  if (typeof held === 'string') return { grant_type: 'refresh_token', refresh_token: held }
  if (held !== undefined) {
    const { code, redirectUri, codeVerifier } = held
    return { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: codeVerifier }
  }
  const named = grantVariables(grant_type).filter((name) => Object.hasOwn(variables, name))
  return {
    grant_type,
    ...Object.fromEntries(named.map((name) => [name, values(name)])),
    ...(grant_type === jwtBearer && { assertion: values('assertion') }),
  }
}

interface EncodedBody {
  readonly contentType?: string
  readonly body: Uint8Array | undefined
}

type Encoding = (params: ReadonlyMap<string, unknown>) => EncodedBody | Promise<EncodedBody>

const encodings: Readonly<Record<Credential['token_request']['encoding'], Encoding>> = {
  form: (params) => ({
    contentType: 'application/x-www-form-urlencoded',
    body: Buffer.from(new URLSearchParams(textParams(params)).toString()),
  }),
  json: (params) => ({ contentType: 'application/json', body: Buffer.from(JSON.stringify(Object.fromEntries(params))) }),
  multipart: async (params) => {
    const form = new FormData()
    for (const [name, value] of textParams(params)) form.append(name, value)
    // The platform writes the parts and chooses the boundary (RFC 7578).
    const encoded = new Response(form)
    return { contentType: encoded.headers.get('content-type') ?? '', body: await encoded.bytes() }
  },
  query: () => ({ body: undefined }),
  none: () => ({ body: undefined }),
}

function textParams(params: ReadonlyMap<string, unknown>): [string, string][] {
  return [...params].map(([name, value]) => [name, String(value)])
}

/** Field names in the spelling of the recipe: they are case-insensitive (RFC 9110 5.1), but not every server knows. */
function namesAsWritten(headers: ReadonlyMap<string, string>, recipe: Readonly<Record<string, unknown>>): Record<string, string> {
  const written = new Map(Object.keys(recipe).map((name) => [name.toLowerCase(), name]))
  return Object.fromEntries([...headers].map(([name, value]) => [written.get(name) ?? name, value]))
}
