import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { configOf, placesOf, problemsOf, withCredential } from '../support/cli-problems.ts'

const main = 'credentials.main'
const asUser = 'token_request: {params: {user: "{request.header.X-User}"}}'

function fieldsOf(lines: readonly string[], env: Readonly<NodeJS.ProcessEnv> = {}): readonly string[] | undefined {
  return configOf(withCredential(...lines), env).credentials.get('main')?.identityFields
}

describe('the fields that say for whom a token is', () => {
  it('are none where no template names one', () => {
    expect(fieldsOf([])).toEqual([])
    expect(fieldsOf(['token_request: {params: {user: "{{request.header.X-User}}"}}'])).toEqual([])
  })

  it('are those of all templates of the token request, in lower case, sorted, each once', () => {
    const KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    const lines = [
      'token_endpoint_auth_method: private_key_jwt',
      'token_request:',
      '  encoding: json',
      '  headers: {X-Tenant: "{request.header.X-Tenant}"}',
      '  query: {user: "{request.header.X-USER}"}',
      '  params: {user: "{request.header.x-user}", deep: {shops: ["no {request.header.X_Shop}"]}}',
      '  assertion: {alg: ES256, key: "${KEY}", claims: {act: {sub: "{request.header.A.b}"}}}',
    ]
    const text = withCredential(...lines).replace('    client_secret: secret\n', '')
    expect(configOf(text, { KEY }).credentials.get('main')?.identityFields).toEqual(['a.b', 'x-tenant', 'x-user', 'x_shop'])
  })

  it('are not what a variable brings in: its braces are text', () => {
    expect(fieldsOf(['token_request: {params: {user: "${USER}"}}'], { USER: '{request.header.X-User}' })).toEqual([])
  })

  it('may be the Authorization of the caller, which never goes upstream', () => {
    expect(fieldsOf(['token_request: {headers: {X-Login: "{request.header.Authorization}"}}'])).toEqual(['authorization'])
  })
})

describe('what cannot say for whom a token is', () => {
  it.each([
    'Host',
    'connection',
    'Content-Length',
    'Transfer-Encoding',
    'TE',
    'Upgrade',
    'Via',
    'Expect',
    'Proxy-Authorization',
    'HTTP2-Settings',
    'Content-Type',
    'Max-Forwards',
    'X-Bearerd-Key',
  ])('is a field that the connection, the content or the gateway needs: %s', (name) => {
    const problems = problemsOf(withCredential(`token_request: {params: {user: "{request.header.${name}}"}}`))
    expect(problems).toEqual([
      `f.yaml:6:36: ${main}.token_request.params.user: {request.header.${name}} names a field that the connection, the content or the gateway needs; take a field of its own, such as X-User`,
    ])
  })

  it('is another part of the request', () => {
    for (const name of ['request.path', 'request.header', 'request.query.user', 'request.headers.X-User']) {
      const problems = problemsOf(withCredential(`token_request: {params: {user: "{${name}}"}}`))
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain("write {request.header.NAME} for a field of the caller's request")
    }
  })
})

describe('where a value of the request makes no sense', () => {
  it('is what goes onto the request', () => {
    const problems = problemsOf(withCredential('inject: {header: X-Token, value: "{access_token} {request.header.X-User}"}'))
    expect(problems).toEqual([
      `f.yaml:6:38: ${main}.inject.value: what goes onto the request is no caller's choice; remove {request.header.X-User}, which may stand in the token request only`,
    ])
  })

  it('is a grant that has one refresh token for all', () => {
    const text = withCredential('grant_type: refresh_token', 'variables: {refresh_token: first}', asUser)
    const [problem, ...others] = problemsOf(text)
    expect(others).toEqual([])
    expect(problem).toContain(`f.yaml:8:36: ${main}.token_request.params.user: grant_type: refresh_token has one refresh token`)
  })
})

describe('keeping warm', () => {
  it('has no effect: nobody knows beforehand for whom', () => {
    expect(placesOf(withCredential('keep_warm: true', asUser))).toEqual([`6:16 ${main}.keep_warm`])
    expect(placesOf(withCredential('keep_warm: false', asUser))).toEqual([])
  })
})

describe('a route', () => {
  it('cannot set or remove a field that says for whom the token is', () => {
    const changes = 'headers: {set: {x-user: alice}, remove: [X-USER]}'
    const text = `${withCredential(asUser)}    ${changes}\n`
    expect(placesOf(text)).toEqual(['11:29 routes[0].headers.set.x-user', '11:46 routes[0].headers.remove[0]'])
    expect(problemsOf(text)[0]).toContain('the credential main takes this field from the caller')
    expect(placesOf(`${withCredential(asUser)}    ${changes.replaceAll(/x-user/gi, 'x-other')}\n`)).toHaveLength(1)
  })
})

describe('token_store', () => {
  it('holds a million tokens at most', () => {
    const text = (most: number): string => `token_store: {memory: {max_tokens: ${most}}}\n${withCredential(asUser)}`
    expect(configOf(text(1_000_000)).token_store.max_tokens).toBe(1_000_000)
    expect(placesOf(text(1_000_001))).toEqual(['1:36 token_store.memory.max_tokens'])
    expect(placesOf(text(0))).toEqual(['1:36 token_store.memory.max_tokens'])
  })
})
