import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { presetNeeds } from '../src/config/preset-needs.ts'
import { presetSentences } from '../src/config/preset-sentences.ts'
import { presetNames, readPreset } from '../src/config/presets.ts'
import type { Preset } from '../src/config/presets.ts'

const root = join(import.meta.dirname, '..')

/** Where the list of providers is kept. */
export const providersFile = join(root, 'docs/providers.md')

/**
 * Writes the list of providers. All of it comes from the presets: their keys, and what their comments say is not known; what a
 * user has to add is what the configuration itself asks for.
 */
export function providersPage(): string {
  const presets = presetNames().map(readPreset)
  const rows = presets.map(
    ({ name, title, environments }) =>
      `| [\`${name}\`](#${name}) | ${title} | ${Object.keys(environments).join(', ')} | ${code(requiredOf(name))} |`,
  )
  const table = ['| provider | is | environments besides production | to be set by you |', '|---|---|---|---|', ...rows].join(
    '\n',
  )
  return [intro, table, ...presets.map(sectionOf)].join('\n\n') + '\n'
}

const intro = `# Providers

\`provider: NAME\` lays a preset under a credential; every key can be set on top of it. Where a provider has a host for each of its
tenants, you set \`token_endpoint\` on the credential or \`upstream\` on the route.

Nothing here was tried against a provider's own servers. Each preset says in its comments where each fact is from, and which are
unverified: check those against the provider's documentation before you rely on them. What is not known is listed here, too. This page is made from the presets: \`npm run docs\`.`

function sectionOf(preset: Preset): string {
  const { name, title, documentation, upstream, allowedHosts, environments, defaults } = preset
  const {
    token_endpoint: endpoint,
    token_response: response,
    inject,
    rejected_when: rejectedWhen,
    token_requests: budget,
    renew_before: renewBefore,
  } = defaults
  const hosts = Object.entries(environments).map(
    ([environment, keys]) =>
      `\`environment: ${environment}\`: ${Object.values(keys)
        .map((url) => code([url]))
        .join(', ')}`,
  )
  const facts = [
    `Preset: [providers/${name}.yaml](../providers/${name}.yaml); documentation: <${documentation}>`,
    `To be set by you: ${code(requiredOf(name))}`,
    `Upstream: ${upstream === undefined ? 'set it on the route' : code([upstream])}`,
    ...(allowedHosts === undefined ? [] : [`Allowed hosts: ${code(allowedHosts)}`]),
    `Token endpoint: ${typeof endpoint === 'string' ? code([endpoint]) : 'set it on the credential'}`,
    ...hosts,
    `Token request: ${code(requestOf(defaults))}`,
    ...[
      ['Token response', response],
      ['The token goes to', inject],
      ['Refused when', rejectedWhen],
      ['Budget', budget],
      ['Renewed before the end', renewBefore],
    ]
      .filter(([, value]) => value !== undefined)
      .map(([what, value]) => `${String(what)}: \`${inline(value)}\``),
    ...presetSentences(name, /\brequired\b/).map((sentence) => `Required: ${sentence}`),
    ...presetSentences(name, /\bunknown\b|not confirmed/i).map((sentence) => `Not known: ${sentence}`),
  ]
  return `<a id="${name}"></a>\n\n## ${title}\n\n${facts.map((fact) => `- ${fact}`).join('\n')}`
}

/** The keys that shape the token request, as they are written. */
function requestOf(defaults: Preset['defaults']): string[] {
  const shaping = ['token_endpoint_auth_method', 'grant_type', 'scope', 'scope_delimiter'].filter((key) =>
    Object.hasOwn(defaults, key),
  )
  const recipe = (defaults['token_request'] ?? {}) as Readonly<Record<string, unknown>>
  return [
    ...shaping.map((key) => `${key}: ${inline(defaults[key])}`),
    ...Object.entries(recipe).map(([key, value]) => `${key}: ${inline(value)}`),
  ]
}

/** What a user has to write. */
function requiredOf(provider: string): string[] {
  const { credential, route } = presetNeeds(provider)
  return [...credential, ...route.map((key) => `route: ${key}`)]
}

function inline(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trim()
}

function code(words: readonly string[]): string {
  return words.map((word) => `\`${word}\``).join(', ')
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const page = providersPage()
  if (process.argv.includes('--write')) writeFileSync(providersFile, page)
  else process.stdout.write(page)
}
