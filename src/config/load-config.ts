import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { checkCredential } from './check-credential.ts'
import { checkGateway, checkRoute, checkRoutesTogether } from './check-routes.ts'
import type { Config, Credential, Route } from './config.ts'
import type { Preset } from './presets.ts'
import { presetNames, readPreset } from './presets.ts'
import type { ConfigProblem } from './problem.ts'
import { ConfigError, formatPath, suggest } from './problem.ts'
import { issuesOf } from './schema-issues.ts'
import { credentialSchema } from './schema/credential.ts'
import { gatewaySchema } from './schema/gateway.ts'
import { routeSchema } from './schema/route.ts'
import type { Path, YamlDocument } from './yaml-document.ts'
import { readYaml } from './yaml-document.ts'

// A configuration is read once: compiling the schemas to code first would cost more time at start than it saves.
z.config({ jitless: true })

/** Reports a problem at a place of the configuration. The message has the form `problem; remedy`. */
export type Report = (path: Path, message: string, part?: 'key' | 'value') => void

/**
 * Reads, completes and checks a configuration file.
 * @param file path of the YAML file
 * @param env the environment, for `${NAME}` and `{env: NAME}`
 * @returns the frozen configuration, every default filled in
 * @throws ConfigError with every problem of the file at once
 */
export function loadConfig(file: string, env: Readonly<NodeJS.ProcessEnv>): Config {
  return parseConfig(file, readConfigFile(file), env)
}

/**
 * As `loadConfig`, for a text that is already in memory (the demo's).
 * @param file the name shown in problems
 */
export function parseConfig(file: string, text: string, env: Readonly<NodeJS.ProcessEnv>): Config {
  const document = readYaml(file, text, env)
  const problems: ConfigProblem[] = [...document.problems]
  const report: Report = (path, message, part = 'value') => {
    if (document.isBroken(path)) return
    const [problem = message, remedy = 'see the documentation'] = splitMessage(message)
    problems.push({ file, ...document.placeOf(path, part), path: formatPath(path), problem, remedy })
  }

  if (document.value === undefined || document.value === null) {
    if (problems.length === 0) report([], 'the file is empty; start from proxy.config.yaml')
    throw new ConfigError(problems)
  }
  const gateway = parse(gatewaySchema, document.value, [], document, report)
  const entries = entriesOf(document.value)
  const credentials = readCredentials(entries.credentials, env, document, report)
  const routes = readRoutes(entries.routes, credentials, document, report)
  if (gateway !== undefined) checkGateway(gateway, report)
  checkRoutesTogether(entries.routes, report)
  if (problems.length > 0 || gateway === undefined) throw new ConfigError(problems)

  const known = new Map<string, Credential>()
  for (const [name, { credential }] of credentials) if (credential !== undefined) known.set(name, credential)
  return deepFreeze({ ...gateway, file, credentials: known, routes })
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const problem = code === 'ENOENT' ? 'there is no such file' : `the file cannot be read (${code ?? 'unknown reason'})`
    const remedy = 'name a configuration with -c FILE or BEARERD_CONFIG, or start from proxy.config.yaml'
    throw new ConfigError([{ file, line: 0, column: 0, path: '', problem, remedy }])
  }
}

interface CredentialEntry {
  /** Undefined when it has problems, which are reported already. */
  readonly credential: Credential | undefined
  readonly upstream: string | undefined
}

function readCredentials(
  entries: Readonly<Record<string, unknown>>,
  env: Readonly<NodeJS.ProcessEnv>,
  document: YamlDocument,
  report: Report,
): ReadonlyMap<string, CredentialEntry> {
  const schema = credentialSchema(env)
  return new Map(
    Object.entries(entries).map(([name, entry]) => {
      const path = ['credentials', name]
      const { preset, upstream, environment } = presetOf(entry, path, report)
      const merged = preset === undefined ? entry : merge(merge(preset.defaults, environment), entry)
      const parsed = parse(schema, merged, path, document, report)
      const credential = parsed && { ...parsed, name }
      if (credential !== undefined) checkCredential(credential, entry, path, report)
      return [name, { credential, upstream }]
    }),
  )
}

/** Finds the preset and environment that an entry names; a wrong name is reported and the entry read without one. */
function presetOf(
  entry: unknown,
  path: Path,
  report: Report,
): { preset?: Preset; upstream: string | undefined; environment: Readonly<Record<string, unknown>> } {
  const none = { upstream: undefined, environment: {} }
  if (!isGroup(entry)) return none
  const { provider, environment } = entry
  if (typeof provider !== 'string') {
    if (environment !== undefined) report([...path, 'environment'], 'has no effect without a provider; remove it or name a provider')
    return none
  }
  if (!presetNames().includes(provider)) {
    report([...path, 'provider'], `there is no preset of this name; ${suggest(provider, presetNames())}`)
    return none
  }
  const preset = readPreset(provider)
  const production = { preset, upstream: preset.upstream, environment: {} }
  if (typeof environment !== 'string' || environment === 'production') return production
  const hosts = Object.hasOwn(preset.environments, environment) ? preset.environments[environment] : undefined
  if (hosts === undefined) {
    const known = ['production', ...Object.keys(preset.environments)]
    report([...path, 'environment'], `the preset ${provider} has no such environment; ${suggest(environment, known)}`)
    return production
  }
  const { upstream = preset.upstream, ...keys } = hosts
  return { preset, upstream, environment: keys }
}

function readRoutes(
  entries: readonly unknown[],
  credentials: ReadonlyMap<string, CredentialEntry>,
  document: YamlDocument,
  report: Report,
): Route[] {
  const routes: Route[] = []
  for (const [index, entry] of entries.entries()) {
    const path = ['routes', index]
    const name = isGroup(entry) && typeof entry['credential'] === 'string' ? entry['credential'] : undefined
    const used = name === undefined ? undefined : credentials.get(name)
    if (name !== undefined && used === undefined) {
      report([...path, 'credential'], `there is no credential of this name; ${suggest(name, [...credentials.keys()])}`)
    }
    const defaults = used?.upstream === undefined ? {} : { upstream: used.upstream }
    const parsed = parse(routeSchema, isGroup(entry) ? { ...defaults, ...entry } : entry, path, document, report)
    if (parsed === undefined) continue
    const label = `${parsed.host ?? ''}${parsed.path === '' ? '/' : parsed.path}`
    const route: Route = { ...parsed, label, credential: used?.credential }
    checkRoute(route, path, report)
    routes.push(route)
  }
  return routes
}

function parse<Output>(
  schema: { safeParse(value: unknown): { success: boolean; data?: Output; error?: Parameters<typeof issuesOf>[0] } },
  value: unknown,
  path: Path,
  document: YamlDocument,
  report: Report,
): Output | undefined {
  const { success, data, error } = schema.safeParse(value)
  if (success) return data
  for (const issue of error === undefined ? [] : issuesOf(error, value)) {
    if (!document.isBroken([...path, ...issue.path])) report([...path, ...issue.path], issue.message, issue.part)
  }
  return undefined
}

function entriesOf(value: unknown): { credentials: Readonly<Record<string, unknown>>; routes: readonly unknown[] } {
  const { credentials, routes } = isGroup(value) ? value : {}
  return { credentials: isGroup(credentials) ? credentials : {}, routes: Array.isArray(routes) ? routes : [] }
}

/** Replaced as a whole, because half of one and half of another means nothing. */
const indivisible = new Set(['inject', 'token_requests'])

/** Lays `upper` over `lower`, group by group; neither is changed. */
function merge(lower: unknown, upper: unknown): unknown {
  if (!isGroup(lower) || !isGroup(upper)) return upper === undefined ? lower : upper
  const merged: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(upper)) {
    merged[key] = indivisible.has(key) ? value : merge(lower[key], value)
  }
  return merged
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function splitMessage(message: string): string[] {
  const at = message.indexOf('; ')
  return at < 0 ? [message] : [message.slice(0, at), message.slice(at + 2)]
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  if (value instanceof Map) for (const inner of value.values()) deepFreeze(inner)
  return value
}
