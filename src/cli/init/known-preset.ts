import { presetNames, readPreset } from '../../config/presets.ts'
import type { Preset } from '../../config/presets.ts'

/** A preset that has the token endpoint of a call. */
export interface KnownPreset {
  readonly preset: Preset
  /** Undefined for production. */
  readonly environment: string | undefined
  /** Whether the endpoint is each tenant's own, so that it has to be written. */
  readonly isTenants: boolean
  /** The upstream of the same tenant, where one follows from the other. */
  readonly upstream: string | undefined
}

/**
 * The preset for a token endpoint.
 * @param endpoint as a call has it, perhaps with a placeholder for the tenant
 * @returns undefined when there is none
 */
export function presetFor(endpoint: string): KnownPreset | undefined {
  const presets = presetNames().map(readPreset)
  for (const preset of presets) {
    const { token_endpoint: production } = preset.defaults
    if (typeof production === 'string' && isSame(production, endpoint))
      return { preset, environment: undefined, isTenants: false, upstream: undefined }
    const [environment] =
      Object.entries(preset.environments).find(([, hosts]) => isSame(hosts.token_endpoint ?? '', endpoint)) ?? []
    if (environment !== undefined) return { preset, environment, isTenants: false, upstream: undefined }
  }
  for (const preset of presets) {
    const tenant =
      preset.perTenant.token_endpoint === undefined ? undefined : tenantIn(comparable(endpoint), preset.perTenant.token_endpoint)
    if (tenant !== undefined)
      return { preset, environment: undefined, isTenants: true, upstream: filled(preset.perTenant.upstream, tenant) }
  }
  return undefined
}

function isSame(one: string, other: string): boolean {
  const place = comparable(one).toLowerCase()
  return place !== '' && place === comparable(other).toLowerCase()
}

/** Without what means nothing: the scheme, a default port, a slash at the end. */
function comparable(url: string): string {
  const [, host = '', path = ''] = /^https?:\/\/([^/]*)(.*)$/i.exec(url) ?? []
  return `${host.replace(/:443$/, '')}${path.replace(/\/$/, '')}`
}

/** What stands where the pattern has its `{names}`. */
function tenantIn(place: string, pattern: string): ReadonlyMap<string, string> | undefined {
  const names = [...pattern.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)
  const parts = comparable(pattern).split(/\{\w+\}/)
  const found = new RegExp(`^${parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('([^/]+)')}$`, 'i').exec(
    place,
  )
  return found === null ? undefined : new Map(names.map((name, index) => [name, found[index + 1] ?? '']))
}

function filled(pattern: string | undefined, tenant: ReadonlyMap<string, string>): string | undefined {
  if (pattern === undefined || [...pattern.matchAll(/\{(\w+)\}/g)].some(([, name = '']) => !tenant.has(name))) return undefined
  return pattern.replace(/\{(\w+)\}/g, (_, name: string) => tenant.get(name) ?? '')
}
