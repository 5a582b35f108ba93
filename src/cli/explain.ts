import { METHODS } from 'node:http'
import { loadConfig } from '../config/load-config.ts'
import { suggest } from '../config/problem.ts'
import { shownEndpoint } from '../config/schema/url.ts'
import { explainRequest } from '../proxy/explain-request.ts'
import type { AskedRequest, Explanation, ForwardedRequest } from '../proxy/explain-request.ts'
import { createSilentLog } from '../telemetry/log.ts'
import { UsageError } from './command.ts'
import type { Command, CommandContext } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'

/** `bearerd explain` */
export const explain: Command = {
  name: 'explain',
  usage: 'bearerd explain METHOD PATH [-c FILE] [--host HOST] [--json]',
  options: {
    ...configOption,
    host: { type: 'string', value: 'HOST', help: 'the Host of the request (default: localhost)' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  details:
    'Says which route a request would take and why no other, where it would go and what it would carry, and exits 0; or what\n' +
    'the gateway would refuse it with, and exits 1. Opens no connection; secrets are masked. PATH may hold a query, or be a\n' +
    'whole URL of the gateway:\n\n' +
    '  bearerd explain POST /gett/v1/orders\n' +
    "  bearerd explain GET 'http://localhost:8080/uber/v1/trips?limit=5'",
  maxPositionals: 2,
  completes: () => [commonMethods],
  run: async (context) => {
    const asked = askedRequest(context)
    const config = loadConfig(configFileOf(context), context.env)
    const explanation = explainRequest(config, asked, createSilentLog())
    if (context.values['json'] === true) context.stdout(JSON.stringify(rowOf(asked, explanation)))
    else for (const line of linesOf(asked, explanation)) context.stdout(line)
    return explanation.refusal === undefined ? 0 : 1
  },
}

/** @throws UsageError */
function askedRequest({ positionals, values }: CommandContext): AskedRequest {
  const [method, path] = positionals
  if (method === undefined || path === undefined)
    throw new UsageError('say which method and path; for example GET /gett/v1/orders')
  // Anything else never gets past the parser; CONNECT names no path.
  if (!METHODS.includes(method) || method === 'CONNECT')
    throw new UsageError(`${JSON.stringify(method)} is not a method here; ${suggest(method, commonMethods)}`)
  const [, authority, rest] = /^https?:\/\/([^/?]+)(.*)$/is.exec(path) ?? []
  const host = typeof values['host'] === 'string' ? values['host'] : authority
  // As programs send it that are given the URL.
  const target = rest === undefined ? path : rest.startsWith('/') ? rest : `/${rest}`
  return { method, target, host }
}

const commonMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

function rowOf({ method, target }: AskedRequest, { routes, refusal, isForTheGateway, forwarded }: Explanation): unknown {
  return {
    method,
    target,
    forwarded: forwarded !== undefined,
    answered_here: isForTheGateway,
    route: routes.find(({ miss }) => miss === undefined)?.route.label ?? null,
    other_routes: routes.flatMap(({ route, miss }) => (miss === undefined ? [] : [{ route: route.label, why: miss }])),
    url: forwarded?.url ?? null,
    credential: forwarded?.credential?.name ?? null,
    token_endpoint: forwarded === undefined ? null : (tokenEndpointOf(forwarded) ?? null),
    identity_fields: forwarded?.identityFields ?? [],
    set: pairsOf(forwarded?.set ?? []).map(([name, value]) => ({ name, value })),
    removed: forwarded?.removed ?? [],
    callers: forwarded?.callers ?? null,
    error: refusal === undefined ? null : { code: refusal.code, status: refusal.status, detail: refusal.message },
  }
}

function* linesOf({ method, target }: AskedRequest, explanation: Explanation): Iterable<string> {
  const { routes, refusal, isForTheGateway, forwarded } = explanation
  const found = routes.find(({ miss }) => miss === undefined)
  yield `${method} ${target}`
  if (found !== undefined) yield row('route', found.route.label)
  for (const { route, miss } of routes) if (miss !== undefined) yield row('not', `${route.label}: ${missWords[miss]}`)
  if (refusal !== undefined) yield row('refused', `${refusal.status} ${refusal.code}: ${refusal.message}`)
  if (isForTheGateway) yield row('answer', '204 from the gateway itself; nothing is forwarded')
  if (forwarded === undefined) return
  yield row('upstream', forwarded.url)
  yield row('token', tokenWords(forwarded))
  for (const [name, value] of pairsOf(forwarded.set)) yield row('sets', `${name}: ${value}`)
  yield row('removes', forwarded.removed.join(', '))
  yield row('callers', forwarded.callers?.join(', ') ?? 'anyone')
}

const missWords = {
  host: 'it is for another host',
  path: 'the path is not below it',
  later: 'the path is below it, but the route above is more exact',
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(8)}  ${text}`
}

function tokenWords(forwarded: ForwardedRequest): string {
  const { credential, identityFields } = forwarded
  if (credential === undefined) return 'none: the route has no credential'
  const endpoint = tokenEndpointOf(forwarded)
  const source = endpoint === undefined ? 'signed here' : `from ${endpoint}`
  const whose = identityFields.length === 0 ? '' : `, one for each value of ${identityFields.join(', ')} in the request`
  return `of ${credential.name}, ${source}${whose}`
}

function tokenEndpointOf({ credential }: ForwardedRequest): string | undefined {
  return credential?.token_endpoint === undefined ? undefined : shownEndpoint(credential.token_endpoint)
}

function pairsOf(fields: readonly string[]): [name: string, value: string][] {
  return fields.flatMap((name, index) => (index % 2 === 0 ? [[name, fields[index + 1] ?? '']] : []))
}
