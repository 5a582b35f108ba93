import type { Credential } from '../config/config.ts'
import type { JsonTemplate } from '../config/schema/values.ts'
import { Template } from '../config/template.ts'
import { clientAuthentications } from './client-authentication.ts'
import type { TokenRequestDraft } from './client-authentication.ts'
import { credentialValues } from './credential-values.ts'
import { TokenRequestError } from './token-request-error.ts'

/** A token request, ready to be sent. Holds secrets: never log it. */
export interface TokenRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array | undefined
  /** For the whole request, in milliseconds. */
  readonly timeoutMs: number
}

/**
 * Builds the token request of a credential (RFC 6749 4.4.2, or whatever its recipe says).
 * @param refreshToken asks with this refresh token instead of the configured grant (RFC 6749 6)
 * @throws TokenRequestError `refused` when a secret cannot be sent in the field that the recipe names
 */
export async function buildTokenRequest(credential: Credential, refreshToken?: string): Promise<TokenRequest> {
  const { token_request: recipe, token_endpoint } = credential
  const values = credentialValues(credential)
  const render = (template: Template): string => template.render(values)

  const draft: TokenRequestDraft = { params: defaultParams(credential, refreshToken), headers: new Map([['accept', 'application/json']]) }
  clientAuthentications[credential.token_endpoint_auth_method](draft, credential)
  for (const [name, value] of Object.entries(recipe.params)) {
    // The recipe's own grant type is for the configured grant.
    if (refreshToken !== undefined && name === 'grant_type') continue
    if (value === null) draft.params.delete(name)
    else draft.params.set(name, renderJson(value, render))
  }

  const { contentType, body } = await encodings[recipe.encoding](draft.params)
  if (contentType !== undefined) draft.headers.set('content-type', contentType)
  for (const [name, template] of Object.entries(recipe.headers)) draft.headers.set(name.toLowerCase(), render(template))
  for (const [name, value] of draft.headers) {
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw new TokenRequestError('refused', 'invalid_field_value', `a value for the field ${name} holds characters that no field may hold`)
    }
  }

  const query = new URLSearchParams(Object.entries(recipe.query).map(([name, template]): [string, string] => [name, render(template)]))
  if (recipe.encoding === 'query') for (const [name, value] of textParams(draft.params)) query.append(name, value)

  return { method: recipe.method, url: withQuery(token_endpoint, query), headers: namesAsWritten(draft.headers, recipe.headers), body, timeoutMs: recipe.timeout }
}

/** Adds parameters; what the configured URL has already stays byte for byte. */
function withQuery(url: string, query: URLSearchParams): string {
  return query.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${query.toString()}`
}

function defaultParams(credential: Credential, refreshToken: string | undefined): Map<string, unknown> {
  const params = new Map<string, unknown>()
  params.set('grant_type', refreshToken === undefined ? credential.grant_type : 'refresh_token')
  if (refreshToken !== undefined) params.set('refresh_token', refreshToken)
  const { scope, scope_delimiter, audience, resource } = credential
  if (scope !== undefined) params.set('scope', typeof scope === 'string' ? scope : scope.join(scope_delimiter))
  if (audience !== undefined) params.set('audience', audience)
  if (resource !== undefined) params.set('resource', resource)
  return params
}

function renderJson(value: JsonTemplate, render: (template: Template) => string): unknown {
  if (value instanceof Template) return render(value)
  if (Array.isArray(value)) return value.map((item: JsonTemplate) => renderJson(item, render))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, renderJson(inner, render)]))
  }
  return value
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
