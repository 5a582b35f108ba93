import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot, run, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

test('the package holds what runs and nothing else, and needs no other package', { timeout: 60_000 }, async () => {
  const { folder, write } = scratch()
  // The run by npm that runs this must not tell the other one where it is.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')))
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: projectRoot, env, stdio: 'pipe' })
  const [archive = ''] = readdirSync(folder)
  execFileSync('tar', ['-xzf', join(folder, archive), '-C', folder])
  const files = readdirSync(join(folder, 'package'))
  expect(files.sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'SECURITY.md',
    'bin',
    'dist',
    'package.json',
    'providers',
    'proxy.config.yaml',
  ])

  const program = join(folder, 'package/bin/bearerd.js')
  expect(await run(['providers'], { program, cwd: folder })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^gett /m) })
  const tokens = await tokenEndpoint()
  const api = await httpServer((request, response) => void response.end(request.headers.authorization))
  const config = write(
    'proxy.config.yaml',
    `listen: 127.0.0.1:0
admin: {listen: 127.0.0.1:0}
credentials: {main: {token_endpoint: "${tokens.url}", client_id: a, client_secret: "\${SECRET}"}}
routes: [{path: /api, upstream: "${api.url}", credential: main}]
`,
  )
  const gateway = start(['serve', '--config', config], { program, cwd: folder, env: { SECRET: 'for a test' } })
  const [, url = ''] = await gateway.untilOutput(/"listen":"([^"]+)","admin":"[^"]+"/)
  const [, admin = ''] = /"admin":"([^"]+)"/.exec(gateway.output().stdout) ?? []
  expect(await (await fetch(`${url}/api/a`)).text()).toMatch(/^Bearer /)
  // Loaded when first asked for.
  expect(await (await fetch(`${admin}/metrics`)).text()).toContain('bearerd_http_requests_total')
  gateway.signal('SIGTERM')
  expect(await gateway.finished).toMatchObject({ code: 0, stderr: '' })
})
