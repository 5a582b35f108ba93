import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configJsonSchema } from '../../src/config/config-schema.ts'
import { loadConfig, parseConfig } from '../../src/config/load-config.ts'
import { presetNeeds } from '../../src/config/preset-needs.ts'
import { presetNames, readPreset } from '../../src/config/presets.ts'
import { run, runHere } from '../support/cli-process.ts'
import { initPlace, runInit } from '../support/init-run.ts'
import { schemaProblems } from '../support/json-schema-check.ts'

const schema = configJsonSchema()

/** A value for each variable that a text names: an address where one is wanted. */
function envFor(text: string): Record<string, string> {
  const names = [...text.matchAll(/\$\{([A-Z_0-9]+)\}/g)].map(([, name = '']) => name)
  return Object.fromEntries(names.map((name) => [name, /_(UPSTREAM|TOKEN_ENDPOINT)$/.test(name) ? 'https://a.example/b' : 'a']))
}

/** The lines of a text that say something to bearerd. */
function codeOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trimEnd())
    .filter((line) => line !== '')
}

describe('bearerd init with presets', () => {
  it('writes a file that loads with the variables it names, and says what is left to do', async () => {
    const { config, path } = initPlace()
    const { code, stdout, stderr } = await runInit({ providers: ['gett', 'uber'], values: { config } })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    const text = readFileSync(config, 'utf8')
    expect(codeOf(text)).toEqual([
      'listen: 127.0.0.1:8080',
      'admin:',
      '  listen: 127.0.0.1:9090',
      'credentials:',
      '  gett:',
      '    provider: gett',
      '    client_id: ${GETT_CLIENT_ID}',
      '    client_secret: ${GETT_CLIENT_SECRET}',
      '  uber:',
      '    provider: uber',
      '    client_id: ${UBER_CLIENT_ID}',
      '    client_secret: ${UBER_CLIENT_SECRET}',
      'routes:',
      '  - path: /gett',
      '    credential: gett',
      '  - path: /uber',
      '    credential: uber',
    ])
    const env = { GETT_CLIENT_ID: 'a', GETT_CLIENT_SECRET: 'b', UBER_CLIENT_ID: 'c', UBER_CLIENT_SECRET: 'd' }
    expect(loadConfig(config, env).routes.map(({ label }) => label)).toEqual(['/gett', '/uber'])
    expect(stderr.split('\n')).toEqual([
      `wrote ${config}`,
      `wrote ${path('bearerd.schema.json')}, with which editors complete and explain its keys`,
      'Next:',
      ...Object.keys(env).map((name) => `  export ${name}=...`),
      `  bearerd doctor -c ${config}`,
      `  bearerd serve -c ${config}`,
      '  curl http://127.0.0.1:8080/gett/...',
    ])
  })

  it('names the next commands as they are run from a checkout', async () => {
    const { config } = initPlace()
    const { stderr } = await runInit({ providers: ['gett'], values: { config }, env: { npm_lifecycle_event: 'bearerd' } })
    expect(stderr).toContain(`\n  npm run bearerd -- doctor -c ${config}\n  npm run bearerd -- serve -c ${config}\n`)
  })

  it.each(presetNames())('writes for %s what its user has to say, and no more', async (name) => {
    const { stdout: text } = await runInit({ providers: [name], values: { stdout: true } })
    const config = parseConfig('f.yaml', text, envFor(text))
    expect(config.credentials.get(name)).toMatchObject({ provider: name })
    expect(config.routes).toHaveLength(1)
    expect(schemaProblems(schema, parse(text))).toEqual([])

    const { credentials, routes } = parse(text) as { credentials: Record<string, Record<string, unknown>>; routes: object[] }
    const { provider: _, variables, ...keys } = credentials[name] ?? {}
    const written = [...Object.keys(keys), ...Object.keys(variables ?? {}).map((key) => `variables.${key}`)]
    const { credential, route } = presetNeeds(name)
    expect(written.sort()).toEqual([...credential].sort())
    expect(Object.keys(routes[0] ?? {}).sort()).toEqual(['path', 'credential', ...route].sort())
  })

  it('explains each line that says something', async () => {
    const { stdout: text } = await runInit({ providers: presetNames(), values: { stdout: true } })
    const bare = text.split('\n').filter((line) => /^ {2,4}(- )?\w+: \S/.test(line) && !/ # \S/.test(line))
    expect(bare).toEqual([])
    expect(text).toMatch(/^# yaml-language-server: \$schema=bearerd\.schema\.json\n/)
    expect(text.split('\n').filter((line) => line.length > 170)).toEqual([])
  })

  it('says what a preset says is required', async () => {
    const { stdout } = await runInit({ providers: ['auth0'], values: { stdout: true } })
    expect(stdout).toContain('# audience: the identifier of your API, required by Auth0 (docs)')
    expect(stdout).toContain('token_endpoint: https://${AUTH0_TENANT}.auth0.com/oauth/token')
  })

  it('takes the path and the upstream of a route', async () => {
    const values = { stdout: true, path: 'pay/', upstream: 'https://pay.example/v2' }
    const { stdout, stderr } = await runInit({ providers: ['paypal'], values, env: { PAYPAL_CLIENT_ID: 'set already' } })
    expect(codeOf(stdout).slice(-3)).toEqual(['  - path: /pay', '    upstream: https://pay.example/v2', '    credential: paypal'])
    expect(stderr).not.toContain('PAYPAL_CLIENT_ID')
    expect(stderr).toContain('  bearerd schema > bearerd.schema.json\n  bearerd doctor -c FILE\n')
  })
})

describe('the file that bearerd init writes', () => {
  const write = (config: string, force = false) => runInit({ providers: ['gett'], values: { config, force } })

  it('does not replace another one, unless it is told to', async () => {
    const { config, write: put } = initPlace()
    put('proxy.config.yaml', 'mine')
    await expect(write(config)).rejects.toMatchObject({
      name: 'OperationError',
      message: `${config} is there already: --force overwrites it, -c FILE writes another, --stdout prints`,
    })
    expect(readFileSync(config, 'utf8')).toBe('mine')
    chmodSync(config, 0o600)
    await write(config, true)
    expect(readFileSync(config, 'utf8')).toContain('provider: gett')
    expect(statSync(config).mode & 0o777).toBe(0o600)
  })

  it('is refused before anybody is asked or a call is read', async () => {
    const { config, write: put } = initPlace()
    put('proxy.config.yaml', 'mine')
    await expect(runInit({ values: { config }, answers: [] })).rejects.toThrow(/is there already/)
  })

  it('leaves a symbolic link one, and its target in place', async () => {
    const { config, folder, path, write: put } = initPlace()
    put('real.yaml', 'mine')
    symlinkSync('real.yaml', config)
    await write(config, true)
    expect(readFileSync(path('real.yaml'), 'utf8')).toContain('provider: gett')
    expect(readdirSync(folder).sort()).toEqual(['bearerd.schema.json', 'proxy.config.yaml', 'real.yaml'])
  })

  it.each([
    [
      'in a folder that is not there',
      'no/proxy.config.yaml',
      /^\S+ cannot be written \(ENOENT\): see that its folder exists and may be written$/,
    ],
    ['below a file', 'file/proxy.config.yaml', /cannot be written \(ENOTDIR\)/],
    ['in place of a folder', 'folder', /^\S+ is no file that could be overwritten$/],
  ])('is one line when it cannot be: %s', async (_, name, message) => {
    const { path, write: put } = initPlace()
    put('file', '')
    mkdirSync(path('folder'))
    await expect(write(path(name), true)).rejects.toMatchObject({
      name: 'OperationError',
      message: expect.stringMatching(message) as string,
    })
  })

  it('goes without its schema where another one is already', async () => {
    const { config, path, write: put } = initPlace()
    put('bearerd.schema.json', '{}')
    const { stderr } = await write(config)
    expect(stderr).toContain(
      `${path('bearerd.schema.json')} is there already and differs: bearerd schema prints that of this version`,
    )
    expect(readFileSync(path('bearerd.schema.json'), 'utf8')).toBe('{}')
  })

  it('finds the schema where its first line says it is', async () => {
    const { config, path } = initPlace()
    await write(config)
    const text = readFileSync(config, 'utf8')
    const [, name = ''] = /\$schema=(\S+)/.exec(text) ?? []
    expect(schemaProblems(JSON.parse(readFileSync(path(name), 'utf8')) as Record<string, unknown>, parse(text))).toEqual([])
  })
})

describe('a wrong command line of bearerd init', () => {
  it.each<[string, readonly string[], RegExp]>([
    ['nothing, and nobody to ask', [], /^bearerd: say for which PROVIDER .*--from-curl.*\nUsage: bearerd init /],
    ['an unknown preset', ['getnett'], /there is no preset "getnett"; did you mean "getnet"\? For another provider: --from-curl/],
    ['a preset and a call', ['gett', '--from-curl', 'curl x'], /either a PROVIDER or --from-curl/],
    ['one path for two routes', ['gett', 'uber', '--path', '/a'], /--upstream and --path are about one route/],
    ['no call', ['--from-curl', 'wget https://a.example'], /this is no call/],
    [
      'a call without its quotes',
      ['--from-curl', 'curl', 'https://a.example'],
      /either a PROVIDER or --from-curl; the whole call is one argument/,
    ],
  ])('is refused with 2: %s', async (_, args, message) => {
    const { code, stdout, stderr } = await runHere(['init', '--stdout', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('shows nothing of what may be a secret', async () => {
    for (const args of [
      ['client_secret=canary'],
      ['--from-curl', 'canary'],
      ['gett', 'id:canary@'],
      ['--from-curl', 'curl --canary=canary a.example'],
    ]) {
      const { code, stderr } = await runHere(['init', '--stdout', ...args])
      expect(code).toBe(2)
      expect(stderr.replace(/--canary/, '')).not.toContain('canary')
    }
  })

  it.each([
    [
      'an upstream that is no URL',
      { upstream: 'api.example.com' },
      /^nothing is written: routes\[0\]\.upstream: not an absolute http or https URL; /,
    ],
    ['a path that is none', { path: 'a b' }, /^nothing is written: routes\[0\]\.path: /],
  ])('is refused with 1 and nothing written: %s', async (_, values, message) => {
    const { config, folder } = initPlace()
    await expect(runInit({ providers: ['gett'], values: { config, ...values } })).rejects.toMatchObject({
      name: 'OperationError',
      message: expect.stringMatching(message) as string,
    })
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('bearerd init at a terminal', () => {
  it('asks for providers, by their name or how it begins, until it is clear who is meant', async () => {
    const { stdout, stderr, questions } = await runInit({
      values: { stdout: true },
      answers: ['get', 'uber nobody', 'gett,ub salesforce', 'sand', 'https://acme.my.salesforce.com/services/oauth2/token'],
    })
    expect(questions).toEqual([
      ...Array.from({ length: 3 }, () => expect.stringMatching(/^Which ones\?/) as string),
      'Environment of uber (production, sandbox) [production]: ',
      'Token endpoint of salesforce [a variable]: ',
    ])
    expect(stderr).toContain('"get" may be getbill or getnet or gett.')
    expect(stderr).toContain('There is no preset "nobody".')
    const env = envFor(stdout)
    const { credentials } = parseConfig('f.yaml', stdout, env)
    expect([...credentials.keys()]).toEqual(['gett', 'uber', 'salesforce'])
    expect(stdout).toContain('environment: sandbox')
    expect(credentials.get('salesforce')?.token_endpoint).toBe('https://acme.my.salesforce.com/services/oauth2/token')
  })

  it('lists every preset, on lines of a terminal', async () => {
    const { stderr } = await runInit({ values: { stdout: true }, answers: ['gett'] })
    for (const name of presetNames()) expect(stderr).toMatch(new RegExp(`(^| )${name}( |$)`, 'm'))
    expect(stderr.split('\n').every((line) => line.length <= 80)).toBe(true)
  })

  it('asks again for an address that is none, and takes nothing for a variable', async () => {
    const { stdout, stderr } = await runInit({
      values: { stdout: true },
      answers: ['adobe', 'firefly', 'https://firefly-api.adobe.io'],
    })
    expect(stderr).toContain('not an absolute http or https URL; write it as https://api.example.com/v1.')
    expect(stdout).toContain('upstream: https://firefly-api.adobe.io')
    const variable = await runInit({ values: { stdout: true }, answers: ['adobe', ''] })
    expect(variable.stdout).toContain('upstream: ${ADOBE_IMS_UPSTREAM}')
  })

  it('asks for the upstream of a call, and suggests the origin of its token endpoint', async () => {
    const call = 'curl -u a:b -d grant_type=client_credentials https://auth.crm.example/token'
    const suggested = await runInit({ values: { stdout: true, 'from-curl': call }, answers: [''] })
    expect(suggested.questions).toEqual(['Base URL of the API of crm [https://auth.crm.example]: '])
    expect(suggested.stdout).toContain('upstream: https://auth.crm.example')
    const said = await runInit({ values: { stdout: true, 'from-curl': call }, answers: ['https://api.crm.example'] })
    expect(said.stdout).toContain('upstream: https://api.crm.example')
    expect(said.stderr).not.toContain('guess')
  })

  it('asks nothing when everything is said', async () => {
    await runInit({ providers: ['adobe-ims'], values: { stdout: true }, answers: [] })
    await runInit({
      values: { stdout: true, 'from-curl': 'curl -u a:b https://a.example/t', upstream: 'https://b.example' },
      answers: [],
    })
  })

  it('says how to go on for a provider without a preset', async () => {
    await expect(runInit({ values: { stdout: true }, answers: [''] })).rejects.toMatchObject({
      name: 'OperationError',
      message: expect.stringContaining('bearerd init --from-curl -') as string,
    })
  })
})

describe('the presets of providers with hosts for each tenant', () => {
  it('say what these look like', () => {
    const patterns = presetNames()
      .map(readPreset)
      .filter(({ perTenant }) => perTenant.token_endpoint !== undefined)
    expect(patterns.map(({ name }) => name)).toEqual(
      presetNames().filter((name) => presetNeeds(name).credential.includes('token_endpoint')),
    )
  })
})

describe('a process of bearerd init', () => {
  it('ends with 2 and says how, without a terminal and with nothing said', async () => {
    const { code, stdout, stderr } = await run(['init', '--stdout'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('without a terminal nobody can be asked')
  })
})
