import { needsLogin } from '../config/check-logins.ts'
import type { Config } from '../config/config.ts'
import { proxyOf } from '../config/egress-proxy.ts'
import type { Place, ProxyChoice } from '../config/egress-proxy.ts'
import { loadConfig } from '../config/load-config.ts'
import { ConfigError } from '../config/problem.ts'
import { formatAddress } from '../config/schema/listen.ts'
import { shownUpstream } from '../config/schema/upstream.ts'
import type { UpstreamTemplate } from '../config/schema/upstream.ts'
import { placeOf, shownEndpoint } from '../config/schema/url.ts'
import { callerNames, callersInWords } from './callers-in-words.ts'
import { UsageError } from './command.ts'
import type { Command, CommandContext, CommandOptions } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { timeoutOf } from './timeout-option.ts'

/** More than a token request may take unless the configuration says otherwise: what it says itself of being late says more. */
const usualTimeout = '12s'

/** Of `bearerd check --online`, and of `bearerd doctor`, which is the same. */
export const onlineOptions: CommandOptions = {
  timeout: { type: 'string', value: 'DURATION', help: `how long each check may take (default ${usualTimeout})` },
  json: { type: 'boolean', help: 'print the result as JSON' },
}

/** `bearerd check` */
export const check: Command = {
  name: 'check',
  usage: 'bearerd check [-c FILE] [--json] [--online [CREDENTIAL...] [--timeout DURATION]]',
  options: {
    ...configOption,
    online: { type: 'boolean', help: 'try it, too: names, connections, TLS, a token request of each credential' },
    ...onlineOptions,
  },
  details:
    'Prints every problem as FILE:LINE:COLUMN: KEY: PROBLEM; REMEDY [CODE] and exits 1 ("bearerd errors CODE" says more of it),\n' +
    'or prints the routes and who may call and exits 0. Opens no connection, unless --online is said: then it does what\n' +
    '"bearerd doctor --help" explains.\n\n' +
    '  bearerd check -c proxy.config.yaml\n' +
    '  bearerd check --online gett',
  repeatsLast: true,
  run: async (context) => {
    const file = configFileOf(context)
    const isJson = context.values['json'] === true
    const isOnline = context.values['online'] === true
    if (!isOnline) refuseOnlineArguments(context)
    const limitMs = timeoutOf(context, usualTimeout)
    try {
      const config = loadConfig(file, context.env)
      // Loaded when it is wanted: a check of a file should not pay for everything that a gateway is made of.
      if (isOnline) return await (await import('./doctor/check-online.ts')).checkOnline(config, limitMs, context)
      if (isJson) context.stdout(JSON.stringify({ valid: true, file, routes: rowsOf(config), callers: callerNames(config) }))
      else for (const line of summaryOf(config)) context.stdout(line)
      return 0
    } catch (error) {
      if (!isJson || !(error instanceof ConfigError)) throw error
      const problems = error.problems.map(({ code, line, column, path, problem, remedy }) => ({
        code,
        line,
        column,
        path,
        problem,
        remedy,
      }))
      context.stdout(JSON.stringify({ valid: false, file, problems }))
      return 1
    }
  },
}

/** @throws UsageError for what has no effect */
function refuseOnlineArguments({ positionals: [first], values }: CommandContext): void {
  if (first !== undefined)
    throw new UsageError(
      `unexpected argument ${JSON.stringify(first)}: the configuration is named with -c, credentials with --online`,
    )
  if (values['timeout'] !== undefined) throw new UsageError('--timeout has no effect without --online')
}

interface RouteRow {
  readonly path: string
  readonly upstream: string
  readonly credential: string | null
  readonly token_endpoint: string | null
  /** The egress proxies on the way to the upstream and to the token endpoint, without credentials. */
  readonly proxy: string | null
  readonly token_proxy: string | null
}

function rowsOf({ routes }: Config): RouteRow[] {
  return routes.map(({ label, upstream, credential, proxy }) => ({
    path: label,
    upstream: shownUpstream(upstream),
    credential: credential?.name ?? null,
    token_endpoint: credential?.token_endpoint === undefined ? null : shownEndpoint(credential.token_endpoint),
    proxy: shownProxy(proxy, upstream),
    token_proxy:
      credential?.token_endpoint === undefined
        ? null
        : shownProxy(credential.token_request.proxy, placeOf(credential.token_endpoint)),
  }))
}

/** Of an upstream that only the token knows, the proxy for https: some of its hosts may be exempt. */
function shownProxy(choice: ProxyChoice, upstream: Place | UpstreamTemplate): string | null {
  const proxy = 'template' in upstream ? choice.forTls : proxyOf(choice, upstream)
  return proxy?.shown ?? null
}

function summaryOf(config: Config): string[] {
  const { file, routes, credentials, listen, token_service } = config
  const logins = [...credentials.values()].filter(needsLogin)
  const rows = rowsOf(config).map(({ path, upstream, credential, token_endpoint, proxy, token_proxy }) => {
    const token =
      credential === null
        ? 'no token'
        : `token of ${credential} ${token_endpoint === null ? 'signed here' : `from ${token_endpoint}${through(token_proxy)}`}`
    return `  ${path} -> ${upstream}${through(proxy)}  (${token})`
  })
  return [
    `${file}: ${counted(routes.length, 'route')}, ${counted(credentials.size, 'credential')}, listening on ${formatAddress(listen)}`,
    ...rows,
    `  callers: ${callersInWords(config)}`,
    ...(token_service === undefined
      ? []
      : [`  tokens for other proxies on ${formatAddress(token_service.listen)}: ${callersInWords(token_service)}`]),
    ...logins.map(({ name }) => `  ${name} needs a person's consent, once: bearerd login ${name}`),
  ]
}

function through(proxy: string | null): string {
  return proxy === null ? '' : ` through ${proxy}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
