import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { presetNames } from '../../src/config/presets.ts'
import { projectRoot, run, runHere, start } from '../support/cli-process.ts'
import { goodConfig, linesOf, problemsOf } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'

const commands = [
  'serve',
  'check',
  'doctor',
  'explain',
  'errors',
  'login',
  'token',
  'providers',
  'schema',
  'simulate',
  'demo',
  'healthcheck',
  'version',
]

describe('help', () => {
  it.each([['--help'], ['-h'], ['help']])('bearerd %s lists every command on stdout', async (arg) => {
    const { code, stdout, stderr } = await run([arg])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const command of commands) expect(stdout).toMatch(new RegExp(`^ {2}${command} +\\S`, 'm'))
  })

  it.each(commands)('bearerd %s --help explains the command and starts nothing', async (command) => {
    const { code, stdout, stderr } = await runHere([command, '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`Usage: bearerd ${command}`)
  })
})

describe('version', () => {
  it.each([['version'], ['--version']])('bearerd %s prints the version of the package', async (arg) => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
    const { code, stdout } = await run([arg])
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`^bearerd ${version.replaceAll('.', '\\.')} `))
    expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('a wrong command line', () => {
  it.each([
    [['chekc'], 'did you mean "check"?'],
    [['__proto__'], 'command'],
    [['constructor'], 'command'],
    [['check', '--confg', 'x'], 'Usage: bearerd check'],
    [['--confg', 'x'], 'Usage: bearerd serve'],
    [['check', 'file.yaml'], 'Usage: bearerd check'],
    [['check', '-c'], 'Usage: bearerd check'],
    [['check', '--json=yes'], 'Usage: bearerd check'],
    [['check', '--timeout', '5s'], 'has no effect without --online'],
    [['check', '--online', '-c', 'proxy.config.yaml', '--timeout', '5'], '--timeout takes a duration'],
    [['doctor', '--online'], 'Usage: bearerd doctor'],
    [['version', '--json'], 'Usage: bearerd version'],
    [['explain'], 'say which method and path'],
    [['explain', 'GET'], 'Usage: bearerd explain METHOD PATH'],
    [['explain', 'get', '/api'], 'did you mean "GET"?'],
    [['explain', 'CONNECT', '/api'], 'is not a method here'],
    [['explain', 'GET', '/api', '/more'], 'unexpected argument'],
    [['login'], 'Usage: bearerd login CREDENTIAL'],
    [['login', 'a', 'b'], 'Usage: bearerd login CREDENTIAL'],
    [['login', 'a', '--timeout', '5'], '--timeout takes a duration'],
    [['completion'], 'Usage: bearerd completion bash|zsh|fish'],
    [['completion', 'fich'], 'did you mean "fish"?'],
    [['token'], 'Usage: bearerd token CREDENTIAL'],
    [['token', 'a', 'b'], 'unexpected argument'],
    [['simulate', '--port', 'many'], '--port'],
    [['simulate', '--port', '65536'], '--port'],
    [['simulate', '--port', '-1'], '--port'],
    [['simulate', '--port='], '--port'],
  ])('%j exits 2, with usage and nothing on stdout', async (args, expected) => {
    const { code, stdout, stderr } = await runHere(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(expected)
    expect(stderr).toMatch(/[Uu]sage|--help/)
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  it('is told so by its process too', async () => {
    expect(await run(['chekc'])).toEqual({ ...(await runHere(['chekc'])), code: 2, signal: null })
  })
})

describe('check', () => {
  it('prints what a good configuration means and exits 0', async () => {
    const file = scratch().write('good.yaml', goodConfig)
    const { code, stdout, stderr } = await run(['check', '-c', file])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('/api -> https://api.example.com/v1')
    expect(stdout).toContain('https://auth.example.com/token')
  })

  it('prints every problem of a bad one on stderr and exits 1', async () => {
    const text = `lisen: x\n${goodConfig.replace('https://api', 'http://api').replace('secret: secret', 'secret: ${NOPE}')}`
    const file = scratch().write('bad.yaml', text)
    const { code, stdout, stderr } = await run(['check', '--config', file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toEqual(linesOf(text).map((line) => line.replace('f.yaml', file)))
  })

  it('counts and writes addresses as people do', async () => {
    const file = scratch().write('good.yaml', `${goodConfig}listen: "[::1]:8080"\n`)
    expect((await runHere(['check', '-c', file])).stdout.split('\n')[0]).toBe(
      `${file}: 1 route, 1 credential, listening on [::1]:8080`,
    )
  })

  it.each([
    ['', 'anyone on this machine'],
    [
      ', callers: [{name: n, api_key: canary, credentials: [main]}, {name: o, cidr: 10.0.0.0/8}]',
      'n (api_key) for main; o (cidr)',
    ],
  ])('says where other proxies get tokens, and which%s', async (callers, words) => {
    const file = scratch().write('good.yaml', `${goodConfig}token_service: {listen: 127.0.0.1:9180${callers}}\n`)
    const line = `\n  tokens for other proxies on 127.0.0.1:9180: ${words}\n`
    expect((await runHere(['check', '-c', file])).stdout).toContain(line)
  })

  it('says who may call', async () => {
    const file = scratch().write('good.yaml', goodConfig)
    expect((await runHere(['check', '-c', file])).stdout).toContain('\n  callers: anyone on this machine\n')
    const list = 'callers: [{name: orders, api_key: canary, routes: [/api]}, {name: ops, cidr: 10.0.0.0/8}]'
    const named = scratch().write('named.yaml', `${goodConfig}listen: 0.0.0.0:8080\n${list}\n`)
    const { stdout } = await runHere(['check', '-c', named])
    expect(stdout).toContain('\n  callers: orders (api_key) on /api; ops (cidr)\n')
    const json = await runHere(['check', '-c', named, '--json'])
    expect(JSON.parse(json.stdout)).toMatchObject({ callers: ['orders', 'ops'] })
    expect(`${stdout}${json.stdout}`).not.toContain('canary')
  })

  it('says which credentials a person has to log in for', async () => {
    const key = Buffer.alloc(32).toString('base64')
    const login = 'grant_type: refresh_token\n    authorization_endpoint: https://auth.example.com/authorize'
    const text = `${goodConfig.replace('client_id:', `${login}\n    client_id:`)}token_store: {file: {path: /x, encryption_key: ${key}}}\n`
    const { stdout } = await runHere(['check', '-c', scratch().write('login.yaml', text)])
    expect(stdout.trimEnd().split('\n').at(-1)).toBe("  main needs a person's consent, once: bearerd login main")
  })

  it('prints JSON with --json', async () => {
    const file = scratch().write('good.yaml', goodConfig)
    const { code, stdout } = await runHere(['check', '-c', file, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      valid: true,
      file,
      routes: [
        {
          path: '/api',
          upstream: 'https://api.example.com/v1',
          credential: 'main',
          token_endpoint: 'https://auth.example.com/token',
          proxy: null,
          token_proxy: null,
        },
      ],
      callers: null,
    })
  })

  it('says which egress proxies are on the way, without their credentials', async () => {
    const file = scratch().write('good.yaml', `${goodConfig}    proxy: http://user:canary@own.test:3128\n`)
    const env = { HTTPS_PROXY: 'http://user:canary@corp.test:3128', http_proxy: 'http://not.test' }
    const { stdout } = await runHere(['check', '-c', file], { env })
    expect(stdout).toContain('/api -> https://api.example.com/v1 through http://own.test:3128  (')
    expect(stdout).toContain('from https://auth.example.com/token through http://corp.test:3128)')
    const json = await runHere(['check', '-c', file, '--json'], { env: { ...env, NO_PROXY: 'auth.example.com' } })
    expect(JSON.parse(json.stdout)).toMatchObject({ routes: [{ proxy: 'http://own.test:3128', token_proxy: null }] })
    expect(`${stdout}${json.stdout}`).not.toContain('canary')
  })

  it('prints the problems as JSON with --json, because a script reads it', async () => {
    const file = scratch().write('bad.yaml', `${goodConfig}lisen: x\n`)
    const { code, stdout } = await runHere(['check', '-c', file, '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      valid: false,
      problems: [
        {
          code: 'unknown_key',
          line: 10,
          column: 1,
          path: 'lisen',
          problem: 'there is no key "lisen" here',
          remedy: 'did you mean "listen"?',
        },
      ],
    })
  })

  it('takes the file from BEARERD_CONFIG, the option before it, and ./proxy.config.yaml without either', async () => {
    const files = scratch()
    const named = files.write('named.yaml', goodConfig.replace('/api', '/named'))
    const other = files.write('other.yaml', goodConfig.replace('/api', '/other'))
    files.write('proxy.config.yaml', goodConfig.replace('/api', '/default'))
    const outputs = await Promise.all([
      run(['check'], { env: { BEARERD_CONFIG: named } }),
      run(['check', '-c', other], { env: { BEARERD_CONFIG: named } }),
      run(['check'], { cwd: files.folder }),
      run(['check'], { cwd: files.folder, env: { BEARERD_CONFIG: '' } }),
    ])
    expect(outputs.map(({ stdout }) => /(\/\w+) ->/.exec(stdout)?.[1])).toEqual(['/named', '/other', '/default', '/default'])
  })

  it('says in one line that a file is missing, and how to name one', async () => {
    for (const args of [
      ['check', '-c', '/nowhere/x.yaml'],
      ['serve', '-c', '/nowhere/x.yaml'],
      ['-c', '/nowhere/x.yaml'],
    ]) {
      const { code, stdout, stderr } = await run(args)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/^\/nowhere\/x\.yaml: there is no such file; .*BEARERD_CONFIG.*\n$/)
    }
  })

  it('says in one line that a folder is not a file', async () => {
    const { code, stderr } = await runHere(['check', '-c', scratch().folder])
    expect(code).toBe(1)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('never prints a secret', async () => {
    const file = scratch().write(
      'c.yaml',
      `${goodConfig.replace('client_secret: secret', 'client_secret: ${KEY}').replace('/token', '/token?key=${KEY}')}    headers: {set: {X-Key: "\${KEY}"}}\n`,
    )
    for (const args of [
      ['check', '-c', file],
      ['check', '-c', file, '--json'],
    ]) {
      const { stdout, stderr } = await runHere(args, { env: { KEY: 'canary-secret' } })
      expect(stdout + stderr).not.toContain('canary-secret')
    }
  })
})

describe('providers', () => {
  it('lists every preset, for people and for scripts', async () => {
    const [text, json] = await Promise.all([runHere(['providers']), runHere(['providers', '--json'])])
    expect([text.code, json.code]).toEqual([0, 0])
    expect(
      text.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    ).toEqual(presetNames())
    const list = JSON.parse(json.stdout) as { name: string; environments: string[] }[]
    expect(list.map(({ name }) => name)).toEqual(presetNames())
    for (const { environments } of list) expect(environments[0]).toBe('production')
  })
})

describe('output that nobody reads any more', () => {
  it.each([['providers'], ['--help'], ['version']])('ends bearerd %s quietly, without a stack', async (command) => {
    const process = start([command])
    process.closeOutput()
    const { stderr } = await process.finished
    expect(stderr).toBe('')
  })
})

describe('simulate', () => {
  it('runs on any free port and stops on SIGTERM', async () => {
    const simulator = start(['simulate', '--port', '0'])
    const [, url = ''] = await simulator.untilOutput(/simulated providers at (http:\/\/127\.0\.0\.1:\d+)/)
    expect((await fetch(`${url}/_control`)).status).toBe(200)
    simulator.signal('SIGTERM')
    expect(await simulator.finished).toMatchObject({ code: 0, stderr: '' })
  })

  it('says in one line that its port is in use', async () => {
    const port = await takenPort()
    const { code, stdout, stderr } = await run(['simulate', '--port', String(port)])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(String(port))])
  })
})

describe('serve', () => {
  it('starts nothing with a wrong configuration', async () => {
    const file = scratch().write('bad.yaml', `listen: 127.0.0.1:0\nadmin: {listen: 127.0.0.1:0}\n${goodConfig}lisen: x\n`)
    const { code, stdout, stderr } = await run(['serve', '-c', file])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('lisen')
  })

  it.each(['listen', 'admin'])(
    'says in one line that the address of %s is in use, and by what key to change it',
    async (which) => {
      const taken = await takenPort()
      const [listen, admin] = which === 'listen' ? [taken, 0] : [0, taken]
      const file = scratch().write('c.yaml', `${goodConfig}listen: 127.0.0.1:${listen}\nadmin: {listen: "127.0.0.1:${admin}"}\n`)
      const { code, stderr } = await run(['serve', '-c', file])
      expect(code).toBe(1)
      expect(stderr.trimEnd().split('\n')).toEqual([
        expect.stringMatching(new RegExp(`127\\.0\\.0\\.1:${taken}.*"${which === 'admin' ? 'admin\\.listen' : 'listen'}"`)),
      ])
    },
  )

  it('says in one line that the machine has no such address', async () => {
    const file = scratch().write('c.yaml', `${goodConfig}listen: 192.0.2.1:0\ncallers: anyone\nadmin: {listen: "127.0.0.1:0"}\n`)
    const { code, stderr } = await run(['serve', '-c', file])
    expect(code).toBe(1)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })
})

describe('demo', () => {
  it('prints a configuration that is valid without any variable', async () => {
    const { code, stdout, stderr } = await run(['demo', '--print-config'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(problemsOf(stdout)).toEqual([])
    const file = scratch().write('demo.yaml', stdout)
    expect((await run(['check', '-c', file])).code).toBe(0)
  })
})

async function takenPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())))
  return (server.address() as AddressInfo).port
}
