import { UsageError } from '../command.ts'
import { isGroup } from '../../config/groups.ts'
import { isReservedField } from '../../config/field-names.ts'
import type { CurlCall } from './curl-call.ts'
import { pairsOf } from './curl-call.ts'

/** A token request in the words of a recipe: what is sent, and how it travels. Holds secrets: never print any of it. */
export interface TokenCall extends Pick<CurlCall, 'method' | 'endpoint' | 'basic' | 'proxy' | 'tls' | 'timeoutSeconds'> {
  readonly encoding: 'form' | 'multipart' | 'json' | 'query' | 'none'
  readonly params: ReadonlyMap<string, unknown>
  /** Beside a body; without one the parameters are in the query. */
  readonly query: ReadonlyMap<string, string>
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/**
 * Finds out what a call sends.
 * @throws UsageError for a body that bearerd cannot send
 */
export function tokenCallOf(call: CurlCall): TokenCall {
  const type = call.headers.find(([name]) => name.toLowerCase() === 'content-type')?.[1] ?? ''
  const { encoding, params } = contentOf(call, type.toLowerCase())
  const hasBody = encoding !== 'query' && encoding !== 'none'
  const { basic } = call
  const isWhole = basic === undefined || (basic.id !== '' && basic.secret !== '')
  // A key alone, where others have two: no credential has an empty half.
  const own: TokenCall['headers'] = isWhole
    ? []
    : [['Authorization', `Basic ${Buffer.from(`${basic.id}:${basic.secret}`).toString('base64')}`]]
  const headers = [...call.headers.filter(([name, value]) => matters(name.toLowerCase(), value, encoding)), ...own]
  for (const [index, [name]] of headers.entries()) {
    refuseName(name)
    if (headers.findIndex(([other]) => other.toLowerCase() === name.toLowerCase()) < index)
      throw new UsageError(`the call has the field ${name} twice; leave one of them out`)
  }
  return {
    ...call,
    basic: isWhole ? basic : undefined,
    encoding,
    params,
    query: hasBody ? singly(call.query) : new Map(),
    headers,
  }
}

function contentOf({ body, query }: CurlCall, type: string): Pick<TokenCall, 'encoding' | 'params'> {
  if (body.kind === 'multipart') return { encoding: 'multipart', params: singly(body.parts) }
  if (body.kind === 'none' || body.text === '') return { encoding: query.length > 0 ? 'query' : 'none', params: singly(query) }
  const isForm = type === '' || type.startsWith('application/x-www-form-urlencoded')
  // A form that looks like JSON is JSON whose Content-Type was forgotten.
  if (body.isJson || /\bjson\b/.test(type) || (isForm && /^\s*\{\s*"/.test(body.text)))
    return { encoding: 'json', params: membersOf(body.text) }
  if (isForm) return { encoding: 'form', params: singly(pairsOf(body.text.trim())) }
  throw new UsageError('the body of the call is neither a form nor multipart nor JSON; bearerd sends nothing else')
}

function membersOf(text: string): ReadonlyMap<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text, (key, inner: unknown, context?: { readonly source?: string }) => {
      refuseName(key)
      if (typeof inner === 'number' && /^-?\d+$/.test(context?.source ?? '') && !Number.isSafeInteger(inner))
        throw new UsageError(
          'the JSON of the call has a number of too many digits; write it as a text, if the provider takes that',
        )
      return inner
    })
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('the body of the call is no JSON; see that it was copied whole, with its quotes')
  }
  if (!isGroup(value)) throw new UsageError('the JSON of the call is no object; bearerd sends nothing else')
  return new Map(Object.entries(value))
}

/** JavaScript means the prototype by it, so that no configuration can hold such a key. */
function refuseName(name: string): void {
  if (name === '__proto__') throw new UsageError('the call has the name __proto__, which no configuration can have')
}

/** RFC 6749 3.2: no parameter more than once. */
function singly(pairs: readonly (readonly [name: string, value: string])[]): Map<string, string> {
  const params = new Map<string, string>()
  for (const [name, value] of pairs) {
    refuseName(name)
    if (params.has(name))
      throw new UsageError(`the call has the parameter ${shownName(name)} more than once, which bearerd does not send`)
    params.set(name, value)
  }
  return params
}

/** What stands in front of an equals sign may be a part of a secret that lost its quotes. */
function shownName(name: string): string {
  return /^(grant_type|scope|audience|resource|client_id|client_secret)$/.test(name) ? name : 'of one name'
}

/** Made by curl, a browser or bearerd itself: they say nothing about this provider. */
const noise = /^(user-agent|accept-encoding|accept-language|cookie|origin|referer|priority|dnt|pragma|cache-control|sec-.*)$/

function matters(name: string, value: string, encoding: TokenCall['encoding']): boolean {
  if (isReservedField(name) || noise.test(name)) return false
  if (name === 'accept') return !/^(\*\/\*|application\/json(\s*,\s*(text\/plain\s*,\s*)?\*\/\*)?)$/i.test(value)
  return name !== 'content-type' || !isImplied(value, encoding)
}

function isImplied(type: string, encoding: TokenCall['encoding']): boolean {
  if (encoding === 'multipart' || encoding === 'query' || encoding === 'none') return true
  // Either is what encoding: json stands for, or the slip of somebody who sends JSON.
  return encoding === 'json'
    ? /^application\/(json|x-www-form-urlencoded)$/i.test(type)
    : /^application\/x-www-form-urlencoded$/i.test(type)
}
