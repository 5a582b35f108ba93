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
 * Reads `routes`, each with what its credential's preset says of routes laid under it.
 * @param entries what stands in the file
 * @param credentials by name; undefined when they cannot be told
 * @param env the environment, for `{env: NAME}` and proxies
 * @returns those without problems
 */
export function readRoutes(
  entries: readonly unknown[],
  credentials: ReadonlyMap<string, CredentialEntry> | undefined,
  env: Readonly<NodeJS.ProcessEnv>,
  report: Report,
): Route[] {
  const routes = entries.map((entry, index) => readRoute(entry, credentials, env, reportBelow(['routes', index], report)))
  checkRoutesTogether(entries, report)
  return routes.filter((route) => route !== undefined)
}

function readRoute(
  entry: unknown,
  credentials: ReadonlyMap<string, CredentialEntry> | undefined,
  env: Readonly<NodeJS.ProcessEnv>,
  report: Report,
): Route | undefined {
  const name = isGroup(entry) ? entry['credential'] : undefined
  const used = typeof name === 'string' ? credentials?.get(name) : undefined
  if (typeof name === 'string' && used === undefined && credentials !== undefined) {
    report('unknown_name', ['credential'], `there is no credential of this name; ${suggest(name, [...credentials.keys()])}`)
  }
  // Without knowing the credential and its preset there is no telling whether there is an upstream.
  const isUpstreamUnknown = name !== undefined && (used?.isPresetUnknown ?? true)
  const value = isGroup(entry) ? { ...used?.ofRoutes, ...entry } : entry
  const reading = readGroup(routeSchema(env), value, report, (key) => key === 'upstream' && isUpstreamUnknown)
  const isAbsent: typeof reading.isAbsent = (key) => !isUpstreamUnknown && reading.isAbsent(key)
  checkRoute({ ...reading, isAbsent, written: entry, credential: used?.credential }, report)
  const { whole } = reading
  if (whole === undefined) return undefined
  return { ...whole, label: `${whole.host ?? ''}${whole.path === '' ? '/' : whole.path}`, credential: used?.credential }
}
