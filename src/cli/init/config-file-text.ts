import { stringify } from 'yaml'
import type { Group } from '../../config/groups.ts'
import { isGroup } from '../../config/groups.ts'
import type { Preset } from '../../config/presets.ts'
import { readPreset } from '../../config/presets.ts'
import type { CredentialPlan } from './credential-plan.ts'
import { keyComment } from './key-comments.ts'

/** What the schema of a configuration is called, beside it. */
export const schemaFileName = 'bearerd.schema.json'

/**
 * Writes the configuration for some credentials, with a comment for each line.
 * @param plans with names and paths that differ
 */
export function configFileText(plans: readonly CredentialPlan[]): string {
  const lines: Line[] = [
    { text: `# yaml-language-server: $schema=${schemaFileName}` },
    { text: '# The configuration of bearerd, made by bearerd init. Every key is explained in docs/configuration.md.' },
    {
      text: '# ${NAME} is an environment variable, ${NAME:-default} one with a default. Secrets can also be {file: PATH} or {env: NAME}.',
    },
    { text: '' },
    { text: 'listen: 127.0.0.1:8080', comment: 'where the applications connect' },
    { text: '# callers: anyone', comment: 'or a list; required when listen is not a loopback address (docs/callers.md)' },
    { text: '' },
    { text: 'admin:' },
    { text: '  listen: 127.0.0.1:9090', comment: 'probes, metrics, status page' },
    { text: '' },
    { text: 'credentials:' },
    ...plans.flatMap(credentialLines),
    {
      text: `# An application calls http://127.0.0.1:8080${plans[0]?.path ?? ''}/... in place of ${plans[0]?.leadsTo ?? ''}/...`,
    },
    { text: 'routes:', comment: 'the longest path that a request begins with wins; it is not sent on' },
    ...plans.flatMap(routeLines),
  ]
  return rendered(lines)
}

/** The environment variables that a text of {@link configFileText} needs, in their order. */
export function variablesIn(text: string): string[] {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'))
  const found = lines.flatMap((line) => [...line.matchAll(/(?<!\$)\$\{([A-Za-z_]\w*)\}/g)].map(([, name = '']) => name))
  return [...new Set(found)]
}

interface Line {
  readonly text: string
  readonly comment?: string | undefined
}

function credentialLines({ name, title, keys, remarks }: CredentialPlan): Line[] {
  return [
    { text: `  # ${title}` },
    { text: `  ${written(name)}:` },
    ...groupLines(keys, [], '    '),
    ...suggestionsFor(keys),
    ...remarks.map((remark) => ({ text: `    # ${remark}` })),
    { text: '' },
  ]
}

/** What its user may want to say besides. */
function suggestionsFor(keys: Group): Line[] {
  const { provider } = keys
  const preset = typeof provider === 'string' ? readPreset(provider) : undefined
  const environments = Object.keys(preset?.environments ?? {})
  const lines: Line[] = []
  if (environments.length > 0 && keys['environment'] === undefined)
    lines.push({ text: `    # environment: ${environments.join(' | ')}`, comment: 'other hosts than those of production' })
  if (keys['scope'] === undefined && !hasScope(preset))
    lines.push({ text: '    # scope: read write', comment: 'what the token is to be good for, where the provider wants it said' })
  if (preset === undefined) {
    lines.push(
      {
        text: '    # token_response: {access_token: /data/token}',
        comment: 'where the answer has the token, if not at /access_token',
      },
      {
        text: '    # inject: {header: X-Api-Token, value: "{access_token}"}',
        comment: 'where the token goes, if not to Authorization: Bearer',
      },
    )
  }
  return lines
}

function hasScope(preset: Preset | undefined): boolean {
  return preset?.defaults['scope'] !== undefined
}

function groupLines(group: Group, path: readonly string[], indent: string): Line[] {
  return Object.entries(group).flatMap(([key, value]): Line[] => {
    const here = [...path, key]
    const comment = keyComment(here, value)
    const isSource = isGroup(value) && Object.keys(value).join() === 'file'
    if (isGroup(value) && Object.keys(value).length > 0 && !isSource)
      return [{ text: `${indent}${written(key)}:`, comment }, ...groupLines(value, here, `${indent}  `)]
    return [{ text: `${indent}${written(key)}: ${written(value)}`, comment }]
  })
}

function routeLines({ name, path, upstream, leadsTo, isUpstreamGuessed }: CredentialPlan): Line[] {
  return [
    {
      text: `  - path: ${written(path)}`,
      comment: `${path}/... goes to ${upstream === undefined ? `${leadsTo}/...` : 'the upstream below'}`,
    },
    ...(upstream === undefined
      ? []
      : [
          {
            text: `    upstream: ${written(upstream)}`,
            comment: isUpstreamGuessed ? 'a guess, the origin of the token endpoint: check it' : 'the base URL of the API',
          },
        ]),
    {
      text: `    credential: ${written(name)}`,
      comment: upstream === undefined ? 'the upstream comes from the preset' : 'whose token is put on',
    },
  ]
}

/** A value as YAML on one line. */
function written(value: unknown): string {
  // The library would quote every brace.
  if (typeof value === 'string' && /^[\w.:/-]*\$\{\w+\}[\w./-]*$/.test(value)) return value
  const text = stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
  return unprintable.test(text) ? JSON.stringify(value).replace(everyUnprintable, escaped) : text
}

const unprintable = /[\p{Cc}\u2028\u2029]/u
const everyUnprintable = new RegExp(unprintable, 'gu')

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

const widestColumn = 60

function rendered(lines: readonly Line[]): string {
  const lengths = lines.filter(({ comment }) => comment !== undefined).map(({ text }) => text.length)
  const column = Math.max(...lengths.filter((length) => length <= widestColumn)) + 2
  return lines
    .map(({ text, comment }) => {
      // What somebody said must not get out of a comment.
      const shown = text.trimStart().startsWith('#') ? text.replace(everyUnprintable, ' ') : text
      if (comment === undefined) return `${shown}\n`
      return `${shown.padEnd(Math.max(column, shown.length + 2))}# ${comment.replace(everyUnprintable, ' ')}\n`
    })
    .join('')
}
