import { checkCredential } from './check-credential.ts'
import type { Credential } from './config.ts'
import { isGroup } from './groups.ts'
import type { Group } from './groups.ts'
import { presetNames, readPreset } from './presets.ts'
import { suggest } from './problem.ts'
import { readGroup } from './read-group.ts'
import { reportBelow } from './report.ts'
import type { Report } from './report.ts'
import { identityFieldsOf } from './request-values.ts'
import { credentialSchema } from './schema/credential.ts'

/** What routes need to know of a credential. */
export interface CredentialEntry {
  /** Undefined when it has problems, which are reported. */
  readonly credential: Credential | undefined
  /** What its preset says of its routes: their defaults, not yet checked. */
  readonly ofRoutes: Group
  /** Whether its preset cannot be told, so that nothing follows from what is missing. */
  readonly isPresetUnknown: boolean
}

/**
 * Reads `credentials`, each with its preset laid under it.
 * @param entries what stands in the file
 * @param env where `{env: NAME}` secrets are looked up
 */
export function readCredentials(
  entries: Group,
  env: Readonly<NodeJS.ProcessEnv>,
  report: Report,
): ReadonlyMap<string, CredentialEntry> {
  const schema = credentialSchema(env)
  return new Map(
    Object.entries(entries).map(([name, entry]): [string, CredentialEntry] => {
      const reportHere = reportBelow(['credentials', name], report)
      const lower = lowerLayer(entry, reportHere)
      if (lower === 'unknown') {
        readGroup(schema, entry, reportHere, () => true)
        return [name, { credential: undefined, ofRoutes: {}, isPresetUnknown: true }]
      }
      const reading = readGroup(schema, merge(lower.defaults, entry), reportHere)
      checkCredential({ ...reading, name, written: entry }, reportHere)
      const credential = reading.whole && { ...reading.whole, name, identityFields: identityFieldsOf(reading.whole) }
      return [name, { credential, ofRoutes: lower.ofRoutes, isPresetUnknown: false }]
    }),
  )
}

interface LowerLayer {
  readonly defaults: unknown
  readonly ofRoutes: Group
}

/** What the preset and environment that an entry names put under it; `unknown` when it means a preset that cannot be told. */
function lowerLayer(entry: unknown, report: Report): LowerLayer | 'unknown' {
  if (!isGroup(entry)) return 'unknown'
  const { provider, environment } = entry
  if (provider === undefined) {
    if (environment !== undefined)
      report('no_effect', ['environment'], 'has no effect without a provider; remove it or name a provider')
    return { defaults: {}, ofRoutes: {} }
  }
  if (typeof provider !== 'string') return 'unknown'
  if (!presetNames().includes(provider)) {
    if (provider !== '')
      report('unknown_name', ['provider'], `there is no preset of this name; ${suggest(provider, presetNames())}`)
    return 'unknown'
  }
  const { defaults, upstream, allowedHosts: allowed_hosts, environments } = readPreset(provider)
  const ofRoutes = { ...(upstream !== undefined && { upstream }), ...(allowed_hosts !== undefined && { allowed_hosts }) }
  if (typeof environment !== 'string' || environment === 'production') return { defaults, ofRoutes }
  const hosts = Object.hasOwn(environments, environment) ? environments[environment] : undefined
  if (hosts === undefined) {
    report(
      'unknown_name',
      ['environment'],
      `the preset ${provider} has no such environment; ${suggest(environment, ['production', ...Object.keys(environments)])}`,
    )
    return { defaults, ofRoutes }
  }
  const { upstream: ownUpstream, ...keys } = hosts
  return {
    defaults: merge(defaults, keys),
    ofRoutes: ownUpstream === undefined ? ofRoutes : { ...ofRoutes, upstream: ownUpstream },
  }
}

/** Replaced as a whole, because half of one and half of another means nothing. */
const indivisible: ReadonlySet<string> = new Set(['inject', 'token_requests'])

/** Lays `upper` over `lower`, group by group; neither is changed. */
function merge(lower: unknown, upper: unknown): unknown {
  if (!isGroup(lower) || !isGroup(upper)) return upper === undefined ? lower : upper
  const merged: Record<string, unknown> = { ...lower }
  for (const [key, value] of Object.entries(upper)) {
    merged[key] = indivisible.has(key) || !Object.hasOwn(lower, key) ? value : merge(lower[key], value)
  }
  return merged
}
