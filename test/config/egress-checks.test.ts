import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { environmentProxies, proxyOf } from '../../src/config/egress-proxy.ts'
import { placeOf } from '../../src/config/schema/url.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { configOf, goodConfig, problemsOf, withCredential, withRoute } from '../support/cli-problems.ts'

const proxyFor = (url: string, env: Readonly<Record<string, string>>): string | undefined =>
  proxyOf(environmentProxies(env), placeOf(url))?.shown

describe('the proxy of the environment', () => {
  const a = 'http://a.test:1'
  const b = 'http://b.test:2'
  it.each<[string, Readonly<Record<string, string>>, string | undefined]>([
    ['https://x.test', {}, undefined],
    ['https://x.test', { HTTPS_PROXY: a }, a],
    ['https://x.test', { https_proxy: a, HTTPS_PROXY: b }, a],
    ['https://x.test', { https_proxy: '', HTTPS_PROXY: b }, b],
    ['https://x.test', { HTTP_PROXY: a, http_proxy: b }, undefined],
    ['http://x.test', { http_proxy: a }, a],
    ['http://x.test', { HTTPS_PROXY: a }, undefined],
    ['https://x.test', { ALL_PROXY: a }, a],
    ['http://x.test', { ALL_PROXY: b, all_proxy: a }, a],
    ['https://x.test', { HTTPS_PROXY: a, ALL_PROXY: b }, a],
    ['https://x.test', { HTTPS_PROXY: 'a.test:1' }, a],
    ['https://x.test', { HTTPS_PROXY: 'http://user:pass@a.test:1/' }, a],
    ['https://x.test', { HTTPS_PROXY: 'https://a.test' }, 'https://a.test'],
    ['https://localhost', { HTTPS_PROXY: a }, undefined],
    ['https://127.8.9.1', { HTTPS_PROXY: a }, undefined],
    ['https://[::1]', { HTTPS_PROXY: a }, undefined],
    ['https://[::ffff:127.0.0.1]', { HTTPS_PROXY: a }, undefined],
  ])('on the way to %s, with %j, is %s', (url, env, expected) => {
    expect(proxyFor(url, env)).toBe(expected)
  })

  it('is never that of HTTP_PROXY in capitals, on which a caller decides in a CGI environment (CVE-2016-5385)', () => {
    expect(proxyFor('http://x.test', { HTTP_PROXY: a })).toBeUndefined()
    expect(proxyFor('http://x.test', { HTTP_PROXY: a, REQUEST_METHOD: 'GET' })).toBeUndefined()
  })

  it.each<[string, string, boolean]>([
    ['x.test', 'https://x.test', true],
    ['X.TEST', 'https://x.test', true],
    ['x.test', 'https://a.x.test', true],
    ['.x.test', 'https://a.x.test', true],
    ['.x.test', 'https://x.test', true],
    ['*.x.test', 'https://a.b.x.test', true],
    ['*.x.test', 'https://x.test', false],
    ['x.test', 'https://ax.test', false],
    ['x.test', 'https://x.test.evil.test', false],
    ['x.test', 'https://x.test./', true],
    ['test', 'https://x.test', true],
    ['x.test:443', 'https://x.test', true],
    ['x.test:443', 'https://x.test:8443', false],
    ['x.test:8443', 'https://x.test:8443', true],
    ['a.test, b.test c.test', 'https://c.test', true],
    ['*', 'https://x.test', true],
    ['', 'https://x.test', false],
    [',,  ,', 'https://x.test', false],
    ['.', 'https://x.test', false],
    ['10.0.0.0/8', 'https://10.20.30.40', true],
    ['10.0.0.0/8', 'https://11.20.30.40', false],
    ['10.0.0.0/8', 'https://x.test', false],
    ['10.0.0.0/33', 'https://10.0.0.0', false],
    ['192.0.2.7', 'https://192.0.2.7', true],
    ['192.0.2.7', 'https://192.0.2.70', false],
    ['2.7', 'https://192.0.2.7', false],
    ['192.0.2.7:8443', 'https://192.0.2.7', false],
    ['2001:db8::1', 'https://[2001:db8:0:0::1]', true],
    ['[2001:db8::1]:443', 'https://[2001:db8::1]', true],
    ['2001:db8::/32', 'https://[2001:db8:ffff::1]', true],
    ['2001:db8::/32', 'https://[2001:db9::1]', false],
  ])('with NO_PROXY=%s on the way to %s: none: %s', (exempt, url, isDirect) => {
    expect(proxyFor(url, { HTTPS_PROXY: a, NO_PROXY: exempt }) === undefined).toBe(isDirect)
  })

  it('is a problem where it cannot be used, and only there, and its value is not shown', () => {
    for (const value of [
      'socks5://canary.test',
      'http://canary.test/path',
      'http://canary%zz@p.test',
      'http://a%3Ab:canary@p.test',
      '://canary',
    ]) {
      const found = problemsOf(goodConfig, { HTTPS_PROXY: value })
      expect(found.map((line) => line.split(' ')[1])).toEqual(['credentials.main.token_endpoint:', 'routes[0]:'])
      for (const line of found) expect(line).toMatch(/HTTPS_PROXY cannot be used.*; .+/)
      expect(found.join()).not.toContain('canary')
    }
    const local = 'routes: [{path: /a, upstream: "https://localhost:8443"}]'
    expect(problemsOf(local, { HTTPS_PROXY: 'socks5://x' })).toEqual([])
    expect(problemsOf(withCredential('token_request: {proxy: off}') + '    proxy: off\n', { HTTPS_PROXY: 'socks5://x' })).toEqual(
      [],
    )
  })
})

describe('the proxy of a route or a token request', () => {
  it.each(['proxy.test:3128', 'socks5://p.test', 'http://p.test/path', 'http://p.test?x', 'http://canary%zz@p.test', 'no', ''])(
    'is not %j',
    (value) => {
      const found = [
        ...problemsOf(withRoute(`proxy: "${value}"`)),
        ...problemsOf(withCredential(`token_request: {proxy: "${value}"}`)),
      ]
      expect(found.map((line) => line.split(' ')[1])).toEqual(['routes[0].proxy:', 'credentials.main.token_request.proxy:'])
      expect(found.join()).not.toContain('canary')
    },
  )

  it('keeps its credentials to itself', () => {
    const config = configOf(withRoute('proxy: http://user:${P}@p.test'), { P: 'canary%2F' })
    expect(JSON.stringify(config)).not.toContain('canary')
    expect(config.routes[0]?.proxy.forTls?.authorization?.reveal()).toBe(`Basic ${btoa('user:canary/')}`)
    expect(config.routes[0]?.proxy.forTls?.shown).toBe('http://p.test')
  })

  it('is not switched off where there is none anyway', () => {
    expect(problemsOf('routes: [{path: /a, upstream: "https://localhost", proxy: off}]')[0]).toMatch(/proxy: has no effect/)
    const local = withCredential('token_request: {proxy: off}').replace('auth.example.com', 'localhost')
    expect(problemsOf(local)[0]).toMatch(/token_request\.proxy: has no effect/)
  })
})

describe.skipIf(!hasOpenssl)('tls of a route', () => {
  it('holds what it should', () => {
    const ca = certificateAuthority()
    const [one, other] = [ca.issue('one'), ca.issue('other')]
    const found = (tls: Readonly<Record<string, string>>): string => problemsOf(withRoute(`tls: ${JSON.stringify(tls)}`)).join()
    expect(found({ ...one, ca: ca.cert, server_name: 'api.example.com' })).toBe('')
    expect(found({ cert: one.cert, key: other.key })).toMatch(/routes\[0\]\.tls\.key: this is not the private key of tls\.cert/)
    expect(found({ cert: one.cert })).toMatch(/tls\.key: this key is required/)
    expect(found({ key: one.key })).toMatch(/tls\.cert: this key is required/)
    expect(found({ ca: one.key })).toMatch(/tls\.ca: this holds no certificate/)
    expect(found({ ca: '/nowhere/ca.pem' })).toMatch(/ca\.pem does not exist; correct its path/)
    for (const name of ['https://a.test', '127.0.0.1', 'a b', '*.a.test', 'a.test:443']) {
      expect(found({ server_name: name })).toMatch(/tls\.server_name: not a host name/)
    }
  })

  it('has no effect without https', () => {
    expect(problemsOf('routes: [{path: /a, upstream: "http://localhost", tls: {server_name: a.test}}]')[0]).toMatch(
      /tls: has no effect/,
    )
  })
})

it.skipIf(!hasOpenssl)('docs/egress.md has examples that load as they are', () => {
  const authority = certificateAuthority()
  const own = authority.issue('own')
  const examples = [
    ...readFileSync(join(import.meta.dirname, '../../docs/egress.md'), 'utf8').matchAll(/```yaml\n([^]*?)```/g),
  ].map(([, text = '']) => text)
  expect(examples).toHaveLength(3)
  for (const text of examples) {
    const local = text
      .replaceAll('/etc/bearerd/bank-ca.pem', authority.cert)
      .replaceAll('/run/secrets/bank.pem', own.cert)
      .replaceAll('/run/secrets/bank.key', own.key)
    expect(problemsOf(local, { EXAMPLE_CLIENT_SECRET: 's', PROXY_PASSWORD: 'p%40' })).toEqual([])
  }
})

describe('http2 of a route', () => {
  it('needs TLS', () => {
    expect(problemsOf('routes: [{path: /a, upstream: "http://localhost", http2: true}]')[0]).toMatch(
      /1:\d+: routes\[0\]\.http2: HTTP\/2 is agreed on in TLS, and the upstream is not https; use https, or remove it/,
    )
    expect(problemsOf('routes: [{path: /a, upstream: "http://localhost", http2: false}]')).toEqual([])
    expect(configOf('routes: [{path: /a, upstream: "https://localhost", http2: true}]').routes[0]?.http2).toBe(true)
    expect(configOf('routes: [{path: /a, upstream: "https://localhost"}]').routes[0]?.http2).toBe(false)
  })
})
