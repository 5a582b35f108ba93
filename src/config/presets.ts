import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { readYaml } from './yaml-document.ts'

/** A provider's facts, in the vocabulary of `credentials.NAME`, from a file in `providers/`. */
export interface Preset {
  readonly name: string
  readonly title: string
  /** Address of the provider's own documentation. */
  readonly documentation: string
  /** Base URL of its API, or a template of one; the default for routes that use it. */
  readonly upstream: string | undefined
  /** The hosts that such a template may resolve to. */
  readonly allowedHosts: readonly string[] | undefined
  /** Hosts other than production, by name. */
  readonly environments: Readonly<Record<string, { readonly token_endpoint?: string; readonly upstream?: string }>>
  /** Where each tenant has hosts of its own, what they look like: `https://{shop}.example.com/token`. */
  readonly perTenant: { readonly token_endpoint?: string; readonly upstream?: string }
  /** Defaults for the keys of a credential, not yet checked: they are checked once a user's keys lie on top. */
  readonly defaults: Readonly<Record<string, unknown>>
}

const presetSchema = z.looseObject({
  title: z.string().min(1),
  documentation: z.url(),
  upstream: z.union([z.url(), z.string().startsWith('{token.')]).optional(),
  allowed_hosts: z.array(z.string()).optional(),
  environments: z
    .record(z.string(), z.strictObject({ token_endpoint: z.url().optional(), upstream: z.url().optional() }))
    .default({}),
  per_tenant: z
    .strictObject({
      token_endpoint: z.string().startsWith('https://').optional(),
      upstream: z.string().startsWith('https://').optional(),
    })
    .default({}),
})

const folder = join(import.meta.dirname, '../../providers')

/** The names of all presets, sorted. */
export function presetNames(): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort()
}

/** Where a preset stands. @param name one of `presetNames()` */
export function presetFile(name: string): string {
  return join(folder, `${name}.yaml`)
}

/**
 * Reads one preset.
 * @param name one of `presetNames()`
 * @throws Error when the file is missing or not a preset: a defect of this package, guarded by a test over all presets
 */
export function readPreset(name: string): Preset {
  const file = presetFile(name)
  const document = readYaml(file, readFileSync(file, 'utf8'), undefined)
  if (document.problems.length > 0) throw new Error(`${file}: ${document.problems[0]?.problem}`)
  const { environments, per_tenant: perTenant, ...keys } = presetSchema.parse(document.value)
  const { title, documentation, upstream, allowed_hosts: allowedHosts, ...defaults } = keys
  const hosts = { environments, perTenant } as Pick<Preset, 'environments' | 'perTenant'>
  return { name, title, documentation, upstream, allowedHosts, ...hosts, defaults }
}
