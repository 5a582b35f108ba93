import { describe, expect, it } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import { ConfigError } from '../../src/config/problem.ts'
import { configProblems } from '../../src/config/problem-codes.ts'
import type { ConfigProblemCode } from '../../src/config/problem-codes.ts'
import { scratch } from '../support/cli-scratch.ts'
import { codesOf, goodConfig, linesOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

const caller = '{name: a, cidr: 10.0.0.0/8}'
const jwt = '{issuer: "https://a.example", jwks_uri: "http://a.example/keys", audience: b}'

/** What people write, and which kind of problem it is. */
const problems: readonly [code: ConfigProblemCode, at: string, text: string, env?: NodeJS.ProcessEnv][] = [
  ['empty_configuration', '', '# nothing\n'],
  ['yaml_syntax', '', `${goodConfig}callers: [`],
  ['yaml_syntax', 'hosts', withTop('hosts: *nothing')],
  ['malformed_variable', 'credentials.main.scope', withCredential('scope: "${A B}"')],
  ['missing_variable', 'credentials.main.scope', withCredential('scope: "${A}"')],
  ['missing_variable', 'credentials.main.client_secret', goodConfig.replace('secret: secret', 'secret: {env: A}')],
  ['duplicate_key', 'credentials.main.client_id', withCredential('client_id: other')],
  ['duplicate_key', 'routes[0].headers.set.x-a', withRoute('headers: {set: {X-A: "1", x-a: "2"}}')],
  ['unknown_key', 'routes[0].methds', withRoute('methds: [GET]')],
  ['required_key', 'credentials.main.client_id', goodConfig.replace('    client_id: client\n', '')],
  ['required_key', 'routes[0].path', goodConfig.replace('path: /api\n    ', '')],
  ['required_key', 'routes', goodConfig.replace(/routes:[^]*/, 'routes: []\n')],
  ['invalid_value', 'listen', withTop('listen: nowhere')],
  ['invalid_value', 'routes[0].methods', withRoute('methods: []')],
  ['invalid_value', 'credentials.main.client_id', goodConfig.replace('client_id: client', 'client_id: 0x10')],
  ['unknown_name', 'routes[0].credential', goodConfig.replace('credential: main', 'credential: man')],
  ['unknown_name', 'credentials.main.provider', withCredential('provider: get')],
  ['wrong_placeholder', 'credentials.main.inject.value', withCredential('inject: {header: X-A, value: "{access_token} {no}"}')],
  ['wrong_placeholder', 'credentials.main.token_request.headers.X-A', withCredential('token_request: {headers: {X-A: "{"}}')],
  ['not_unique', 'routes[1].path', `${goodConfig}${goodConfig.replace(/[^]*routes:\n/, '')}`],
  ['not_unique', 'admin.listen', withTop('admin: {listen: "127.0.0.1:8080"}')],
  ['reserved_name', 'routes[0].headers.set.Connection', withRoute('headers: {set: {Connection: close}}')],
  ['reserved_name', 'credentials.main.variables.scope', withCredential('variables: {scope: a}')],
  ['reserved_name', 'routes[0].__proto__', withRoute('__proto__: a')],
  ['conflicting_keys', 'callers[0]', withTop('callers: [{name: a}]')],
  ['conflicting_keys', 'credentials.main.client_secret', goodConfig.replace('secret: secret', 'secret: {env: A, file: b}')],
  ['conflicting_keys', 'token_store', withTop('token_store: {}')],
  ['conflicting_keys', 'credentials.main.inject', withCredential('inject: {value: "{access_token}"}')],
  ['no_effect', 'credentials.main.environment', withCredential('environment: sandbox')],
  ['no_effect', 'listen', withTop('listen: {address: "127.0.0.1:8080", mode: "0600"}')],
  ['unreadable_file', 'credentials.main.client_secret', goodConfig.replace('secret: secret', 'secret: {file: /no/such}')],
  ['unusable_key', 'tls.cert', withTop('tls: {cert: "-----BEGIN nothing", key: "-----BEGIN nothing"}')],
  ['unusable_proxy', 'credentials.main.token_endpoint', goodConfig, { HTTPS_PROXY: 'socks5://proxy.example.com' }],
  ['clear_text', 'routes[0].upstream', goodConfig.replace('https://api', 'http://api')],
  ['clear_text', 'callers[0].jwt.jwks_uri', withTop(`callers: [{name: a, jwt: ${jwt}}]`)],
  ['open_to_all', 'listen', withTop('listen: 0.0.0.0:8080')],
  [
    'token_not_kept',
    'token_store',
    withTop('token_store: memory').replace(
      '    client_id:',
      '    grant_type: refresh_token\n    authorization_endpoint: https://auth.example.com/authorize\n    client_id:',
    ),
  ],
]

/** Not of a text: shown below, and in test/cli/reload.test.ts. */
const shownElsewhere: readonly ConfigProblemCode[] = ['no_configuration', 'restart_needed']

describe('the code of a problem', () => {
  it.each(problems)('is %s for %s', (code, at, text, env) => {
    expect(codesOf(text, env)).toContain(`${code} ${at}`)
  })

  it('stands in brackets at the end of its line', () => {
    expect(linesOf(withTop(`callers: [${caller}, ${caller}]`))).toEqual([
      'f.yaml:10:47: callers[1].name: another caller has this name; choose another one [not_unique]',
    ])
  })

  it('is no_configuration where there is no file', () => {
    const file = scratch().path('none.yaml')
    const load = () => loadConfig(file, {})
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/^\S+none\.yaml: there is no such file; .+ \[no_configuration\]$/)
  })

  it('is shown here for each kind of problem', () => {
    expect([...new Set([...problems.map(([code]) => code), ...shownElsewhere])].sort()).toEqual(
      Object.keys(configProblems).sort(),
    )
  })
})
