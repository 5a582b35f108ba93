import { isIP } from 'node:net'
import { isLoopbackHost } from './loopback.ts'
import { isExempt, parseNoProxy } from './no-proxy.ts'
import { socketAddressOf } from './schema/url.ts'
import type { UpstreamUrl } from './schema/url.ts'
import { Secret } from './secret.ts'

/** A forward proxy that stands between this machine and the providers. */
export interface EgressProxy {
  /** Whether the connection to the proxy itself is encrypted. */
  readonly isTls: boolean
  /** As for a socket: without brackets around an IPv6 address. */
  readonly hostname: string
  readonly port: number
  /** The value of Proxy-Authorization; undefined where the proxy asks for nothing. */
  readonly authorization: Secret | undefined
  /** Its URL without credentials, for people. */
  readonly shown: string
}

/** Where a connection goes. */
export type Place = Pick<UpstreamUrl, 'isTls' | 'hostname' | 'port'>

/** A place as people write it, and as CONNECT asks for it (RFC 9110 9.3.6). */
export function formatPlace({ hostname, port }: Pick<Place, 'hostname' | 'port'>): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
}

/** Which proxy connections go through; plain data, so that two configurations can be compared. */
export interface ProxyChoice {
  readonly forTls: EgressProxy | undefined
  readonly forPlain: EgressProxy | undefined
  /** As NO_PROXY holds it; undefined where one proxy is for everything, this machine included. */
  readonly exempt: string | undefined
  /** What is wrong with the environment, where it decides: `problem; remedy`, without any value. */
  readonly problem: string | undefined
}

/** The proxy on the way to a place; undefined where the way is direct. */
export function proxyOf({ forTls, forPlain, exempt }: ProxyChoice, place: Place): EgressProxy | undefined {
  const proxy = place.isTls ? forTls : forPlain
  if (proxy === undefined || exempt === undefined) return proxy
  return isThisMachine(place.hostname) || isExempt(place, parseNoProxy(exempt)) ? undefined : proxy
}

/** One proxy for every place, or none, whatever the environment says. */
export function fixedProxy(proxy: EgressProxy | undefined): ProxyChoice {
  return { forTls: proxy, forPlain: proxy, exempt: undefined, problem: undefined }
}

/**
 * The proxies of the environment, by curl's rules: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, each also in lower case,
 * which wins. HTTP_PROXY counts in lower case only, because in a CGI environment a caller decides on the other (CVE-2016-5385,
 * httpoxy). What is on this machine is never asked for through a proxy.
 */
export function environmentProxies(env: Readonly<NodeJS.ProcessEnv>): ProxyChoice {
  const everything = first(env, 'all_proxy', 'ALL_PROXY')
  const forTls = read(first(env, 'https_proxy', 'HTTPS_PROXY') ?? everything)
  const forPlain = read(first(env, 'http_proxy') ?? everything)
  return {
    forTls: typeof forTls === 'string' ? undefined : forTls,
    forPlain: typeof forPlain === 'string' ? undefined : forPlain,
    exempt: first(env, 'no_proxy', 'NO_PROXY')?.value ?? '',
    problem: [forTls, forPlain].find((proxy) => typeof proxy === 'string'),
  }
}

/**
 * Reads the URL of a proxy.
 * @returns what is wrong with it, of the form `problem; remedy` and without any part of it, when it is none
 */
export function parseProxyUrl(value: string): EgressProxy | string {
  const url = URL.parse(value)
  if (url === null || !/^https?:\/\//i.test(value)) return `not the URL of an http or https proxy; ${example}`
  if (!/^\/?$/.test(url.pathname) || /[?#]/.test(value)) return `a proxy has no path, query or fragment; ${example}`
  const credentials = credentialsOf(url)
  if (typeof credentials === 'string') return credentials
  const isTls = url.protocol === 'https:'
  return {
    isTls,
    ...socketAddressOf(url),
    authorization: credentials && Secret.of(`Basic ${credentials.toString('base64')}`),
    shown: `${url.protocol}//${url.host}`,
  }
}

const example = 'write it as http://proxy.example.com:3128, with USER:PASSWORD@ in front of the host where it asks for them'

/** RFC 7617 2, with UTF-8. */
function credentialsOf({ username, password }: URL): Buffer | string | undefined {
  if (username === '' && password === '') return undefined
  try {
    const user = decodeURIComponent(username)
    if (user.includes(':')) return 'a user name cannot hold a colon (RFC 7617 2); choose another user'
    return Buffer.from(`${user}:${decodeURIComponent(password)}`)
  } catch {
    return 'a percent sign that escapes nothing in the credentials; write % as %25'
  }
}

interface Variable {
  readonly name: string
  readonly value: string
}

/** An empty variable says nothing. */
function first(env: Readonly<NodeJS.ProcessEnv>, ...names: readonly string[]): Variable | undefined {
  const name = names.find((candidate) => (env[candidate] ?? '').trim() !== '')
  return name === undefined ? undefined : { name, value: env[name]?.trim() ?? '' }
}

/** As curl, without a scheme it is http. */
function read(variable: Variable | undefined): EgressProxy | string | undefined {
  if (variable === undefined) return undefined
  const { name, value } = variable
  const proxy = parseProxyUrl(value.includes('://') ? value : `http://${value}`)
  if (typeof proxy !== 'string') return proxy
  return `the proxy that the environment names in ${name} cannot be used: ${proxy}, or say proxy: off here`
}

function isThisMachine(hostname: string): boolean {
  return isLoopbackHost(hostname) || (isIP(hostname) === 6 && /^::ffff:7f/i.test(hostname))
}
