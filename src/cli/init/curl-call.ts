import { UsageError } from '../command.ts'
import { cmdWords, isForCmd } from './cmd-words.ts'
import { curlBody, urlencoded } from './curl-body.ts'
import type { CurlBody } from './curl-body.ts'
import { curlOptions } from './curl-options.ts'
import type { CurlMeaning } from './curl-options.ts'
import { shellWords } from './shell-words.ts'

/** The request that a curl command would send, as far as it shapes a token request. Holds secrets: never print any of it. */
export interface CurlCall {
  readonly method: 'GET' | 'POST' | 'PUT'
  /** As it was written: up to the query, and with placeholders, so that it may be no URL yet. */
  readonly endpoint: string
  readonly query: readonly (readonly [name: string, value: string])[]
  /** In the spelling of the call; curl's own are not among them. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: CurlBody
  /** What proves the client by Basic, not encoded in any way. */
  readonly basic: { readonly id: string; readonly secret: string } | undefined
  readonly proxy: string | undefined
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string }
  readonly timeoutSeconds: number | undefined
}

const methods = ['GET', 'POST', 'PUT'] as const

/**
 * Reads a curl command as it stands in documentation.
 * @param text of a shell or of the command prompt of Windows
 * @throws UsageError when it is none, or does what a token request of bearerd cannot do; shows nothing of it but names of options
 */
export function readCurl(text: string): CurlCall {
  const words = isForCmd(text) ? cmdWords(text) : shellWords(text)
  const start = words.findIndex((word) => /(^|[/\\])curl(\.exe)?$/.test(word))
  const isLed =
    start >= 0 && words.slice(0, start).every((word) => word === '$' || word === '%' || word === '>' || /^\w+=/.test(word))
  if (!isLed)
    throw new UsageError("this is no call: it has to begin with curl, all of it in quotes, as in --from-curl 'curl -d ...'")
  const options = curlOptions(words.slice(start + 1))
  const given = (...meanings: readonly CurlMeaning[]): string[] =>
    options.filter(({ meaning }) => meanings.includes(meaning)).map(({ value }) => value)
  const last = (meaning: CurlMeaning): string | undefined => given(meaning).at(-1)

  const headers = given('header').flatMap(fieldOf)
  const bearer = last('bearer')
  if (bearer !== undefined) headers.push(['Authorization', `Bearer ${bearer}`])
  const { body, inQuery } = curlBody(options, headers)
  const { endpoint, query, user } = addressOf(given('url'), [...inQuery, ...given('url-query').map(queryOf)])
  const basic = basicOf(headers) ?? halvesOf(last('user') ?? user)
  return {
    method: methodOf(last('method') ?? (body.kind === 'none' || inQuery.length > 0 ? 'GET' : 'POST'), body),
    endpoint,
    query,
    headers: headers.filter(([name]) => basicOf(headers) === undefined || name.toLowerCase() !== 'authorization'),
    body,
    basic,
    proxy: last('proxy'),
    tls: tlsOf(last('cacert'), last('cert'), last('key')),
    timeoutSeconds: secondsOf(last('max-time')),
  }
}

function methodOf(written: string, body: CurlBody): CurlCall['method'] {
  const method = methods.find((known) => known === written.toUpperCase())
  if (method === undefined) throw new UsageError('a token request is a POST, GET or PUT; the call has another method')
  if (method === 'GET' && body.kind !== 'none') throw new UsageError('the call is a GET with a body, which bearerd does not send')
  return method
}

/** A field as curl takes it: `Name: value`, `Name;` for an empty one; `Name:` only takes away one of curl's own. */
function fieldOf(header: string): [name: string, value: string][] {
  if (header.startsWith('@')) throw new UsageError("curl's -H takes fields from a file; write them out")
  const [, name = '', mark, value = ''] = /^([^:;]*?)\s*([:;])\s*([^]*?)\s*$/.exec(header) ?? []
  if (mark === undefined || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name))
    throw new UsageError("a field of the call (-H) is none; write it as 'Name: value'")
  if (mark === ';' && value !== '') throw new UsageError("a field of the call (-H) has no colon; write it as 'Name: value'")
  return mark === ':' && value === '' ? [] : [[name, value]]
}

function addressOf(
  urls: readonly string[],
  further: readonly string[],
): Pick<CurlCall, 'endpoint' | 'query'> & { readonly user: string | undefined } {
  const [url, another] = urls.map((each) => each.trim()).filter((each) => each !== '')
  if (url === undefined) throw new UsageError('the call has no address; add the URL of the token endpoint to it')
  if (another !== undefined) throw new UsageError('the call has more than one address; see that its quotes are where they belong')
  const [, scheme, user, rest = '', query = ''] =
    /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:([^/?#@]*)@)?([^?#]*)(?:\?([^#]*))?/i.exec(url) ?? []
  if (!/^https?$/i.test(scheme ?? 'https')) throw new UsageError('the address of the call is neither http nor https')
  const start = scheme === undefined ? (holdsScheme.test(rest) ? '' : 'https://') : `${scheme.toLowerCase()}://`
  return { endpoint: start + rest, query: pairsOf([query, ...further].join('&')), user: user && decoded(user) }
}

/** What stands for an address at its beginning has the scheme in it. */
const holdsScheme = /^(\$?\{\{?|<)[^}>]*(url|uri|endpoint|base|issuer)[^}>]*(\}|>)/i

/** As with --data-urlencode, unless it begins with a plus. */
function queryOf(value: string): string {
  return value.startsWith('+') ? value.slice(1) : urlencoded(value)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @throws UsageError for bytes that are no text: bearerd could not send them again */
export function pairsOf(encoded: string): [name: string, value: string][] {
  const pairs = [...new URLSearchParams(`&${encoded}`)]
  if (pairs.some((pair) => pair.join('').includes('\ufffd'))) throw new UsageError('the call has bytes that are no text in UTF-8')
  return pairs
}

function basicOf(headers: CurlCall['headers']): CurlCall['basic'] {
  const value = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1]
  const [, token] = /^basic\s+([^]+)$/i.exec(value ?? '') ?? []
  if (token === undefined) return undefined
  const text = /^[A-Za-z0-9+/_-]+={0,2}$/.test(token) ? Buffer.from(token, 'base64').toString() : ''
  // What does not decode stands for something that does.
  return /^[^\p{Cc}\ufffd]*:[^\p{Cc}\ufffd]*$/u.test(text) ? halvesOf(text) : halvesOf('<client_id>:<client_secret>')
}

/** Without a colon curl would ask for the rest. */
function halvesOf(user: string | undefined): CurlCall['basic'] {
  if (user === undefined) return undefined
  const at = user.indexOf(':')
  return at < 0 ? { id: user, secret: '<client_secret>' } : { id: user.slice(0, at), secret: user.slice(at + 1) }
}

function tlsOf(ca: string | undefined, cert: string | undefined, key: string | undefined): CurlCall['tls'] {
  if (cert !== undefined && /^[^/\\].*:|[^:\\]:[^\\/]/.test(cert))
    throw new UsageError("curl's --cert has a passphrase; bearerd reads private keys without one only")
  if (key !== undefined && cert === undefined) throw new UsageError('the call has a --key without its --cert')
  // Without --key both are in one file.
  return { ...(ca !== undefined && { ca }), ...(cert !== undefined && { cert, key: key ?? cert }) }
}

function secondsOf(text: string | undefined): number | undefined {
  const seconds = Number(text)
  return text !== undefined && seconds > 0 && seconds < 3600 ? seconds : undefined
}
