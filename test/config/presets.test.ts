import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { presetNames, readPreset } from '../../src/config/presets.ts'
import { shownUpstream } from '../../src/config/schema/upstream.ts'
import type { Config, Credential } from '../../src/config/config.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { configOf, placesOf, problemsOf } from '../support/cli-problems.ts'

const root = join(import.meta.dirname, '../..')

/** What a user has to write beyond the client, and no more. */
const minimal: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'adobe-ims': { upstream: 'https://api.example' },
  amadeus: {},
  'amazon-sp-api': { upstream: 'https://api.example' },
  auth0: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  booking: { upstream: 'https://api.example' },
  cognito: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  ebay: {},
  entra: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  fedex: {},
  feishu: {},
  fitbank: { upstream: 'https://api.example' },
  getbill: {},
  getnet: { variables: '{channel: shop}' },
  gett: {},
  gobiz: {},
  keystone: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  klasha: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example', variables: '{public_key: key}' },
  marketo: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  paypal: {},
  sabre: {},
  salesforce: { token_endpoint: 'https://tenant.example/token' },
  'salesforce-marketing-cloud': { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  shopify: { token_endpoint: 'https://tenant.example/token', upstream: 'https://api.example' },
  spotify: {},
  twitch: {},
  uber: {},
  ups: {},
  usps: {},
  vipps: { variables: '{subscription_key: key}' },
  wechat: {},
  zoom: { variables: '{account_id: mine}' },
}

/** @param more further keys of the credential, in place of those that are there already */
function textOf(provider: string, more = ''): string {
  const { upstream, ...keys } = { client_id: 'id', client_secret: 'key', ...minimal[provider] } as Readonly<
    Record<string, string>
  >
  const written = Object.entries(keys)
    .filter(([key]) => !more.startsWith(`${key}:`))
    .map(([key, value]) => `${key}: ${value.startsWith('{') ? value : JSON.stringify(value)}`)
  const credential = [`provider: ${provider}`, ...written, ...(more === '' ? [] : [more])].join(', ')
  return `credentials:\n  mine: {${credential}}\nroutes: [{path: /p, credential: mine${upstream === undefined ? '' : `, upstream: "${upstream}"`}}]\n`
}

function shownOf({ routes: [route] }: Config): string {
  return route === undefined ? '' : shownUpstream(route.upstream)
}

function credentialOf(provider: string, more = ''): Credential {
  const credential = configOf(textOf(provider, more)).credentials.get('mine')
  if (credential === undefined) throw new Error('no credential')
  return credential
}

describe('presets', () => {
  it('are those of providers/, and each one is tried here', () => {
    const files = readdirSync(join(root, 'providers'))
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => file.replace('.yaml', ''))
    expect(presetNames()).toEqual(files.sort())
    expect(Object.keys(minimal)).toEqual(presetNames())
    expect(presetNames().length).toBeGreaterThanOrEqual(25)
  })

  it.each(presetNames())('%s needs no more than the keys that only the user can know', (name) => {
    const config = configOf(textOf(name))
    expect(shownOf(config)).toMatch(/^(https:\/\/|\{token\.[a-z_]+\}$)/)
    expect(config.credentials.get('mine')).toMatchObject({
      provider: name,
      insecure_http: false,
      token_endpoint: expect.stringMatching(/^https:/) as unknown,
    })
  })

  it.each(presetNames())(
    '%s has a title, the address of its documentation, hosts unless each tenant has its own, and nothing that is no key of a credential',
    (name) => {
      const preset = readPreset(name)
      expect(preset.title).not.toBe('')
      expect(preset.documentation).toMatch(/^https:\/\//)
      // Where a provider has a host per tenant, the user says it.
      expect(preset.upstream === undefined).toBe(minimal[name]?.['upstream'] !== undefined)
      expect(Object.hasOwn(preset.defaults, 'token_endpoint')).toBe(minimal[name]?.['token_endpoint'] === undefined)
    },
  )

  it.each(presetNames().flatMap((name) => Object.keys(readPreset(name).environments).map((environment) => [name, environment])))(
    '%s has the environment %s, which differs from production',
    (name, environment) => {
      const sandbox = configOf(textOf(name, `environment: ${environment}`))
      const production = configOf(textOf(name, 'environment: production'))
      expect([shownOf(sandbox), sandbox.credentials.get('mine')?.token_endpoint]).not.toEqual([
        shownOf(production),
        production.credentials.get('mine')?.token_endpoint,
      ])
      expect(configOf(textOf(name)).routes).toEqual(
        production.routes.map((route) => ({ ...route, credential: configOf(textOf(name)).credentials.get('mine') })),
      )
    },
  )

  it.each([
    ['token_endpoint', 'token_endpoint: "https://other.example/t"', { token_endpoint: 'https://other.example/t' }],
    ['scope', 'scope: mine', { scope: 'mine' }],
    [
      'token_endpoint_auth_method',
      'token_endpoint_auth_method: client_secret_basic',
      { token_endpoint_auth_method: 'client_secret_basic' },
    ],
    ['grant_type', 'grant_type: special', { grant_type: 'special' }],
    ['renew_before', 'renew_before: 30s', { renew_before: { ms: 30_000 } }],
    ['token_requests', 'token_requests: {limit: 3, window: 1m}', { token_requests: { limit: 3, window: 60_000 } }],
    ['token_request.timeout', 'token_request: {timeout: 3s}', { token_request: { timeout: 3_000 } }],
    [
      'token_response.expires.default',
      'token_response: {expires: {default: 1m}}',
      { token_response: { expires: { default: 60_000 } } },
    ],
    ['rejected_when', 'rejected_when: [{status: 418}]', { rejected_when: [{ status: 418 }] }],
  ])('can be overridden key by key: %s', (_key, yaml, expected) => {
    for (const name of presetNames()) expect(credentialOf(name, yaml), name).toMatchObject(expected)
  })

  it('keep the rest of a group when one key of it is overridden', () => {
    const { token_request: recipe } = credentialOf(
      'getnet',
      'token_request: {timeout: 3s, params: {branch: "7"}, headers: {X-Extra: y}}',
    )
    expect(recipe).toMatchObject({ timeout: 3_000, encoding: 'json' })
    expect(Object.keys(recipe.params)).toEqual(
      expect.arrayContaining(['branch', 'login', 'name', 'enrollment_number', 'grant_type']),
    )
    expect(Object.keys(recipe.headers)).toEqual(['client_id', 'client_secret', 'channel', 'scope', 'X-Extra'])
  })

  it('give way to the upstream of a route', () => {
    const text = textOf('gett').replace('credential: mine', 'credential: mine, upstream: "https://other.example/x"')
    expect(configOf(text).routes[0]?.upstream).toMatchObject({ hostname: 'other.example', basePath: '/x' })
  })

  it('are not changed by a configuration that overrides them', () => {
    const before = JSON.stringify(readPreset('getnet').defaults)
    credentialOf('getnet', 'token_request: {encoding: form, headers: {X-Extra: y}}, scope: mine')
    expect(JSON.stringify(readPreset('getnet').defaults)).toBe(before)
  })

  it('can be used by several credentials, with several identities', () => {
    const text = `credentials:\n  one: {provider: gett, client_id: a, client_secret: b}\n  two: {provider: gett, client_id: c, client_secret: d, scope: order}\nroutes: [{path: /1, credential: one}, {path: /2, credential: two}]\n`
    const { credentials } = configOf(text)
    expect([credentials.get('one')?.client_id?.reveal(), credentials.get('two')?.client_id?.reveal()]).toEqual(['a', 'c'])
    expect([credentials.get('one')?.scope, credentials.get('two')?.scope]).toEqual([undefined, 'order'])
  })
})

describe('a wrong preset or environment', () => {
  it('gets the name that was meant', () => {
    expect(problemsOf(textOf('getnett'))).toContain(
      'f.yaml:2:20: credentials.mine.provider: there is no preset of this name; did you mean "getnet"?',
    )
    expect(problemsOf(textOf('uber', 'environment: sandbux'))[0]).toMatch(
      /^f\.yaml:2:\d+: credentials\.mine\.environment: .+; did you mean "sandbox"\?$/,
    )
  })

  it('gets all names when none is near', () => {
    expect(problemsOf(textOf('nothing-like-any-of-them')).join('\n')).toContain(`known here: ${presetNames().join(', ')}`)
    expect(problemsOf(textOf('gett', 'environment: sandbox'))[0]).toContain('production')
  })

  it.each(['../providers/gett', './gett', 'gett.yaml', '/etc/passwd', '', 'GETT'])('never reads another file: %j', (name) => {
    expect(problemsOf(textOf(JSON.stringify(name))).some((line) => line.includes(' credentials.mine.provider: '))).toBe(true)
  })

  it('is an environment without a provider', () => {
    const text =
      'credentials: {mine: {environment: sandbox, token_endpoint: "https://a.example/t", client_id: a, client_secret: b}}\nroutes: [{path: /p, credential: mine, upstream: "https://a.example"}]\n'
    expect(placesOf(text)).toEqual(['1:35 credentials.mine.environment'])
  })
})

describe('the getnet preset', () => {
  it('says that variables.channel is missing, by that name and once', () => {
    const problems = problemsOf(textOf('getnet').replace(', variables: {channel: shop}', ''))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^f\.yaml:2:3: credentials\.mine\.variables\.channel: this key is required; .+/)
  })

  it('sends what the document wants: fields of its own and a JSON body with four members that may be empty', async () => {
    const request = await buildTokenRequest(credentialOf('getnet'))
    expect(request.headers).toMatchObject({ client_id: 'id', client_secret: 'key', channel: 'shop', scope: 'oob' })
    expect(JSON.parse(Buffer.from(request.body ?? []).toString())).toEqual({
      branch: '',
      login: '',
      name: '',
      enrollment_number: '',
    })
  })

  it('takes the four members from variables', async () => {
    const text = textOf('getnet').replace('channel: shop', 'channel: shop, branch: "0001", login: me')
    const credential = configOf(text).credentials.get('mine')
    if (credential === undefined) throw new Error('no credential')
    const body = JSON.parse(Buffer.from((await buildTokenRequest(credential)).body ?? []).toString()) as Record<string, string>
    expect(body).toEqual({ branch: '0001', login: 'me', name: '', enrollment_number: '' })
  })
})

describe('numbers that are texts', () => {
  it.each(['0001', '12345678901234567890', '1e5', '0x1F', '1.10'])(
    'are sent as they are written, or refused, but never changed: %s',
    async (digits) => {
      const text = textOf('getnet').replace('channel: shop', `channel: shop, branch: ${digits}`)
      if (problemsOf(text).length > 0) return
      const credential = configOf(text).credentials.get('mine')
      if (credential === undefined) throw new Error('no credential')
      expect(JSON.parse(Buffer.from((await buildTokenRequest(credential)).body ?? []).toString())).toMatchObject({
        branch: digits,
      })
    },
  )
})

describe('the example in the repository', () => {
  const env = Object.fromEntries(
    ['GETT', 'GOBIZ', 'GETBILL', 'UBER', 'GETNET'].flatMap((name) => [
      [`${name}_CLIENT_ID`, 'id'],
      [`${name}_CLIENT_SECRET`, 'key'],
    ]),
  )

  it('loads with the variables that it names', () => {
    const config = loadConfig(join(root, 'proxy.config.yaml'), { ...env, GETNET_CHANNEL: 'shop' })
    expect(config.routes.map(({ label }) => label)).toEqual(['/gett', '/gobiz', '/getbill', '/uber', '/getnet'])
    expect([...config.credentials.keys()]).toEqual(['gett', 'gobiz', 'getbill', 'uber', 'getnet'])
    expect(config.listen).toMatchObject({ isLoopback: true, port: 8080 })
  })

  it('names every variable that is missing, each once', () => {
    const names = [...Object.keys(env), 'GETNET_CHANNEL']
    let message = ''
    try {
      loadConfig(join(root, 'proxy.config.yaml'), {})
    } catch (error) {
      message = String(error)
    }
    for (const name of names) expect(message.split(`variable ${name} is not set`)).toHaveLength(2)
    expect(message.split('\n')).toHaveLength(names.length)
  })

  it('still loads when its commented suggestions are switched on', async () => {
    const { readFileSync } = await import('node:fs')
    const text = readFileSync(join(root, 'proxy.config.yaml'), 'utf8')
      .replaceAll('    # environment: sandbox', '    environment: sandbox')
      .replace('# callers: anyone ', 'callers: anyone ')
      .replace(/^ {2}# {3}?(?=example:| {2,})/gm, '  ')
      .replace('{file: /run/secrets/example}', '${EXAMPLE_CLIENT_ID}')
    expect(problemsOf(text, { ...env, GETNET_CHANNEL: 'shop', EXAMPLE_CLIENT_ID: 'x' })).toEqual([])
  })
})
