import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot, run, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { ownEnv, packed } from '../support/packed.ts'
import type { Packed } from '../support/packed.ts'
import { machinesNode, pathWith, plainNode } from '../support/plain-node.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const isCi = process.env['CI'] === 'true'

describe('the package', { timeout: 60_000 }, () => {
  let made: Packed
  beforeAll(() => {
    made = packed()
  }, 60_000)
  afterAll(() => made.remove())

  it('holds what runs and nothing else, and needs no other package', () => {
    expect(readdirSync(made.content).sort()).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'bearerd.schema.json',
      'bin',
      'dist',
      'docs',
      'package.json',
      'page',
      'providers',
      'proxy.config.yaml',
    ])
    expect(readdirSync(join(made.content, 'docs'))).toEqual(['errors.md'])
    expect(readdirSync(join(made.content, 'dist')).sort()).toEqual(['THIRD-PARTY-LICENSES.txt', 'lib', 'sbom.cdx.json'])
    const manifest = JSON.parse(textOf('package.json')) as Record<string, unknown>
    expect(Object.keys(manifest).filter((key) => /^(?!dev).*dependencies$|^private$|^(pre|post)?install$/i.test(key))).toEqual([])
    // What is imported is within it, or the platform's.
    for (const file of readdirSync(join(made.content, 'dist/lib'))) {
      const imported = [...textOf(`dist/lib/${file}`).matchAll(/^import(?:[^'"`;]*?from)?\s*["']([^"']+)["']/gm)]
      for (const [, name = ''] of imported)
        expect(name.startsWith('./') || builtinModules.includes(name.replace(/^node:/, '')), `${file}: ${name}`).toBe(true)
    }
  })

  it('serves, and answers what is loaded when first asked for', async () => {
    const { folder, write } = scratch()
    const program = join(made.content, 'bin/bearerd.js')
    expect(await run(['providers'], { program, cwd: folder })).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^gett /m),
    })
    expect(await run(['init', 'gett', '-c', 'mine.yaml'], { program, cwd: folder })).toMatchObject({ code: 0 })
    const env = { GETT_CLIENT_ID: 'a', GETT_CLIENT_SECRET: 'b' }
    expect(await run(['check', '-c', 'mine.yaml'], { program, cwd: folder, env })).toMatchObject({ code: 0 })
    expect((await run(['errors', 'no_route'], { program, cwd: folder })).stdout).toMatch(/^no_route \(gateway, 404\): /)
    const gateway = start(['serve', '--config', write('a.yaml', await smallConfig())], {
      program,
      cwd: folder,
      env: { SECRET: 'for a test' },
    })
    const [, url = ''] = await gateway.untilOutput(/"listen":"([^"]+)","admin":"[^"]+"/)
    const [, admin = ''] = /"admin":"([^"]+)"/.exec(gateway.output().stdout) ?? []
    expect(await (await fetch(`${url}/api/a`)).text()).toMatch(/^Bearer /)
    expect(await (await fetch(`${admin}/metrics`)).text()).toContain('bearerd_http_requests_total')
    expect(await (await fetch(`${admin}/`)).text()).toContain('/page/page.js')
    expect(await (await fetch(`${admin}/page/page.js`)).text()).toContain("from './live.js'")
    gateway.signal('SIGTERM')
    expect(await gateway.finished).toMatchObject({ code: 0, stderr: '' })
  })

  it('lists in its bill of materials what its licences are listed of, each with a digest, and every package that we import', () => {
    const { components, metadata } = JSON.parse(textOf('dist/sbom.cdx.json')) as Bill
    const { name, version } = JSON.parse(textOf('package.json')) as { name: string; version: string }
    expect(metadata.component).toMatchObject({ name, version, purl: `pkg:npm/${name}@${version}` })
    const listed = components.map((each) => `${each.group === undefined ? '' : `${each.group}/`}${each.name} ${each.version}`)
    const licensed = textOf('dist/THIRD-PARTY-LICENSES.txt').split(`\n\n${'-'.repeat(80)}\n\n`)
    expect(listed).toEqual(licensed.map((text) => /^(\S+ \S+) \(/.exec(text)?.[1]))
    expect(listed.length).toBeGreaterThan(50)
    for (const { hashes, purl, licenses } of components) {
      expect(hashes, purl).toEqual([{ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) as unknown }])
      expect(licenses, purl).toHaveLength(1)
    }
    const imported = importsOfTheSources()
    expect(imported.size).toBeGreaterThan(5)
    for (const each of imported) expect(listed.map((entry) => entry.split(' ')[0])).toContain(each)
  })

  const node = plainNode()
  const hasNode = node !== undefined && node.major >= 24
  it.skipIf(!hasNode && !isCi)(
    `is installed without a network and runs by npx on a plain Node.js${hasNode ? '' : ' (skipped: none of 24 or newer; NODE_24 can name one)'}`,
    async () => {
      expect(hasNode, 'NODE_24 has to name a Node.js of 24 or newer').toBe(true)
      const { folder, write, path } = scratch()
      mkdirSync(path('bin'))
      symlinkSync(node?.path ?? '', path('bin/node'))
      const env = { ...ownEnv(), PATH: pathWith(path('bin')) }
      writeFileSync(path('package.json'), '{"private": true}')
      const npm = (...args: readonly string[]): string =>
        execFileSync('npm', args, { cwd: folder, env, encoding: 'utf8', stdio: 'pipe' })
      npm('install', made.archive, '--ignore-scripts', '--offline', '--no-audit', '--no-fund')
      expect(readdirSync(path('node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['bearerd'])

      const npx = path('node_modules/.bin/bearerd')
      expect(npm('exec', '--offline', '--', 'bearerd', '--version')).toMatch(
        new RegExp(`^bearerd \\S+ \\(Node\\.js v${node?.major}\\.`),
      )
      for (const args of [['demo'], ['serve', '--config', write('b.yaml', await smallConfig())]]) {
        const running = start(args, { command: [npx], cwd: folder, env: { PATH: env.PATH, SECRET: 'for a test' } })
        await running.untilOutput(args[0] === 'demo' ? /Ctrl-C ends the demo/ : /bearerd is serving/)
        running.signal('SIGTERM')
        expect(await running.finished).toMatchObject({ code: 0, stderr: '' })
      }
    },
  )

  const old = machinesNode()
  const isOld = old !== undefined && old.major < 24
  it.skipIf(!isOld)(
    `says in one line what it needs on an older Node.js${isOld ? '' : " (skipped: the machine's own is not older than 24)"}`,
    async () => {
      const { code, stdout, stderr } = await start(['--version'], {
        command: [old?.path ?? '', join(made.content, 'bin/bearerd.js')],
      }).finished
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^bearerd needs Node\.js 24 or newer; this is v\d+\.[^\n]*\n$/)
    },
  )

  function textOf(file: string): string {
    return readFileSync(join(made.content, file), 'utf8')
  }
})

interface Bill {
  readonly metadata: { readonly component: object }
  readonly components: readonly {
    readonly group?: string
    readonly name: string
    readonly version: string
    readonly purl: string
    readonly hashes: unknown
    readonly licenses: unknown
  }[]
}

async function smallConfig(): Promise<string> {
  const tokens = await tokenEndpoint()
  const api = await httpServer((request, response) => void response.end(request.headers.authorization))
  return `listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
credentials: {main: {token_endpoint: "${tokens.url}", client_id: a, client_secret: "\${SECRET}"}}
routes: [{path: /api, upstream: "${api.url}", credential: main}]
`
}

/** The packages that src/ imports for more than their types. */
function importsOfTheSources(): Set<string> {
  const files = readdirSync(join(projectRoot, 'src'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.d)\.ts$/.test(file),
  )
  const imports = files.flatMap((file) => [
    ...readFileSync(join(projectRoot, 'src', file), 'utf8').matchAll(
      /^import (?!type ).*from '([^.'][^']*)'|import\('([^.'][^']*)'\)/gm,
    ),
  ])
  const names = imports.map(([, direct, late = '']) => direct ?? late).filter((name) => !name.startsWith('node:'))
  return new Set(
    names.map((name) =>
      packageName(
        name
          .split('/')
          .slice(0, name.startsWith('@') ? 2 : 1)
          .join('/'),
      ),
    ),
  )
}

/** What the package that is installed under a name calls itself. */
function packageName(installed: string): string {
  const manifest = readFileSync(join(projectRoot, 'node_modules', installed, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { name: string }).name
}
