import { z } from 'zod'
import { socketAddressOf } from './url.ts'
import type { UpstreamUrl } from './url.ts'

/** A host that an upstream with a template may resolve to. */
export interface AllowedHost {
  /** Lower case, as a URL has it, without brackets; behind the `*.` where there is one. */
  readonly hostname: string
  /** Undefined: the default port of the scheme. */
  readonly port: number | undefined
  /** Whether one label or more must stand in front of `hostname`. */
  readonly isWildcard: boolean
}

const example = 'write a host name such as login.example.com, *.api.example.com or api.example.com:8443'

/** A host name or an address; with `*.` in front its subdomains; with a port where that is not the default one. */
export const allowedHost = z
  .string({ error: `expected a host name; ${example}` })
  .transform((value, context): AllowedHost => {
    const allowed = parseAllowedHost(value)
    if (typeof allowed !== 'string') return allowed
    context.addIssue(allowed)
    return z.NEVER
  })
  .meta({ shown: ['*.api.example.com'] })

/** Whether the origin of an upstream is one of those allowed. Whole labels are compared, never parts of them. */
export function isAllowedHost(
  { hostname, port, isTls }: Pick<UpstreamUrl, 'hostname' | 'port' | 'isTls'>,
  allowed: readonly AllowedHost[],
): boolean {
  return allowed.some((host) => {
    if (port !== (host.port ?? (isTls ? 443 : 80))) return false
    if (!host.isWildcard) return hostname === host.hostname
    const end = `.${host.hostname}`
    return hostname.endsWith(end) && labels.test(hostname.slice(0, -end.length))
  })
}

/** A URL's host may have empty labels and worse; what stands for `*` may not. */
const labels = /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/

function parseAllowedHost(value: string): AllowedHost | string {
  if (/^\*(\.\*)*(:\d+)?$/.test(value)) return `any host at all would get the token; ${example}`
  const [, wildcard = '', name = '', port] = /^(\*\.)?([^\s*:/?#@\\[\]]+|\[[^\s*/?#@\\[\]]+\])(?::(\d+))?$/.exec(value) ?? []
  const isWildcard = wildcard !== ''
  // With a label in front of it, an IP address is no host at all.
  const url = URL.parse(`https://${isWildcard ? 'x.' : ''}${name}`)
  if (url?.hostname !== `${isWildcard ? 'x.' : ''}${name.toLowerCase()}` || /^\.|\.\.|\.$/.test(name)) {
    return `not a host name, or with more around it than a port; ${example}`
  }
  if (isWildcard && !name.includes('.')) return `far too many hosts would get the token; ${example}`
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535 || port.startsWith('0')))
    return 'not a port; write one from 1 to 65535 behind the colon'
  const { hostname } = socketAddressOf(url)
  return {
    hostname: isWildcard ? hostname.slice('x.'.length) : hostname,
    port: port === undefined ? undefined : Number(port),
    isWildcard,
  }
}
