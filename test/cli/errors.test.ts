/** Codes, docs/errors.md, and the command that prints it, kept in step. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findEntry, readCatalogue } from '../../src/cli/error-catalogue.ts'
import { configProblems } from '../../src/config/problem-codes.ts'
import { sameMeaning, tokenErrors } from '../../src/oauth/token-error-codes.ts'
import { gatewayErrors } from '../../src/proxy/errors/gateway-error.ts'
import { runHere } from '../support/cli-process.ts'

const page = readFileSync('docs/errors.md', 'utf8')
const catalogue = readCatalogue()

/** Code, status and title of every error in the code, as the catalogue should have them. */
const declared = {
  gateway: Object.entries(gatewayErrors).map(([code, { status, title }]) => ({ code, status, title })),
  'token endpoint': withoutStatus(tokenErrors),
  configuration: withoutStatus(configProblems),
}

function withoutStatus(titles: Readonly<Record<string, string>>) {
  return Object.entries(titles).map(([code, title]) => ({ code, status: undefined, title }))
}

describe('the catalogue of errors', () => {
  it.each(Object.entries(declared))('has one entry for each error of the %s, in order, and no other', (part, errors) => {
    const entries = catalogue.filter((entry) => entry.part === part)
    expect(entries.map(({ code, status, title }) => ({ code, status, title }))).toEqual(errors)
  })

  it('has no other part and no code twice, so that the code is the anchor', () => {
    expect([...new Set(catalogue.map(({ part }) => part))]).toEqual(Object.keys(declared))
    const headings = page.match(/^###? .*$/gm) ?? []
    expect(new Set(headings).size).toBe(headings.length)
    expect(headings.filter((heading) => heading.startsWith('### '))).toEqual(catalogue.map(({ code }) => `### ${code}`))
  })

  it.each(catalogue.map(({ code, text }) => [code, text] as const))('says of %s what it comes from and what to do', (_, text) => {
    const paragraphs = text.split('\n\n')
    expect(paragraphs.at(-2)).toMatch(/^\*\*Causes\*\*: .{20,}\.$/)
    expect(paragraphs.at(-1)).toMatch(/^\*\*Do\*\*: .{15,}\.$/)
  })

  it('leads to what exists', () => {
    const links = [...page.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target)
    expect(links.length).toBeGreaterThan(30)
    for (const link of links) {
      const [file = '', anchor] = link.split('#')
      const path = file === '' ? 'docs/errors.md' : `docs/${file}`
      expect(existsSync(path), link).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(readFileSync(path, 'utf8')), link).toContain(anchor)
    }
  })

  it('is what other pages link to', () => {
    for (const file of ['docs/README.md', 'docs/configuration.md', 'docs/running.md', 'docs/runbook.md', 'docs/doctor.md']) {
      const links = [...readFileSync(file, 'utf8').matchAll(/\]\((?:docs\/)?errors\.md(?:#([^)]+))?\)/g)]
      expect(links.length, file).toBeGreaterThan(0)
      for (const [, anchor] of links) if (anchor !== undefined) expect(anchorsOf(page)).toContain(anchor)
    }
  })

  it('names every code that means the same as another one', () => {
    for (const [code, meaning] of Object.entries(sameMeaning))
      expect(catalogue.find((entry) => entry.code === meaning)?.text).toContain(`\`${code}\``)
  })
})

/** As GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return (markdown.match(/^#+ .*$/gm) ?? []).map((heading) =>
    heading
      .replace(/^#+ /, '')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

describe('what somebody has seen', () => {
  it.each([
    ['token_refused', 'token_refused'],
    ['urn:bearerd:error:no_route', 'no_route'],
    ['[unknown_key]', 'unknown_key'],
    ['http_401', 'invalid_client'],
    ['http_503', 'http_status'],
    ['slow_down', 'rate_limited'],
    ['ECONNREFUSED', 'connection_failed'],
    ['EAI_AGAIN', 'connection_failed'],
    ['UND_ERR_SOCKET', 'connection_failed'],
    ['HPE_INVALID_CONSTANT', 'connection_failed'],
    ['CERT_HAS_EXPIRED', 'tls_failed'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_failed'],
    ['EPROTO', 'tls_failed'],
    ['ACCOUNT_LOCKED', undefined],
    ['EADDRINUSE', undefined],
    ['ENOENT', undefined],
    ['access_denied', undefined],
    ['toString', undefined],
  ])('%s is explained as %s', (seen, code) => {
    expect(findEntry(catalogue, seen)?.code).toBe(code)
  })
})

describe('bearerd errors', () => {
  it('lists every code with its title', async () => {
    const { code, stdout, stderr } = await runHere(['errors'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.filter((line) => !line.startsWith(' '))).toEqual(Object.keys(declared))
    expect(lines.filter((line) => line.startsWith(' ')).map((line) => line.trim().replace(/ +/, ' '))).toEqual(
      catalogue.map((entry) => `${entry.code} ${entry.title}`),
    )
  })

  it('prints an entry as plain text, in lines that can be read', async () => {
    const { code, stdout } = await runHere(['errors', 'token_refused'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^token_refused \(gateway, 502\): The token endpoint refused the credentials\n\nThere is no token/)
    expect(stdout).toMatch(
      /\n\nCauses: .*\ninvalid_client, invalid_scope, invalid_grant or login_required\.\n\nDo: `bearerd doctor/,
    )
    expect(stdout).not.toMatch(/\*\*|\]\(|.{101}/)
  })

  it('prints tables and links as they can be read there', async () => {
    const { stdout } = await runHere(['errors', 'CERT_HAS_EXPIRED'])
    expect(stdout).toContain('\n  `ERR_TLS_CERT_ALTNAME_INVALID`: a certificate for another name\n')
    expect(stdout.replaceAll('\n', ' ')).toContain('egress (docs/egress.md)')
    for (const { code } of catalogue) expect((await runHere(['errors', code])).stdout).not.toMatch(/\*\*|\]\(|\| |^.{101}/m)
  })

  it('prints what docs/running.md shows', async () => {
    const [, code = '', shown] = /^\$ bearerd errors (\S+)\n(.*?)^```/ms.exec(readFileSync('docs/running.md', 'utf8')) ?? []
    expect((await runHere(['errors', code])).stdout).toBe(shown)
  })

  it('prints JSON with --json', async () => {
    const list = JSON.parse((await runHere(['errors', '--json'])).stdout) as { code: string }[]
    expect(list.map(({ code }) => code)).toEqual(catalogue.map(({ code }) => code))
    expect(JSON.parse((await runHere(['errors', 'no_route', '--json'])).stdout)).toMatchObject({
      code: 'no_route',
      part: 'gateway',
      status: 404,
      title: 'No route has this path',
      text: expect.stringMatching(/^The path of the request/) as unknown,
    })
  })

  it.each([
    ['tokn_refused', 'did you mean "token_refused"?'],
    ['what_is_this_about', 'it may be a word of the provider, whose documentation explains it, or of the system'],
  ])('ends with 2 for %s, and says what may be meant', async (seen, remedy) => {
    const { code, stdout, stderr } = await runHere(['errors', seen])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`there is no error "${seen}" here; ${remedy}\n`)
  })
})
