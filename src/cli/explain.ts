import { loadConfig } from '../config/load-config.ts'
import { explainRequest } from '../proxy/explain-request.ts'
import type { AskedRequest } from '../proxy/explain-request.ts'
import { askedRequest, commonMethods, explanationFacts, missWords } from '../proxy/explanation-facts.ts'
import type { ExplanationFacts } from '../proxy/explanation-facts.ts'
import { createSilentLog } from '../telemetry/log.ts'
import { UsageError } from './command.ts'
import type { Command, CommandContext } from './command.ts'
import { configFileOf, configOption } from './config-file.ts'
import { credentialState } from './credential-state.ts'

/** `bearerd explain` */
export const explain: Command = {
  name: 'explain',
  usage: 'bearerd explain METHOD PATH [-c FILE] [--host HOST] [--state] [--json]',
  options: {
    ...configOption,
    host: { type: 'string', value: 'HOST', help: 'the Host of the request (default: localhost)' },
    state: { type: 'boolean', help: 'ask the gateway that runs for the state of the token, too' },
    json: { type: 'boolean', help: 'print the result as JSON' },
  },
  details:
    'Says which route a request would take and why no other, where it would go and what it would carry, and exits 0; or what\n' +
    'the gateway would refuse it with, and exits 1. Opens no connection, but for --state; secrets are masked. PATH may hold a query, or be a\n' +
    'whole URL of the gateway:\n\n' +
    '  bearerd explain POST /gett/v1/orders\n' +
    "  bearerd explain GET 'http://localhost:8080/uber/v1/trips?limit=5'",
  maxPositionals: 2,
  completes: () => [commonMethods],
  run: async (context) => {
    const asked = askedIn(context)
    const config = loadConfig(configFileOf(context), context.env)
    const facts = explanationFacts(asked, explainRequest(config, asked, createSilentLog()))
    const asksState = context.values['state'] === true && facts.credential !== null
    const state = asksState ? await credentialState(config, facts.credential) : undefined
    if (context.values['json'] === true) context.stdout(JSON.stringify({ ...facts, ...(state !== undefined && { state }) }))
    else for (const line of linesOf(facts, state)) context.stdout(line)
    return facts.error === null ? 0 : 1
  },
}

/** @throws UsageError */
function askedIn({ positionals, values }: CommandContext): AskedRequest {
  const [method, path] = positionals
  if (method === undefined || path === undefined)
    throw new UsageError('say which method and path; for example GET /gett/v1/orders')
  const asked = askedRequest(method, path, typeof values['host'] === 'string' ? values['host'] : undefined)
  if (typeof asked === 'string') throw new UsageError(asked)
  return asked
}

/** @param state of the token, in words; undefined where nobody asked for it */
function* linesOf(facts: ExplanationFacts, state: string | undefined): Iterable<string> {
  const { method, target, route, other_routes, error, answered_here, forwarded, url, set, removed, callers } = facts
  yield `${method} ${target}`
  if (route !== null) yield row('route', route)
  for (const { route: other, why } of other_routes) yield row('not', `${other}: ${missWords[why]}`)
  if (error !== null) yield row('refused', `${error.status} ${error.code}: ${error.detail}`)
  if (answered_here) yield row('answer', '204 from the gateway itself; nothing is forwarded')
  if (!forwarded) return
  yield row('upstream', url ?? '')
  yield row('token', tokenWords(facts))
  if (state !== undefined) yield row('state', state)
  for (const { name, value } of set) yield row('sets', `${name}: ${value}`)
  yield row('removes', removed.join(', '))
  yield row('callers', callers?.join(', ') ?? 'anyone')
}

function row(name: string, text: string): string {
  return `  ${name.padEnd(8)}  ${text}`
}

function tokenWords({ credential, token_endpoint, identity_fields }: ExplanationFacts): string {
  if (credential === null) return 'none: the route has no credential'
  const source = token_endpoint === null ? 'signed here' : `from ${token_endpoint}`
  const whose = identity_fields.length === 0 ? '' : `, one for each value of ${identity_fields.join(', ')} in the request`
  return `of ${credential}, ${source}${whose}`
}
