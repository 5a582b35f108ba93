import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { problemsOf } from '../support/cli-problems.ts'
import { projectRoot } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { coverageOf } from '../support/page-coverage.ts'
import { readPage, readPages } from '../support/pages.ts'

const configurations = readPages().flatMap((page) =>
  page.blocks
    .filter((block) => coverageOf(page, block)?.kind === 'loaded')
    .map(({ text, line }) => [`${page.path}:${line}`, text] as const),
)

describe.skipIf(!hasOpenssl)('the configurations of the documentation', () => {
  it('are many', () => {
    expect(configurations.length).toBeGreaterThan(15)
  })

  it.each(configurations)('load as they are, or with what they leave out: %s', (_at, text) => {
    const files = secretFiles()
    for (const whole of wholesOf(text)) {
      const used = whole.replaceAll(/(?<=[\s{])\/(?:run|etc)\/[\w./-]+/g, (path) => files(path))
      expect(problemsOf(used, environmentOf(used)), used).toEqual([])
    }
  })
})

it('docs/monitoring.md has Prometheus look where the gateway says, for a job that the alerts know', () => {
  const [prometheus] = readPage('docs/monitoring.md').blocks.filter(({ text }) => text.startsWith('rule_files'))
  const { rule_files: rules, scrape_configs: jobs } = parse(prometheus?.text ?? '') as {
    rule_files: readonly string[]
    scrape_configs: readonly { job_name: string; scrape_interval: string; static_configs: readonly unknown[] }[]
  }
  expect(rules).toEqual([expect.stringMatching(/alerts\.yml$/)])
  expect(jobs).toMatchObject([{ job_name: expect.stringContaining('bearerd') as unknown, scrape_interval: '15s' }])
})

it('docs/monitoring.md has Alertmanager tell apart what the alerts have', () => {
  const [alertmanager] = readPage('docs/monitoring.md').blocks.filter(({ text }) => text.startsWith('route:'))
  const { route: tree, inhibit_rules: inhibits } = parse(alertmanager?.text ?? '') as {
    route: { routes: readonly { matchers: readonly string[] }[] }
    inhibit_rules: readonly { source_matchers: readonly string[] }[]
  }
  const alerts = readFileSync(join(projectRoot, 'monitoring/alerts.yml'), 'utf8')
  const [, severity = ''] = /^severity="(\w+)"$/.exec(tree.routes[0]?.matchers[0] ?? '') ?? []
  expect(alerts).toMatch(new RegExp(`severity: ${severity}\\b`))
  const [, source = ''] = /^alertname="(\w+)"$/.exec(inhibits[0]?.source_matchers[0] ?? '') ?? []
  expect(alerts).toContain(`alert: ${source}\n`)
})

it('docs/running.md has the health check of our image', () => {
  const [line = ''] = readPage('docs/running.md')
    .blocks.filter(({ kind }) => kind === 'dockerfile')
    .map(({ text }) => text)
  expect(line).toContain('HEALTHCHECK')
  expect(readFileSync(join(projectRoot, 'Dockerfile'), 'utf8')).toContain(line)
})

const route = 'routes: [{path: /gett, upstream: https://api.example.com, credential: gett}]\n'
const credential = `credentials:
  gett:
    token_endpoint: https://auth.example.com/token
    client_id: client
`

/** A configuration, or each of several, of what a page shows: a whole one, keys of the top level, or keys of a credential. */
function wholesOf(text: string): string[] {
  if (/^ *rejected_when:/.test(text)) return [`${credential}    client_secret: secret\n${text}${route}`]
  // Three ways to write one key.
  if (text.startsWith('client_secret:')) {
    return text
      .trimEnd()
      .split('\n')
      .map((line) => `${credential}    ${line}\n${route}`)
  }
  if (text.startsWith('routes:') && text.includes('credential: salesforce')) {
    return [`${credential.replace('gett', 'salesforce')}    client_secret: secret\n${text}`]
  }
  return [/^(?:credentials|routes):/m.test(text) ? text : `${text}${credential}    client_secret: secret\n${route}`]
}

/** A variable for each that has no default. */
function environmentOf(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{(\w+)\}|\{env: (\w+)\}/g)].map(([, one, other]) => one ?? other ?? '')
  return Object.fromEntries(names.map((name) => [name, 'value-of-the-environment']))
}

/** Files in place of those that a page names: certificates and keys that belong together, a key of 32 bytes, secrets. */
function secretFiles(): (path: string) => string {
  const { write } = scratch()
  const authority = certificateAuthority()
  const { cert, key } = authority.issue('api.bank.example')
  return (path) => {
    if (/(?:ca|-ca)\.(?:crt|pem)$/.test(path)) return authority.cert
    if (/\.(?:crt|pem)$/.test(path)) return cert
    if (path.endsWith('.key')) return key
    if (path.endsWith('redis-url')) return write('redis-url', 'rediss://bearerd:password@redis.example.com:6379/0')
    const isKey = /(?:bearerd|token)-key$/.test(path)
    return write(path.replaceAll('/', '-'), isKey ? Buffer.alloc(32).toString('base64') : 'a-secret-of-a-file')
  }
}
