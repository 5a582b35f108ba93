import type { z } from 'zod'
import type { Route } from './config.ts'
import type { Report } from './load-config.ts'
import { isReservedField } from './reserved-fields.ts'
import type { gatewaySchema } from './schema/gateway.ts'
import { isLoopbackHost } from './loopback.ts'
import type { Path } from './yaml-document.ts'

/** Checks what concerns more than one key at the top level. */
export function checkGateway({ listen, callers, admin }: z.output<typeof gatewaySchema>, report: Report): void {
  if (!listen.isLoopback && callers === undefined) {
    report(['listen'], 'every machine that reaches this address could use the tokens; listen on 127.0.0.1, or say callers: anyone')
  }
  const sharesPort = listen.port !== 0 && listen.port === admin.listen.port
  const sharesHost = listen.host === admin.listen.host || listen.host === '' || admin.listen.host === ''
  if (sharesPort && sharesHost) {
    report(['admin', 'listen'], 'the admin interface cannot share the address of the gateway; choose another port, such as 9090')
  }
}

/** Checks what concerns more than one key of a route, and the credential that it uses. */
export function checkRoute(route: Route, path: Path, report: Report): void {
  const { upstream, credential, headers, query, insecure_http } = route
  const isExposed = !upstream.isTls && !isLoopbackHost(upstream.hostname)
  if (isExposed && !insecure_http) {
    report([...path, 'upstream'], 'the token would cross the network in clear text; use https, or say insecure_http: true on this route')
  }
  if (!isExposed && insecure_http) report([...path, 'insecure_http'], 'has no effect: the upstream needs no such permission; remove it')

  const injected = (credential?.inject ?? []).map((target) => ('header' in target ? target.header.toLowerCase() : ''))
  for (const name of Object.keys(headers.set)) {
    if (isReservedField(name)) report([...path, 'headers', 'set', name], 'this field belongs to the connection or its framing; remove it')
    if (injected.includes(name.toLowerCase())) {
      report([...path, 'headers', 'set', name], `the credential ${credential?.name} sets this field; remove it here`)
    }
  }
  const queried = (credential?.inject ?? []).map((target) => ('query' in target ? target.query : undefined))
  for (const name of Object.keys(query.set)) {
    if (queried.includes(name)) report([...path, 'query', 'set', name], `the credential ${credential?.name} sets this parameter; remove it here`)
  }
  for (const [index, name] of headers.remove.entries()) {
    if (isReservedField(name)) report([...path, 'headers', 'remove', index], 'the gateway makes this field itself; remove it from the list')
  }
}

/** Checks that no two routes answer for the same place: the second would never be reached. */
export function checkRoutesTogether(entries: readonly unknown[], report: Report): void {
  const seen = new Map<string, number>()
  for (const [index, entry] of entries.entries()) {
    if (typeof entry !== 'object' || entry === null || !('path' in entry) || typeof entry.path !== 'string') continue
    const host = 'host' in entry && typeof entry.host === 'string' ? entry.host.toLowerCase() : ''
    const place = `${host}${entry.path.replace(/\/+$/, '')}`
    const first = seen.get(place)
    if (first === undefined) seen.set(place, index)
    else report(['routes', index, 'path'], `routes[${first}] has this path already; remove one of them`)
  }
}
