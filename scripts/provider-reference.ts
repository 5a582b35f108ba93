import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { stringify } from 'yaml'
import { parseConfig } from '../src/config/load-config.ts'
import { presetNames, readPreset } from '../src/config/presets.ts'
import type { Preset } from '../src/config/presets.ts'
import { ConfigError } from '../src/config/problem.ts'

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
    ...sentencesOf(name, /\brequired\b/).map((sentence) => `Required: ${sentence}`),
    ...sentencesOf(name, /\bunknown\b|not confirmed/i).map((sentence) => `Not known: ${sentence}`),
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

/** What the configuration says is missing when a preset is used with nothing else. */
function requiredOf(provider: string): string[] {
  try {
    parseConfig(provider, stringify({ credentials: { mine: { provider } }, routes: [{ path: '/', credential: 'mine' }] }), {})
    return []
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(({ path }) => path.replace(/^credentials\.mine\./, '').replace(/^routes\[0\]\./, 'route: '))
  }
}

/** The sentences of a preset's comments that speak of something. Comments behind a key are left out: they belong to it. */
function sentencesOf(name: string, about: RegExp): string[] {
  const lines = readFileSync(join(root, 'providers', `${name}.yaml`), 'utf8').split('\n')
  const paragraphs = lines
    .map((line) => /^\s*#\s*(.+)$/.exec(line)?.[1] ?? '\n')
    .join(' ')
    .split('\n')
  return paragraphs.flatMap((paragraph) => paragraph.trim().split(/(?<=\.|\.\)) /)).filter((sentence) => about.test(sentence))
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
