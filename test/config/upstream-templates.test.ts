import { describe, expect, it, test } from 'vitest'
import { isAllowedHost } from '../../src/config/schema/allowed-host.ts'
import { shownUpstream } from '../../src/config/schema/upstream.ts'
import { parseUpstreamUrl } from '../../src/config/schema/url.ts'
import type { UpstreamUrl } from '../../src/config/schema/url.ts'
import { configOf, goodConfig, placesOf, problemsOf } from '../support/cli-problems.ts'

/** `goodConfig` with another upstream, and further lines in its route. */
function withUpstream(upstream: string, ...lines: readonly string[]): string {
  return goodConfig.replace('https://api.example.com/v1', () => upstream) + lines.map((line) => `    ${line}\n`).join('')
}

const salesforce = 'allowed_hosts: ["*.my.salesforce.com"]'

function shown(text: string, env: Record<string, string> = {}): string {
  const [route] = configOf(text, env).routes
  return route === undefined ? '' : shownUpstream(route.upstream)
}

describe('an upstream from the token', () => {
  it.each([
    '"{token.instance_url}"',
    '"{token.instance_url}/services/data"',
    '"https://{token.host}/api"',
    '"https://{token.host}:{token.port}/api"',
    '"https://{token.region}.api.example.com"',
    '"https://api.{token.tld}/"',
    '"{token.scheme}://{token.host}"',
    '"https://api.example.com/{token.tenant}/v1"',
    '"{token.a}{token.b}"',
    '"{token.urls.rest-api}"',
  ])('is written as %s', (upstream) => {
    expect(problemsOf(withUpstream(upstream, salesforce))).toEqual([])
    expect(shown(withUpstream(upstream, salesforce))).toBe(JSON.parse(upstream))
  })

  it('needs the hosts that it may be on', () => {
    expect(problemsOf(withUpstream('"{token.instance_url}"'))).toEqual([
      'f.yaml:7:5: routes[0].allowed_hosts: this key is required; name the hosts that an upstream from the token may be on, such as "*.my.salesforce.com"',
    ])
    expect(placesOf(withUpstream('"{token.instance_url}"', 'allowed_hosts: []'))).toEqual(['10:20 routes[0].allowed_hosts'])
  })

  it('may name nothing but fields of the token response', () => {
    for (const name of ['client_id', 'access_token', 'host', 'token', 'token.', 'request.header.X-Host']) {
      expect(problemsOf(withUpstream(`"https://{${name}}/api"`, salesforce)), name).toEqual([
        expect.stringMatching(/^f\.yaml:8:15: routes\[0\]\.upstream: the template names \{.+\}, .+; write \{token\.FIELD\}, .+/),
      ])
    }
    expect(problemsOf(withUpstream('"https://{token.host/api"', salesforce))).toEqual([
      'f.yaml:8:15: routes[0].upstream: a single brace "{" that belongs to no {placeholder}; write {token.FIELD}, a field of the token response',
    ])
  })

  it.each([
    '"ftp://{token.host}"',
    '"//{token.host}"',
    '"{token.instance_url}?x=1"',
    '"{token.instance_url}#x"',
    '"{token.instance_url}/../x"',
    '"{token.instance_url}/%2e%2e/x"',
    '"{token.instance_url}/..;/x"',
    '"{token.instance_url}/a%2fb"',
    '"https://user:{token.key}@api.example.com"',
    '"https://{token.host}/a b"',
    '"https://{token.host}/é"',
    '"https://{token.host}\\\\x"',
    '"https://0x7f.1/{token.path}"',
    '"https://%61pi.example.com/{token.path}"',
  ])('is refused at once when no answer could make it right: %s', (upstream) => {
    expect(placesOf(withUpstream(upstream, salesforce))).toEqual(['8:15 routes[0].upstream'])
  })

  it('needs a credential whose tokens have an answer', () => {
    const bare = `routes: [{path: /a, upstream: "{token.host}", allowed_hosts: [a.example]}]`
    expect(problemsOf(bare)).toEqual([expect.stringMatching(/^f\.yaml:1:31: routes\[0\]\.upstream: without a credential .+; .+/)])
    const signed = `credentials:
  main:
    grant_type: self_signed
    client_id: a
    token_request: {assertion: {alg: HS256, key: "0123456789012345678901234567890123456789"}}
routes: [{path: /a, upstream: "{token.host}", allowed_hosts: [a.example], credential: main}]
`
    expect(problemsOf(signed)).toEqual([
      expect.stringMatching(/routes\[0\]\.upstream: the credential main signs its tokens .+; .+/),
    ])
  })

  it('over plain http needs a word, and the word must have an effect', () => {
    const plain = '"http://{token.host}"'
    expect(placesOf(withUpstream(plain, salesforce))).toEqual(['8:15 routes[0].upstream'])
    expect(problemsOf(withUpstream(plain, salesforce, 'insecure_http: true'))).toEqual([])
    expect(problemsOf(withUpstream(plain, 'allowed_hosts: [localhost]'))).toEqual([])
    expect(problemsOf(withUpstream('"{token.url}"', salesforce, 'insecure_http: true'))).toEqual([])
    expect(placesOf(withUpstream(plain, 'allowed_hosts: [localhost]', 'insecure_http: true'))).toEqual([
      '11:20 routes[0].insecure_http',
    ])
    expect(placesOf(withUpstream('"https://{token.host}"', salesforce, 'insecure_http: true'))).toEqual([
      '11:20 routes[0].insecure_http',
    ])
  })

  it('is the only one that needs allowed_hosts', () => {
    expect(problemsOf(withUpstream('https://api.example.com', salesforce))).toEqual([
      'f.yaml:10:5: routes[0].allowed_hosts: has no effect: the upstream is on the host that it names; remove it',
    ])
  })

  it('does not become a template by what a variable holds, and does not show that', () => {
    const env = { HOST: '{token.host}', PATH: 'canary{token.host}' }
    expect(placesOf(withUpstream('https://${HOST}/', salesforce), env)).toEqual(['10:5 routes[0].allowed_hosts'])
    expect(shown(withUpstream('"https://api.example.com/${PATH}"'), env)).toBe('https://api.example.com/canary%7Btoken.host%7D')
    expect(shown(withUpstream('"https://{token.host}/a/${PATH}/b"', salesforce), { PATH: 'canary' })).toBe(
      'https://{token.host}/a/…/b',
    )
    expect(shown(withUpstream('"https://api.example.com/{{a}}"'))).toBe('https://api.example.com/%7Ba%7D')
    expect(problemsOf(withUpstream('"${NONE:-}{token.instance_url}"', salesforce))).toEqual([])
    expect(problemsOf(withUpstream('"${SCHEME}://{token.host}"', salesforce), { SCHEME: 'https' })).toEqual([])
    expect(problemsOf(withUpstream('"{token.host}/?${KEY}"', salesforce), { KEY: 'canary' }).join()).not.toContain('canary')
  })

  it('comes with the hosts of a preset, until the route says otherwise', () => {
    const route = (more: string): string =>
      `credentials:\n  sf: {provider: salesforce, token_endpoint: "https://a.my.salesforce.com/services/oauth2/token", client_id: a, client_secret: b}\nroutes: [{path: /sf, credential: sf${more}}]\n`
    const [route0] = configOf(route('')).routes
    expect(route0?.allowed_hosts).toEqual([{ hostname: 'my.salesforce.com', port: undefined, isWildcard: true }])
    expect(shown(route(''))).toBe('{token.instance_url}')
    expect(shown(route(', upstream: "{token.instance_url}/services/data"'))).toBe('{token.instance_url}/services/data')
    expect(problemsOf(route(', upstream: "https://a.my.salesforce.com"'))).toEqual([])
    expect(configOf(route(', allowed_hosts: [a.my.salesforce.com]')).routes[0]?.allowed_hosts).toEqual([
      { hostname: 'a.my.salesforce.com', port: undefined, isWildcard: false },
    ])
  })
})

describe('allowed_hosts', () => {
  it.each([
    '*',
    '*.*',
    '*:443',
    '*.com',
    '*.localhost',
    '*com',
    'a.*.com',
    '*.*.a.com',
    '**.a.com',
    '*.10.0.0.1',
    '*.[::1]',
    'https://a.example',
    '//a.example',
    'a.example/',
    'a.example/api',
    'a@b.example',
    'a.example?x',
    'a.example#x',
    'a.example\\\\x',
    'a.example.',
    '.a.example',
    'a..example',
    '*.',
    '*..a.example',
    '',
    ' a.example',
    'a example',
    'bücher.example',
    '%61.example',
    '0x7f.1',
    '127.1',
    '2130706433',
    '::1',
    '[::1',
    'a.example:',
    'a.example:0',
    'a.example:65536',
    'a.example:0443',
    'a.example:https',
    'a.example:443:443',
  ])('cannot hold %j', (host) => {
    expect(placesOf(withUpstream('"{token.host}"', `allowed_hosts: [ok.example, "${host}"]`))).toEqual([
      '10:33 routes[0].allowed_hosts[1]',
    ])
  })

  it('are names and addresses, not numbers', () => {
    expect(placesOf(withUpstream('"{token.host}"', 'allowed_hosts: [8080]'))).toHaveLength(1)
    expect(placesOf(withUpstream('"{token.host}"', 'allowed_hosts: a.example'))).toEqual(['10:20 routes[0].allowed_hosts'])
  })

  test.each<[allowed: string, same: readonly string[], other: readonly string[]]>([
    [
      'login.example.com',
      ['https://login.example.com', 'http://login.example.com', 'https://login.example.com:443', 'https://LOGIN.example.COM/a'],
      [
        'https://login.example.com:8443',
        'http://login.example.com:443',
        'https://a.login.example.com',
        'https://xlogin.example.com',
      ],
    ],
    ['LOGIN.Example.com', ['https://login.example.com'], []],
    [
      '*.my.salesforce.com',
      ['https://a.my.salesforce.com', 'https://a--b.sandbox.my.salesforce.com', 'http://a.my.salesforce.com'],
      [
        'https://my.salesforce.com',
        'https://evil-my.salesforce.com',
        'https://evilmy.salesforce.com',
        'https://my.salesforce.com.evil.com',
        'https://a.my.salesforce.com.',
        'https://.my.salesforce.com',
        'https://a..my.salesforce.com',
        'https://a.my.salesforce.com:8443',
        'https://a.my-salesforce.com',
      ],
    ],
    ['*.example.com:8443', ['https://a.example.com:8443', 'http://a.example.com:8443'], ['https://a.example.com']],
    ['127.0.0.1:8080', ['http://127.0.0.1:8080'], ['http://127.0.0.1', 'http://127.0.0.2:8080', 'http://localhost:8080']],
    ['[::1]', ['https://[::1]', 'https://[0:0::1]'], ['https://[::2]']],
    ['localhost', ['https://localhost'], ['https://a.localhost', 'https://127.0.0.1']],
  ])('%s means whole labels and a port', (allowed, same, other) => {
    const [route] = configOf(withUpstream('"{token.host}"', `allowed_hosts: ["${allowed}"]`)).routes
    const isAllowed = (url: string): boolean => isAllowedHost(parseUpstreamUrl(url) as UpstreamUrl, route?.allowed_hosts ?? [])
    for (const url of same) expect(isAllowed(url), url).toBe(true)
    for (const url of other) expect(isAllowed(url), url).toBe(false)
  })
})
