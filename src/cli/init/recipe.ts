import { grantVariables, jwtBearer } from '../../config/grant-types.ts'
import type { Group } from '../../config/groups.ts'
import { isGroup } from '../../config/groups.ts'
import { UsageError } from '../command.ts'
import { assertionOf } from './assertion-key.ts'
import type { TokenCall } from './token-call.ts'
import { isSecretName, placeholderName, snakeCase } from './written-values.ts'
import type { WrittenValues } from './written-values.ts'

/** A credential's keys as they would be written, in the order of the file. */
export type RecipeKeys = Readonly<Record<string, unknown>>

/** What a preset says stands in a place of the token request: `{client_id}`, `{channel}`; undefined where it says nothing. */
export type KnownTemplates = (path: readonly string[]) => unknown

/**
 * Makes a recipe of a call: the keys with which bearerd sends the same request, those among them that are so by default.
 * @param values decides what becomes a variable
 * @param name of the credential, for the paths of files
 * @param known what a preset for this endpoint knows
 * @throws UsageError for a grant that needs a person
 */
export function recipeOf(
  call: TokenCall,
  values: WrittenValues,
  name: string,
  known: KnownTemplates = () => undefined,
): RecipeKeys {
  const left = new Map(call.params)
  const take = (param: string): string | undefined => {
    const value = left.get(param)
    if (typeof value !== 'string' || value === '') return undefined
    left.delete(param)
    return value
  }
  const client = new Client(call, values)
  const variables: Record<string, string> = {}
  const params: Record<string, unknown> = {}
  const { encoding } = call

  const grantType = take('grant_type')
  if (grantType === undefined && encoding !== 'none') params['grant_type'] = null
  if (grantType !== undefined) refusePeople(grantType)
  for (const param of grantVariables(grantType ?? '')) {
    const value = take(param)
    variables[param] = values.variable(param, value ?? `<${param}>`)
    if (value === undefined) params[param] = null
  }
  const assertion = proofOf(call, grantType, take, name)
  const plain = Object.fromEntries(
    ['scope', 'audience', 'resource'].flatMap((key) => {
      const value = known(['params', key]) === undefined ? take(key) : undefined
      return value === undefined ? [] : [[key, values.text(key, value)]]
    }),
  )

  const method = methodOf(call, assertion?.method, left)
  const hasOwnId = left.has('client_id')
  if (call.basic !== undefined || method === 'none') {
    // In the body beside Basic, or under a name of the provider's own.
  } else if (method === 'client_secret_post') client.take(take('client_id'), take('client_secret'))
  else client.take(take('client_id') ?? '<client_id>', undefined)
  if (method === 'none' && hasOwnId) client.take(take('client_id'), undefined)
  // Whose assertion it is.
  if (assertion !== undefined) client.take('<client_id>', method === 'client_secret_jwt' ? '<client_secret>' : undefined)

  const leaf = (path: readonly string[], value: string): string => {
    const template = known(path)
    const [, placeholder] = /^\{([A-Za-z_]\w*)\}$/.exec(typeof template === 'string' ? template : '') ?? []
    if (placeholder === undefined)
      return client.templateFor(path.at(-1) ?? '', value) ?? values.template(path.at(-1) ?? '', value)
    if (placeholder === 'client_id') client.take(value, undefined)
    else if (placeholder === 'client_secret') client.take(undefined, value)
    else if (placeholder === 'scope') plain['scope'] = values.text('scope', value)
    else variables[placeholder] = value === '' ? '' : values.variable(placeholder, value)
    return `{${placeholder}}`
  }
  const tree = (path: readonly string[], value: unknown): unknown => {
    if (typeof value === 'string') return leaf(path, value)
    if (Array.isArray(value)) return value.map((inner: unknown) => tree(path, inner))
    if (isGroup(value)) return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, tree([...path, key], inner)]))
    return typeof value === 'number' && isSecretName(path.at(-1) ?? '') ? leaf(path, String(value)) : value
  }
  const group = (of: 'headers' | 'query' | 'params', entries: Iterable<readonly [string, unknown]>): Record<string, unknown> =>
    Object.fromEntries(
      [...entries].map(([key, value]) => [key, of === 'headers' ? fieldOf(key, String(value)) : tree([of, key], value)]),
    )
  // A scheme stays: what stands behind it is the secret.
  const fieldOf = (key: string, value: string): string => {
    const [, scheme, token] = /^([A-Za-z][A-Za-z0-9-]*) +(\S[^]*)$/.exec(key.toLowerCase() === 'authorization' ? value : '') ?? []
    return scheme === undefined || token === undefined
      ? leaf(['headers', key], value)
      : `${scheme} ${values.template(`${scheme}_token`, token)}`
  }

  const headers = group('headers', call.headers)
  const query = group('query', call.query)
  Object.assign(params, group('params', left))
  const keys = client.keys()
  if (keys['client_id'] !== undefined && method === 'none' && !hasOwnId && encoding !== 'none') params['client_id'] = null
  if (assertion !== undefined && !hasOwnId && encoding !== 'none' && method !== 'client_secret_post') params['client_id'] = null
  return withoutEmpty({
    token_endpoint: values.address(call.endpoint),
    grant_type: grantType ?? 'client_credentials',
    token_endpoint_auth_method: method,
    ...keys,
    ...plain,
    variables,
    token_request: {
      method: call.method,
      encoding,
      basic_encoding: method === 'client_secret_basic' ? 'raw' : undefined,
      headers,
      query,
      params,
      assertion: assertion?.keys,
      tls: call.tls,
      proxy: call.proxy === undefined ? undefined : proxyOf(call.proxy, values),
      timeout: call.timeoutSeconds === undefined ? undefined : `${Math.ceil(call.timeoutSeconds)}s`,
    },
  })
}

/** The client of a call, under whatever names it goes there. */
class Client {
  #id: string | undefined
  #secret: string | undefined
  readonly #values: WrittenValues

  constructor({ basic }: TokenCall, values: WrittenValues) {
    this.#values = values
    if (basic !== undefined) this.take(basic.id, basic.secret)
  }

  take(id: string | undefined, secret: string | undefined): void {
    this.#id ??= id
    this.#secret ??= secret
  }

  /** The template for a value that says who the client is; undefined for any other. */
  templateFor(name: string, value: string): string | undefined {
    const plain = snakeCase(name).replaceAll('_', '')
    if (value === '') return undefined
    if (idNames.test(plain) && isSame(this.#id, value)) {
      this.take(value, undefined)
      return '{client_id}'
    }
    if (!secretNames.test(plain) || !isSame(this.#secret, value)) return undefined
    this.take(undefined, value)
    return '{client_secret}'
  }

  keys(): Record<string, string> {
    return {
      ...(this.#id !== undefined && { client_id: this.#values.variable('client_id', this.#id) }),
      ...(this.#secret !== undefined && { client_secret: this.#values.variable('client_secret', this.#secret) }),
    }
  }
}

/** Placeholders for one thing are spelt in many ways. */
function isSame(earlier: string | undefined, value: string): boolean {
  return (
    earlier === undefined || earlier === value || (placeholderName(earlier) !== undefined && placeholderName(value) !== undefined)
  )
}

const idNames = /^x?(clientid|appid|applicationid|consumerkey|appkey)$/
const secretNames = /^x?(clientsecret|secret|appsecret|consumersecret)$/

function methodOf({ basic, tls }: TokenCall, proof: string | undefined, left: ReadonlyMap<string, unknown>): string {
  if (basic !== undefined) return 'client_secret_basic'
  if (proof !== undefined) return proof
  const has = (name: string): boolean => typeof left.get(name) === 'string' && left.get(name) !== ''
  if (!has('client_id')) return 'none'
  if (has('client_secret')) return 'client_secret_post'
  return tls.cert === undefined ? 'none' : 'tls_client_auth'
}

/** An assertion is made anew for each token request: what the call has is taken away, and the key that signs it asked for. */
function proofOf(
  { endpoint }: TokenCall,
  grantType: string | undefined,
  take: (param: string) => string | undefined,
  name: string,
): { readonly method: string | undefined; readonly keys: Group } | undefined {
  const ofClient = take('client_assertion')
  if (ofClient !== undefined) take('client_assertion_type')
  const ofGrant = grantType === jwtBearer ? take('assertion') : undefined
  const jwt = ofClient ?? ofGrant
  if (jwt === undefined && grantType !== jwtBearer) return undefined
  const { isShared, keys } = assertionOf(jwt ?? '', endpoint, name)
  const isByClientSecret = isShared && ofGrant === undefined
  const method = ofClient === undefined ? undefined : isByClientSecret ? 'client_secret_jwt' : 'private_key_jwt'
  return { method, keys: isByClientSecret ? withoutKeys(keys, 'alg', 'key') : keys }
}

function withoutKeys(group: Group, ...names: readonly string[]): Group {
  return Object.fromEntries(Object.entries(group).filter(([key]) => !names.includes(key)))
}

/** Good once, and for whoever asked the person: a recipe cannot have it. */
function refusePeople(grantType: string): void {
  if (grantType === 'authorization_code' || grantType.endsWith('device_code'))
    throw new UsageError(
      'the call trades in a code that is good once; give the one with grant_type=refresh_token, or see "A person\'s consent, once" in docs/token-requests.md',
    )
}

/** Credentials of a proxy are secret, too. */
function proxyOf(proxy: string, values: WrittenValues): string {
  const url = proxy.includes('://') ? proxy : `http://${proxy}`
  return /^https?:\/\/[^/?#@]+\/?$/i.test(url) ? url : values.variable('proxy', url)
}

function withoutEmpty(keys: RecipeKeys): RecipeKeys {
  return Object.fromEntries(
    Object.entries(keys).flatMap(([key, value]) => {
      const inner = isGroup(value) && key !== 'params' ? withoutEmpty(value) : value
      return inner === undefined || (isGroup(inner) && Object.keys(inner).length === 0) ? [] : [[key, inner]]
    }),
  )
}
