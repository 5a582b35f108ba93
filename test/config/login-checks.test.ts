import { describe, expect, it } from 'vitest'
import { configOf, problemsOf, withCredential } from '../support/cli-problems.ts'

const key = Buffer.alloc(32, 1).toString('base64')
const store = `token_store: {file: {path: /var/lib/bearerd/tokens, encryption_key: "${key}"}}\n`
const login = ['grant_type: refresh_token', 'authorization_endpoint: https://auth.example.com/authorize']
const problems = (...lines: string[]): string[] =>
  problemsOf(withCredential(...lines) + store).map((line) => line.replace(/^f\.yaml:\d+:\d+: credentials\.main\./, ''))

describe('a credential that a person logs in for', () => {
  it('needs no refresh token in the configuration', () => {
    const { credentials } = configOf(withCredential(...login) + store)
    expect(credentials.get('main')).toMatchObject({
      authorization_endpoint: 'https://auth.example.com/authorize',
      redirect_uri: 'http://127.0.0.1:0/callback',
    })
  })

  it('needs a token store that lasts', () => {
    const expected =
      'the refresh token that "bearerd login main" gets would not outlive the process; write {file: ...} or {redis: ...} here'
    expect(problemsOf(withCredential(...login))).toEqual([`f.yaml:1:1: token_store: ${expected}`])
    expect(problemsOf(`${withCredential(...login)}token_store: memory\n`)).toEqual([`f.yaml:12:14: token_store: ${expected}`])
    expect(problemsOf(`${withCredential(...login)}token_store: {memory: {max_tokens: 5}}\n`)).toHaveLength(1)
  })

  it('without an authorization endpoint still needs its refresh token, and is told of both', () => {
    expect(problems('grant_type: refresh_token')).toEqual([
      'variables.refresh_token: this key is required; write variables: {refresh_token: ...}, which grant_type: refresh_token asks with, or authorization_endpoint, for bearerd login',
    ])
    expect(problems('grant_type: refresh_token', 'authorization_endpoint: 7')).toEqual([
      'authorization_endpoint: expected a URL; for example https://api.example.com/v1',
    ])
  })

  it('with a configured refresh token needs no store', () => {
    expect(problemsOf(withCredential('grant_type: refresh_token', 'variables: {refresh_token: r}'))).toEqual([])
  })

  it('does not send a person over the network in clear text, unless that is said', () => {
    const clear = login.map((line) => line.replace('https:', 'http:'))
    expect(problems(...clear)).toEqual([
      "authorization_endpoint: a person's consent would cross the network in clear text; use https, or say insecure_http: true on this credential",
    ])
    expect(problems(...clear, 'insecure_http: true')).toEqual([])
    expect(problems(...clear.map((line) => line.replace('auth.example.com', 'localhost:9400')))).toEqual([])
    expect(problems(...login, 'insecure_http: true')).toHaveLength(1)
  })

  it.each([
    'http://127.0.0.1:8765/callback',
    'http://localhost:8765/',
    'http://localhost:8765',
    'http://127.0.0.1/callback',
    'http://[::1]:0/a/b',
    'http://127.0.0.1:80/callback',
  ])('may have the redirect URI %s, which stays as it is written', (uri) => {
    const { credentials } = configOf(withCredential(...login, `redirect_uri: "${uri}"`) + store)
    expect(credentials.get('main')?.redirect_uri).toBe(uri)
  })

  it.each([
    'https://127.0.0.1:8765/callback',
    'http://example.com:8765/callback',
    'http://192.168.0.1:8765/callback',
    'http://0.0.0.0:8765/callback',
    'http://127.0.0.1.example.com/callback',
    'http://user@127.0.0.1:8765/callback',
    'http://127.0.0.1:8765/callback?a=b',
    'http://127.0.0.1:8765/callback#a',
    'http://127.0.0.1:8765/a/../b',
    'http://127.0.0.1:8765/a b',
    'http://127.0.0.1:99999/callback',
    'http://127.1:8765/callback',
    'com.example.app:/callback',
    'callback',
    '',
  ])('cannot have the redirect URI %j', (uri) => {
    expect(problems(...login, `redirect_uri: "${uri}"`)).toEqual([
      'redirect_uri: not the address of a path on this machine; write it as http://127.0.0.1:8765/callback',
    ])
  })

  it('may have parameters of its own in the authorization endpoint, but none that is sent anyway', () => {
    const withQuery = (query: string): string[] =>
      problems(...login.map((line) => line.replace('authorize', `authorize?${query}`)))
    expect(withQuery('prompt=consent&access_type=offline')).toEqual([])
    expect(withQuery('a=b&state=x')).toEqual([
      'authorization_endpoint: bearerd login sends state by itself; remove it from the query',
    ])
  })

  it('has an issuer without query and fragment', () => {
    expect(problems(...login, 'issuer: https://auth.example.com')).toEqual([])
    expect(problems(...login, 'issuer: https://auth.example.com/?a')[0]).toMatch(/^issuer: not an issuer identifier/)
    expect(configOf(withCredential(...login, 'issuer: https://a.example') + store).credentials.get('main')?.issuer).toBe(
      'https://a.example',
    )
  })
})

describe('what only a login uses has no effect', () => {
  it.each([
    ['with another grant', ['authorization_endpoint: https://a.example/a'], 'authorization_endpoint'],
    ['with a configured refresh token', [...login, 'variables: {refresh_token: r}'], 'authorization_endpoint'],
    ['without an authorization endpoint', ['redirect_uri: http://127.0.0.1:1/a'], 'redirect_uri'],
    ['without one, the issuer', ['issuer: https://a.example'], 'issuer'],
  ])('%s', (_, lines, path) => {
    const found = problems(...lines)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(new RegExp(`^${path}: has no effect .*; .+`))
  })
})
