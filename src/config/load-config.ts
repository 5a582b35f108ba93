import { checkCallers } from './check-callers.ts'
import { checkGateway } from './check-gateway.ts'
import { checkLogins } from './check-logins.ts'
import { checkRevocationAmongReplicas } from './check-revocation.ts'
import { checkWorkers } from './check-workers.ts'
import type { Config, Credential } from './config.ts'
import { readConfigText } from './config-text.ts'
import { FrozenMap } from './frozen-map.ts'
import { isGroup } from './groups.ts'
import type { ConfigProblem } from './problem.ts'
import { ConfigError, formatPath, problemAt } from './problem.ts'
import { readCredentials } from './read-credentials.ts'
import type { CredentialEntry } from './read-credentials.ts'
import { readGroup } from './read-group.ts'
import { readRoutes } from './read-routes.ts'
import type { Report } from './report.ts'
import { gatewaySchema } from './schema/gateway.ts'
import { Secret } from './secret.ts'
import { readYaml } from './yaml-document.ts'

/**
 * Reads, completes and checks a configuration file.
 * @param file path of the YAML file
 * @param env the environment, for `${NAME}` and `{env: NAME}`
 * @returns the frozen configuration, every default filled in
 * @throws ConfigError with every problem of the file at once
 */
export function loadConfig(file: string, env: Readonly<NodeJS.ProcessEnv>): Config {
  return parseConfig(file, readConfigText(file), env)
}

/**
 * As `loadConfig`, for a text that is already in memory (the demo's).
 * @param file the name shown in problems
 */
export function parseConfig(file: string, text: string, env: Readonly<NodeJS.ProcessEnv>): Config {
  const document = readYaml(file, text, env)
  const problems: ConfigProblem[] = [...document.problems]
  const report: Report = (code, path, message, part = 'value') => {
    problems.push(problemAt(code, file, document.placeOf(path, part), formatPath(path), message))
  }
  const { value } = document
  if (value === undefined || value === null) {
    if (problems.length === 0) report('empty_configuration', [], 'the file is empty; start from proxy.config.yaml')
    throw new ConfigError(problems)
  }

  const { whole, known, isAbsent } = readGroup(gatewaySchema(env), value, report)
  checkGateway(known, isAbsent('callers'), report)
  const { credentials: credentialEntries = {}, routes: routeEntries } = isGroup(value) ? value : {}
  const credentials = isGroup(credentialEntries) ? readCredentials(credentialEntries, env, report) : undefined
  const complete = [...completeOf(credentials)].map(([, credential]) => credential)
  checkLogins(complete, known.token_store, report)
  checkRevocationAmongReplicas(complete, known.token_store, report)
  const writtenRoutes = Array.isArray(routeEntries) ? routeEntries : []
  const routes = readRoutes(writtenRoutes, credentials, env, report)
  const allRoutes = routes.length === writtenRoutes.length ? routes : undefined
  if (known.routes?.length === 0 && isAbsent('token_service'))
    report('required_key', ['routes'], 'there are no routes; name at least one path, or write a token_service')
  const isTlsWrong = known.tls === undefined && !isAbsent('tls')
  checkCallers(known, { routes: allRoutes, credentials: credentials && knownByName(credentials), isTlsWrong }, report)
  checkWorkers(known, allRoutes ?? [], report)
  if (problems.length > 0 || whole === undefined) throw new ConfigError(problems)

  return deepFreeze({ ...whole, file, text: Secret.of(text), credentials: new FrozenMap(completeOf(credentials)), routes })
}

function knownByName(entries: ReadonlyMap<string, CredentialEntry>): ReadonlyMap<string, Credential | undefined> {
  return new Map([...entries].map(([name, { credential }]) => [name, credential]))
}

function* completeOf(entries: ReadonlyMap<string, CredentialEntry> = new Map()): Iterable<[string, Credential]> {
  for (const [name, { credential }] of entries) if (credential !== undefined) yield [name, deepFreeze(credential)]
}

function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  Object.freeze(value)
  for (const inner of Object.values(value)) deepFreeze(inner)
  return value
}
