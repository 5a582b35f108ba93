import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isMap, isScalar, parseDocument, stringify } from 'yaml'
import type { YAMLMap } from 'yaml'
import { configJsonSchema } from '../src/config/config-schema.ts'
import { isGroup } from '../src/config/groups.ts'
import type { Group } from '../src/config/groups.ts'

const root = join(import.meta.dirname, '..')

/** Where the Helm chart is kept. */
export const chartFolder = join(root, 'charts/bearerd')

/** A file of the chart that is made, wholly or in part, of what is written elsewhere. */
export interface MadeFile {
  readonly path: string
  readonly text: string
}

/**
 * Makes the table of values in the chart's README of the comments in values.yaml, the part of its schema that is bearerd's own
 * configuration, and the copies of alerts and dashboard: a chart can hold no file from outside its folder.
 */
export function chartFiles(): readonly MadeFile[] {
  const readme = join(chartFolder, 'README.md')
  const schema = join(chartFolder, 'values.schema.json')
  return [
    { path: readme, text: withTable(readFileSync(readme, 'utf8'), readFileSync(join(chartFolder, 'values.yaml'), 'utf8')) },
    { path: schema, text: withConfig(readFileSync(schema, 'utf8')) },
    ...['alerts.yml', 'dashboard.json'].map((name) => ({
      path: join(chartFolder, 'files', name),
      text: readFileSync(join(root, 'monitoring', name), 'utf8'),
    })),
  ]
}

function withTable(markdown: string, values: string): string {
  const document = parseDocument(values)
  if (!isMap(document.contents)) throw new Error('values.yaml holds no values')
  const table = ['| value | meaning | default |', '|---|---|---|', ...rowsOf(document.contents, values.split('\n'))].join('\n')
  const place = /(<!-- table: values -->\n)[^]*?(?=\n<!-- end -->)/
  if (!place.test(markdown)) throw new Error('the README of the chart has no place for the table of values')
  return markdown.replace(place, (_old, start: string) => `${start}${table}`)
}

/** A row for each value with a comment; a group whose keys have comments is its rows. @throws Error when something has none */
function rowsOf(map: YAMLMap, lines: readonly string[], prefix = ''): string[] {
  return map.items.flatMap(({ key, value }) => {
    if (!isScalar<string>(key)) throw new Error(`a key below ${prefix} is no word`)
    const name = `${prefix}${key.value}`
    const meaning = commentAbove(lines, key.range?.[0] ?? 0)
    if (meaning === '' && isMap(value)) return rowsOf(value, lines, `${name}.`)
    if (meaning === '') throw new Error(`the value ${name} has no comment`)
    const fallback = stringify(value, { collectionStyle: 'flow', lineWidth: 0, flowCollectionPadding: false }).trim()
    return [`| \`${name}\` | ${meaning.replaceAll('|', '\\|')} | \`${fallback}\` |`]
  })
}

/** The lines of comment right above a place, as one. */
function commentAbove(lines: readonly string[], offset: number): string {
  const line = lineAt(lines, offset)
  const start = lines.slice(0, line).findLastIndex((text) => !text.trimStart().startsWith('#')) + 1
  return lines
    .slice(start, line)
    .map((text) => text.replace(/^\s*# ?/, ''))
    .join(' ')
}

function lineAt(lines: readonly string[], offset: number): number {
  let end = 0
  return lines.findIndex((line) => (end += line.length + 1) > offset)
}

/** Keys whose words `on` and `off` are booleans to Helm, which reads YAML 1.1; templates/_config.tpl makes words of them again. */
export const wordKeys: readonly string[] = ['access_log', 'mode', 'proxy', 'replay', 'traceparent', 'via']

function withConfig(schema: string): string {
  const { definitions, ...values } = JSON.parse(schema) as { readonly definitions: Readonly<Record<string, Group>> }
  const own = Object.entries(definitions).filter(([name]) => name.startsWith('chart.'))
  const { $schema: _, title: __, required: ___, definitions: ofConfig, ...config } = withBooleans(configJsonSchema()) as Group
  const made = { ...Object.fromEntries(own), 'bearerd.config': config, ...(ofConfig as Group) }
  return `${JSON.stringify({ ...values, definitions: made }, undefined, 2)}\n`
}

/** Has those keys take booleans as well. */
function withBooleans(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withBooleans)
  if (!isGroup(schema)) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      const inner = withBooleans(value)
      return [key, wordKeys.includes(key) && isGroup(value) ? { anyOf: [{ type: 'boolean' }, inner] } : inner]
    }),
  )
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const { path, text } of chartFiles()) {
    if (process.argv.includes('--write')) writeFileSync(path, text)
    else process.stdout.write(text)
  }
}
