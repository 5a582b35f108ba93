import { METHODS } from 'node:http'
import { suggest } from '../config/problem.ts'
import { shownEndpoint } from '../config/schema/url.ts'
import type { AskedRequest, Explanation, ForwardedRequest } from './explain-request.ts'
import type { RouteMiss } from './routing/route-table.ts'

/** What would become of a request, as JSON has it. Nothing in it is secret. */
export interface ExplanationFacts {
  readonly method: string
  readonly target: string
  readonly forwarded: boolean
  /** The gateway would answer it itself. */
  readonly answered_here: boolean
  readonly route: string | null
  readonly other_routes: readonly { readonly route: string; readonly why: RouteMiss }[]
  readonly url: string | null
  readonly credential: string | null
  /** Without its query; null also where the tokens are signed here. */
  readonly token_endpoint: string | null
  readonly identity_fields: readonly string[]
  readonly set: readonly { readonly name: string; readonly value: string }[]
  readonly removed: readonly string[]
  readonly callers: readonly string[] | null
  readonly error: { readonly code: string; readonly status: number; readonly detail: string } | null
}

/**
 * The request that somebody asks about.
 * @param path may hold a query, or be a whole URL of the gateway
 * @param host for Host; undefined for that of the URL, or the name of this machine
 * @returns what is wrong, for people, when there is no such request
 */
export function askedRequest(method: string, path: string, host?: string): AskedRequest | string {
  // Anything else never gets past the parser; CONNECT names no path.
  if (!METHODS.includes(method) || method === 'CONNECT')
    return `${JSON.stringify(method)} is not a method here; ${suggest(method, commonMethods)}`
  const [, authority, rest] = /^https?:\/\/([^/?]+)(.*)$/is.exec(path) ?? []
  // As programs send it that are given the URL.
  const target = rest === undefined ? path : rest.startsWith('/') ? rest : `/${rest}`
  return { method, target, host: host ?? authority }
}

/** Those that people mean. */
export const commonMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Why a route is not that of a request, in words. */
export const missWords: Readonly<Record<RouteMiss, string>> = {
  host: 'it is for another host',
  path: 'the path is not below it',
  later: 'the path is below it, but the route above is more exact',
}

/** What of an explanation can be told to anybody who may see the configuration. */
export function explanationFacts({ method, target }: AskedRequest, explanation: Explanation): ExplanationFacts {
  const { routes, refusal, isForTheGateway, forwarded } = explanation
  return {
    method,
    target,
    forwarded: forwarded !== undefined,
    answered_here: isForTheGateway,
    route: routes.find(({ miss }) => miss === undefined)?.route.label ?? null,
    other_routes: routes.flatMap(({ route, miss }) => (miss === undefined ? [] : [{ route: route.label, why: miss }])),
    url: forwarded?.url ?? null,
    credential: forwarded?.credential?.name ?? null,
    token_endpoint: tokenEndpointOf(forwarded) ?? null,
    identity_fields: forwarded?.identityFields ?? [],
    set: pairsOf(forwarded?.set ?? []),
    removed: forwarded?.removed ?? [],
    callers: forwarded?.callers ?? null,
    error: refusal === undefined ? null : { code: refusal.code, status: refusal.status, detail: refusal.message },
  }
}

function tokenEndpointOf(forwarded: ForwardedRequest | undefined): string | undefined {
  const endpoint = forwarded?.credential?.token_endpoint
  return endpoint === undefined ? undefined : shownEndpoint(endpoint)
}

function pairsOf(fields: readonly string[]): { name: string; value: string }[] {
  return fields.flatMap((name, index) => (index % 2 === 0 ? [{ name, value: fields[index + 1] ?? '' }] : []))
}
