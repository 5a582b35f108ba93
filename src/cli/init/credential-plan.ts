import { isDeepStrictEqual } from 'node:util'
import type { Group } from '../../config/groups.ts'
import { isGroup, valueAt } from '../../config/groups.ts'
import { isLoopbackHost } from '../../config/loopback.ts'
import { presetNeeds } from '../../config/preset-needs.ts'
import { presetSentences } from '../../config/preset-sentences.ts'
import type { Preset } from '../../config/presets.ts'
import type { CurlCall } from './curl-call.ts'
import { presetFor } from './known-preset.ts'
import type { KnownPreset } from './known-preset.ts'
import { recipeOf } from './recipe.ts'
import type { RecipeKeys } from './recipe.ts'
import { tokenCallOf } from './token-call.ts'
import { credentialNameFor, variablePrefix } from './names.ts'
import { WrittenValues } from './written-values.ts'

/** A credential and its route, as they are going to be written. Holds nothing secret: variables stand for that. */
export interface CredentialPlan {
  readonly name: string
  /** What it is, for people. */
  readonly title: string
  readonly keys: RecipeKeys
  /** What its user has to know, a line each. */
  readonly remarks: readonly string[]
  readonly path: string
  /** As it is written on the route; undefined where the preset has it. */
  readonly upstream: string | undefined
  /** For people: where its requests go. */
  readonly leadsTo: string
  readonly isUpstreamGuessed: boolean
  /** What differs from the call, and why. */
  readonly notes: readonly string[]
}

/** What somebody said of the credential besides. */
export interface PlanWishes {
  readonly path?: string | undefined
  readonly upstream?: string | undefined
  readonly environment?: string | undefined
  readonly tokenEndpoint?: string | undefined
}

/** The credential for a provider that has a preset. */
export function planForPreset(preset: Preset, wishes: PlanWishes): CredentialPlan {
  const values = new WrittenValues(variablePrefix(preset.name))
  const environment = wishes.environment === 'production' ? undefined : wishes.environment
  const given = { token_endpoint: wishes.tokenEndpoint }
  return planOn({ preset, environment, isTenants: false, upstream: undefined }, given, values, preset.name, wishes)
}

/**
 * The credential that asks for tokens as a call does.
 * @throws UsageError for a call that bearerd cannot make
 */
export function planForCall(call: CurlCall, wishes: PlanWishes): CredentialPlan {
  const { endpoint, notes } = encrypted(call.endpoint)
  const tokenCall = tokenCallOf({ ...call, endpoint })
  const known = presetFor(endpoint)
  const name = credentialNameFor(wishes.path, known?.preset.name, endpoint)
  const values = new WrittenValues(variablePrefix(name))
  if (known !== undefined) {
    const keys = recipeOf(tokenCall, values, name, (path) => templateAt(known.preset, path))
    return { ...planOn(known, beyond(keys, known), values, name, wishes), notes }
  }
  const keys = recipeOf(tokenCall, values, name)
  const origin = /^[a-z]+:\/\/[^/]*/.exec(String(keys['token_endpoint']))?.[0]
  const upstream = wishes.upstream ?? origin ?? values.variable('upstream', '<upstream>')
  return {
    name,
    title: 'Made from a call that asks for a token; docs/token-requests.md shows what else there is.',
    keys: difference(keys, standard),
    remarks: [],
    path: wishes.path ?? `/${name}`,
    upstream,
    leadsTo: upstream,
    isUpstreamGuessed: wishes.upstream === undefined && origin !== undefined,
    notes,
  }
}

function planOn(known: KnownPreset, given: RecipeKeys, values: WrittenValues, name: string, wishes: PlanWishes): CredentialPlan {
  const { preset, environment } = known
  const needs = presetNeeds(preset.name)
  let keys: Group = { provider: preset.name, ...(environment !== undefined && { environment }) }
  for (const path of ['token_endpoint', 'client_id', 'client_secret', ...needs.credential]) {
    const parts = path.split('.')
    const value = valueAt(given, parts) ?? (needs.credential.includes(path) ? neededValue(preset, path, values) : undefined)
    if (value !== undefined && valueAt(keys, parts) === undefined) keys = laid(keys, parts, value)
  }
  const theirs = needs.route.includes('upstream') ? upstreamOf(known, values) : undefined
  const upstream = wishes.upstream ?? theirs
  const hosts = preset.environments[environment ?? '']
  return {
    name,
    title: `${preset.title}: ${preset.documentation}`,
    keys: merged(keys, given),
    remarks: presetSentences(preset.name, /\brequired\b/),
    path: wishes.path ?? `/${name}`,
    upstream,
    leadsTo: upstream ?? hosts?.upstream ?? preset.upstream ?? '',
    isUpstreamGuessed: false,
    notes: [],
  }
}

function neededValue(preset: Preset, path: string, values: WrittenValues): string {
  const { token_endpoint: pattern } = preset.perTenant
  if (path === 'token_endpoint' && pattern !== undefined) return values.address(pattern)
  const name = path.split('.').at(-1) ?? path
  return values.variable(name, `<${name}>`)
}

function upstreamOf({ preset, isTenants, upstream }: KnownPreset, values: WrittenValues): string {
  const { upstream: pattern } = preset.perTenant
  const shown = isTenants ? upstream : pattern
  return shown === undefined ? values.variable('upstream', '<upstream>') : values.address(shown)
}

/** What a recipe has beyond the preset: a call may differ from what others do. */
function beyond(keys: RecipeKeys, { preset, isTenants }: KnownPreset): RecipeKeys {
  const { token_endpoint, token_request, ...others } = keys
  // How the halves of Basic are encoded is known better by the preset.
  const { basic_encoding: _, ...request } = isGroup(token_request) ? token_request : {}
  const own = { ...others, ...(isTenants && { token_endpoint }), token_request: request }
  const method = { token_endpoint_auth_method: 'client_secret_basic' }
  return difference(own, merged(merged(standard, method), preset.defaults))
}

/** What is so by default. */
const standard: Group = { grant_type: 'client_credentials', token_request: { method: 'POST', encoding: 'form' } }

/** The template that a preset has in a place of the token request. Names of fields are case-insensitive (RFC 9110 5.1). */
function templateAt({ defaults }: Preset, path: readonly string[]): unknown {
  const [group = '', name = '', ...inner] = path
  const there = valueAt(defaults['token_request'], [group])
  const key = isGroup(there)
    ? Object.keys(there).find((each) => each === name || (group === 'headers' && each.toLowerCase() === name.toLowerCase()))
    : undefined
  return key === undefined ? undefined : valueAt(there, [key, ...inner])
}

/** The keys of one group that another does not have, or has otherwise. */
function difference(upper: Group, lower: Group, isOfFields = false): Group {
  return Object.fromEntries(
    Object.entries(upper).flatMap(([key, value]) => {
      const same = Object.keys(lower).find((each) => each === key || (isOfFields && each.toLowerCase() === key.toLowerCase()))
      const other = same === undefined ? undefined : lower[same]
      if (!isGroup(value) || !isGroup(other)) return isDeepStrictEqual(value, other) ? [] : [[key, value]]
      const left = difference(value, other, key === 'headers')
      return Object.keys(left).length === 0 ? [] : [[key, left]]
    }),
  )
}

function merged(lower: Group, upper: Group): Group {
  const result: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(upper)) {
    const there = lower[key]
    if (value !== undefined) result[key] = isGroup(there) && isGroup(value) ? merged(there, value) : value
  }
  return result
}

function laid(group: Group, [first = '', ...rest]: readonly string[], value: unknown): Group {
  const inner = group[first]
  return { ...group, [first]: rest.length === 0 ? value : laid(isGroup(inner) ? inner : {}, rest, value) }
}

/** A client secret does not cross a network in clear text unless somebody says so. */
function encrypted(endpoint: string): { readonly endpoint: string; readonly notes: readonly string[] } {
  const [, host] = /^http:\/\/(\[[^\]]*\]|[^/:]*)/.exec(endpoint) ?? []
  if (host === undefined || isLoopbackHost(host)) return { endpoint, notes: [] }
  return {
    endpoint: endpoint.replace('http:', 'https:'),
    notes: [
      'The call has http://, with which the client secret would cross the network in clear text: https:// is written instead.',
    ],
  }
}
