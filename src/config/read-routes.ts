import { checkRoute, checkRoutesTogether } from './check-routes.ts'
import type { Route } from './config.ts'
import { isGroup } from './groups.ts'
import { suggest } from './problem.ts'
import type { CredentialEntry } from './read-credentials.ts'
import { readGroup } from './read-group.ts'
import { reportBelow } from './report.ts'
import type { Report } from './report.ts'
import { routeSchema } from './schema/route.ts'

/**
 * Reads `routes`, each with the upstream of its credential's preset laid under it.
 * @param entries what stands in the file
 * @param credentials by name; undefined when they cannot be told
 * @returns those without problems
 */
export function readRoutes(
  entries: readonly unknown[],
  credentials: ReadonlyMap<string, CredentialEntry> | undefined,
  report: Report,
): Route[] {
  const routes = entries.map((entry, index) => readRoute(entry, credentials, reportBelow(['routes', index], report)))
  checkRoutesTogether(entries, report)
  return routes.filter((route) => route !== undefined)
}

function readRoute(
  entry: unknown,
  credentials: ReadonlyMap<string, CredentialEntry> | undefined,
  report: Report,
): Route | undefined {
  const name = isGroup(entry) ? entry['credential'] : undefined
  const used = typeof name === 'string' ? credentials?.get(name) : undefined
  if (typeof name === 'string' && used === undefined && credentials !== undefined) {
    report(['credential'], `there is no credential of this name; ${suggest(name, [...credentials.keys()])}`)
  }
  // Without knowing the credential and its preset there is no telling whether there is an upstream.
  const isUpstreamUnknown = name !== undefined && (used?.isPresetUnknown ?? true)
  const value = isGroup(entry) && used?.upstream !== undefined ? { upstream: used.upstream, ...entry } : entry
  const { whole, known } = readGroup(routeSchema, value, report, (key) => key === 'upstream' && isUpstreamUnknown)
  checkRoute({ known, isWhole: whole !== undefined, credential: used?.credential }, report)
  if (whole === undefined) return undefined
  return { ...whole, label: `${whole.host ?? ''}${whole.path === '' ? '/' : whole.path}`, credential: used?.credential }
}
