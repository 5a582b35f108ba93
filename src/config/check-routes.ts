import type { z } from 'zod'
import { checkTlsParts } from './check-tls.ts'
import { checkTokenUpstream } from './check-token-upstream.ts'
import type { Credential } from './config.ts'
import { isReservedField, reportRepeated } from './field-names.ts'
import { isGroup, valueAt } from './groups.ts'
import { isLoopbackHost } from './loopback.ts'
import type { Reading } from './read-group.ts'
import { reportBelow } from './report.ts'
import type { Report } from './report.ts'
import type { routeSchema } from './schema/route.ts'
import { isUpstreamTemplate } from './schema/upstream.ts'
import type { UpstreamTemplate } from './schema/upstream.ts'
import type { UpstreamUrl } from './schema/url.ts'

/** A route as far as it could be read, with what its credential's preset says of routes. */
export interface RouteReading extends Reading<z.output<ReturnType<typeof routeSchema>>> {
  /** What the user wrote, without the preset: only that can be without effect. */
  readonly written: unknown
  /** The credential that it uses, when that has no problems. */
  readonly credential: Credential | undefined
}

/** Checks what concerns more than one key of a route, and the credential that it uses. */
export function checkRoute(reading: RouteReading, report: Report): void {
  const { upstream } = reading.known
  if (upstream !== undefined && isUpstreamTemplate(upstream)) checkTokenUpstream(reading, upstream, report)
  else checkTransport(reading, upstream, report)
  checkConnection(reading, upstream, report)
  checkFields(reading, report)
  checkQuery(reading, report)
}

function checkTransport(
  { known: { insecure_http }, whole, written }: RouteReading,
  upstream: UpstreamUrl | undefined,
  report: Report,
): void {
  if (upstream === undefined) return
  const isExposed = !upstream.isTls && !isLoopbackHost(upstream.hostname)
  if (isExposed && insecure_http === false) {
    report(
      'clear_text',
      ['upstream'],
      'the token would cross the network in clear text; use https, or say insecure_http: true on this route',
    )
  }
  if (valueAt(written, ['allowed_hosts']) !== undefined)
    report('no_effect', ['allowed_hosts'], 'has no effect: the upstream is on the host that it names; remove it', 'key')
  if (whole !== undefined && !isExposed && insecure_http === true)
    report('no_effect', ['insecure_http'], 'has no effect: the upstream needs no such permission; remove it')
}

/** TLS to the upstream, and the proxy on the way. */
function checkConnection(
  { known: { tls, proxy, http2 }, written }: RouteReading,
  upstream: UpstreamUrl | UpstreamTemplate | undefined,
  report: Report,
): void {
  checkTlsParts(tls ?? {}, reportBelow(['tls'], report))
  if (upstream === undefined) return
  const isFixed = !isUpstreamTemplate(upstream)
  if (tls !== undefined && isFixed && !upstream.isTls)
    report('no_effect', ['tls'], 'has no effect: the upstream is not https; remove it', 'key')
  if (http2 === true && isFixed && !upstream.isTls)
    report('conflicting_keys', ['http2'], 'HTTP/2 is agreed on in TLS, and the upstream is not https; use https, or remove it')
  const isLoopback = isFixed && isLoopbackHost(upstream.hostname)
  if (proxy?.problem !== undefined && !isLoopback) report('unusable_proxy', [], proxy.problem)
  if (isLoopback && valueAt(written, ['proxy']) === 'off')
    report('no_effect', ['proxy'], 'has no effect: the environment has no say in an upstream on this machine; remove it', 'key')
}

function checkFields({ known: { headers }, credential }: RouteReading, report: Report): void {
  if (headers === undefined) return
  const set = Object.keys(headers.set)
  const injected = (credential?.inject ?? []).map((target) => ('header' in target ? target.header.toLowerCase() : ''))
  const identityFields = credential?.identityFields ?? []
  for (const name of set) {
    if (identityFields.includes(name.toLowerCase())) {
      report(
        'reserved_name',
        ['headers', 'set', name],
        `the credential ${credential?.name} takes this field from the caller, and it does not go upstream; remove it here`,
      )
    }
    if (isReservedField(name))
      report('reserved_name', ['headers', 'set', name], 'this field belongs to the connection or its framing; remove it')
    if (injected.includes(name.toLowerCase()))
      report('reserved_name', ['headers', 'set', name], `the credential ${credential?.name} sets this field; remove it here`)
  }
  reportRepeated(set, (name) =>
    report('duplicate_key', ['headers', 'set', name], 'this field is set already, in another spelling; keep one of them', 'key'),
  )
  for (const [index, name] of headers.remove.entries()) {
    if (isReservedField(name))
      report('reserved_name', ['headers', 'remove', index], 'the gateway makes this field itself; remove it from the list')
    else if (identityFields.includes(name.toLowerCase())) {
      report(
        'no_effect',
        ['headers', 'remove', index],
        `the credential ${credential?.name} keeps this field from going upstream anyway; remove it from the list`,
      )
    } else if (set.some((other) => other.toLowerCase() === name.toLowerCase())) {
      report('no_effect', ['headers', 'remove', index], 'headers.set replaces this field anyway; remove it from the list')
    }
  }
}

function checkQuery({ known: { query }, credential }: RouteReading, report: Report): void {
  const injected = (credential?.inject ?? []).map((target) => ('query' in target ? target.query : undefined))
  for (const name of Object.keys(query?.set ?? {})) {
    if (injected.includes(name))
      report('reserved_name', ['query', 'set', name], `the credential ${credential?.name} sets this parameter; remove it here`)
  }
}

/** Checks that no two routes answer for the same place: the second would never be reached. */
export function checkRoutesTogether(entries: readonly unknown[], report: Report): void {
  const seen = new Map<string, number>()
  for (const [index, entry] of entries.entries()) {
    if (!isGroup(entry) || typeof entry['path'] !== 'string') continue
    const host = typeof entry['host'] === 'string' ? entry['host'].toLowerCase() : ''
    const place = `${host}${entry['path'].replace(/\/+$/, '')}`
    const first = seen.get(place)
    if (first === undefined) seen.set(place, index)
    else report('not_unique', ['routes', index, 'path'], `routes[${first}] has this path already; remove one of them`)
  }
}
