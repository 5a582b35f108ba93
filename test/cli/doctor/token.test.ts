import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { doctorFile, runDoctor } from '../../support/doctor-run.ts'
import type { DoctorRun } from '../../support/doctor-run.ts'
import { runHere } from '../../support/cli-process.ts'
import { scratch } from '../../support/cli-scratch.ts'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { egressProxy } from '../../support/egress-proxy.ts'
import type { ProxyBehaviour } from '../../support/egress-proxy.ts'
import { answerJson } from '../../support/servers.ts'
import { tlsUpstream } from '../../support/tls-upstream.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'
import type { TokenEndpoint } from '../../support/token-endpoint.ts'

const secret = 'canary-client-secret'

function configFor(endpoint: TokenEndpoint, keys: object = {}, rest: object = {}): object {
  return {
    credentials: { main: { token_endpoint: endpoint.url, client_id: 'client', client_secret: secret, ...keys } },
    routes: [{ path: '/api', upstream: endpoint.url.replace('/token', ''), credential: 'main' }],
    ...rest,
  }
}

interface Scenario {
  readonly keys?: object
  readonly answer?: (response: ServerResponse, next: string) => void
}

async function examine(
  { keys = {}, answer }: Scenario,
  ...args: readonly string[]
): Promise<DoctorRun & { endpoint: TokenEndpoint }> {
  const endpoint = await tokenEndpoint()
  const { answer: usual } = endpoint
  // The upstream of the route is the same server.
  if (answer !== undefined)
    endpoint.answer = (response, next) => (response.req.method === 'HEAD' ? usual(response, next) : answer(response, next))
  return { ...(await runDoctor(configFor(endpoint, keys), ...args)), endpoint }
}

function refusal(error: string, status = 400): (response: ServerResponse) => void {
  return (response) => answerJson(response, { error, error_description: secret }, status)
}

function tokensAsked({ requests }: TokenEndpoint): number {
  return requests.filter(({ body }) => body !== '').length
}

describe('a token request', () => {
  it('that is granted is one, and says how long the token is good', async () => {
    const run = await examine({ keys: { scope: 'a b' } })
    expect(run.row('token')).toMatchObject({ status: 'ok', facts: { status: 200, lifetime_s: 3600 } })
    expect(run.row('token')?.message).toMatch(/^200 in \d+ ms, good for 3600 s$/)
    expect(run.row('scope')).toMatchObject({ status: 'ok', message: 'as asked for: a b' })
    expect(run.row('clock')).toMatchObject({ status: 'ok', message: 'as there' })
    expect(run).toMatchObject({ code: 0, stderr: '', counts: { warning: 0, failed: 0, skipped: 0 } })
    expect(tokensAsked(run.endpoint)).toBe(1)
  })

  it.each<[string, Scenario, RegExp, RegExp]>([
    [
      'a wrong secret',
      { answer: refusal('invalid_client', 401) },
      /401 invalid_client: client_id or client_secret is wrong$/,
      /^compare both .*client_secret_post/,
    ],
    [
      'a wrong secret, said with a status only',
      { answer: (response) => response.writeHead(401).end() },
      /401: client_id or client_secret is wrong/,
      /^compare both/,
    ],
    [
      'a scope that is not allowed',
      { keys: { scope: 'all' }, answer: refusal('invalid_scope') },
      /400 invalid_scope: it does not grant one of the scopes/,
      /^check their spelling/,
    ],
    ['no scope', { answer: refusal('invalid_scope') }, /invalid_scope: it wants a scope/, /^write one under scope/],
    [
      'a grant type that is not allowed',
      { answer: refusal('unauthorized_client') },
      /grant_type: client_credentials/,
      /^have it allowed/,
    ],
    [
      'another grant type',
      { answer: refusal('unsupported_grant_type') },
      /does not know grant_type: client_credentials/,
      /documentation/,
    ],
    ['a request that is not understood', { answer: refusal('invalid_request') }, /400 invalid_request/, /documentation/],
    ['a code of its own', { answer: refusal('app_suspended', 403) }, /403 app_suspended$/, /documentation/],
    ['403', { answer: (response) => response.writeHead(403).end() }, /403: it lets nobody in/, /^ask the provider/],
    ['500', { answer: (response) => response.writeHead(500).end(secret) }, /500: it has a trouble of its own$/, /^try again/],
    ['404', { answer: (response) => response.writeHead(404).end() }, /404: there is no token endpoint/, /^check token_endpoint/],
    ['429', { answer: (response) => response.writeHead(429).end() }, /limits the rate/, /^wait, and set token_requests/],
    [
      'a page for people',
      { answer: (response) => response.setHeader('content-type', 'text/html').end(`<p>${secret}`) },
      /not a JSON object$/,
      /^check that token_endpoint/,
    ],
    ['nothing', { answer: (response) => response.end() }, /200 with an empty body$/, /^check that token_endpoint/],
    [
      'a redirect',
      { answer: (response) => response.writeHead(302, { location: `https://x.test/${secret}` }).end() },
      /a redirect \(302\)/,
      /^write the address/,
    ],
    [
      'another shape',
      { answer: (response) => answerJson(response, { data: { token: secret } }) },
      /there is no token at \/access_token$/,
      /^write where the token is/,
    ],
    [
      'a broken connection',
      { answer: (response) => response.socket?.resetAndDestroy() },
      /cannot be reached \(\w+\)$/,
      /^check token_endpoint and the way/,
    ],
  ])('that is answered with %s has failed, in one line with what to do', async (_what, scenario, message, remedy) => {
    const run = await examine(scenario)
    expect(run.row('token')).toMatchObject({
      status: 'failed',
      message: expect.stringMatching(message) as string,
      remedy: expect.stringMatching(remedy) as string,
    })
    expect(run.code).toBe(1)
    expect(run.output).not.toContain('canary')
    expect(tokensAsked(run.endpoint)).toBe(1)
  })

  it('is told apart by the way in which the client proves itself', async () => {
    const keys = { token_endpoint_auth_method: 'client_secret_post' }
    const run = await examine({ keys, answer: refusal('invalid_client', 401) })
    expect(run.row('token')?.remedy).toContain(
      'sent in the body: if they are right, try token_endpoint_auth_method: client_secret_basic',
    )
  })

  it('is a wrong secret too where the recipe itself says in which place it is sent', async () => {
    const keys = { token_endpoint_auth_method: 'none', token_request: { headers: { client_secret: '{client_secret}' } } }
    const run = await examine({ keys, answer: (response) => response.writeHead(401).end() })
    expect(run.row('token')).toMatchObject({
      message: 'the token endpoint answered 401: client_id or client_secret is wrong',
      remedy: expect.stringMatching(/^compare both .* token_request says where they are sent$/) as string,
    })
  })

  it('that takes too long has failed, by its own limit or by that of the check', async () => {
    const slow = await examine({ keys: { token_request: { timeout: '500ms' } }, answer: () => {} })
    expect(slow.row('token')).toMatchObject({
      status: 'failed',
      message: 'the token endpoint did not answer within 500 ms',
      remedy: expect.stringContaining('token_request.timeout') as string,
    })
    const late = await examine({ keys: { token_request: { timeout: '4s' } }, answer: () => {} }, '--timeout', '1500ms')
    expect(late.row('token')).toMatchObject({
      message: 'no token within 1500 ms',
      remedy: expect.stringMatching(/^allow more/) as string,
    })
  })

  it('is not made where the way there is no way, and says which of the two it was', async () => {
    const run = await runDoctor({
      credentials: { main: { token_endpoint: 'http://127.0.0.1:1/token?key=canary', client_id: 'a', client_secret: secret } },
      routes: [{ path: '/api', upstream: 'http://127.0.0.1:1', credential: 'main' }],
    })
    expect(run.row('tcp', 'main')).toMatchObject({
      status: 'failed',
      message: expect.stringContaining('nothing listens') as string,
    })
    expect(run.row('token')).toMatchObject({ status: 'skipped' })
    expect(run.output).not.toContain('canary')
  })

  it.skipIf(!hasOpenssl)('that wants a client certificate says so, and is granted with one', async () => {
    const authority = certificateAuthority({ days: 400 })
    const { url } = await tlsUpstream(authority.issue('server', undefined, 90), {
      clientCa: authority.cert,
      answer: (_request, response) => answerJson(response, { access_token: 'token-1', expires_in: 900 }),
    })
    const configWith = (tls: object): object => ({
      credentials: {
        main: { token_endpoint: `${url()}/token`, client_id: 'client', client_secret: secret, token_request: { tls } },
      },
      routes: [{ path: '/api', upstream: url(), credential: 'main', tls: { ca: authority.cert } }],
    })
    const without = await runDoctor(configWith({ ca: authority.cert }))
    expect(without.row('tls', 'main')).toMatchObject({ status: 'ok', facts: { days_left: 89 } })
    expect(without.row('token')).toMatchObject({
      status: 'failed',
      remedy: 'check token_request.tls.cert and token_request.tls.key',
    })
    const { cert, key } = authority.issue('client', undefined, 90)
    expect((await runDoctor(configWith({ ca: authority.cert, cert, key }))).row('token')).toMatchObject({ status: 'ok' })
  })

  it('goes through the egress proxy, and is not made where that refuses', async () => {
    const endpoint = await tokenEndpoint()
    const proxied = async (behave?: ProxyBehaviour): Promise<DoctorRun> => {
      const { url } = await egressProxy(behave)
      const proxy = url.replace('//', '//user:canary@')
      return await runDoctor(configFor(endpoint, { token_request: { proxy } }))
    }
    const through = await proxied()
    expect(through.row('proxy', 'main')).toMatchObject({ status: 'ok' })
    expect(through.row('token')).toMatchObject({ status: 'ok' })
    expect(tokensAsked(endpoint)).toBe(1)
    const refused = await proxied((_head, socket) => {
      socket.end('HTTP/1.1 407 Who\r\ncontent-length: 0\r\n\r\n')
      return 'done'
    })
    expect(refused.row('proxy', 'main')).toMatchObject({ status: 'failed', remedy: 'check the user and password in its URL' })
    expect(refused.row('token')).toMatchObject({ status: 'skipped' })
    expect(`${through.output}${refused.output}`).not.toContain('canary')
    expect(tokensAsked(endpoint)).toBe(1)
  })

  it('spends of the budget, and is not made when that is spent', async () => {
    const endpoint = await tokenEndpoint()
    const file = { path: scratch().path('tokens'), encryption_key: Buffer.alloc(32, 7).toString('base64') }
    const config = configFor(endpoint, { token_requests: { limit: 1, window: '1h' } }, { token_store: { file } })
    const first = await runDoctor(config)
    expect(first.row('token')?.message).toMatch(/, 0 of 1 token requests left$/)
    const second = await runDoctor(config)
    expect(second.row('token')).toMatchObject({
      status: 'warning',
      remedy: expect.stringMatching(/^run this again in \d+ s/) as string,
      facts: { error: 'token_budget_exhausted' },
    })
    expect(second.code).toBe(0)
    expect(tokensAsked(endpoint)).toBe(1)
  })

  it('asks for a new token although the store has one, and leaves the new one there', async () => {
    const endpoint = await tokenEndpoint()
    const file = { path: scratch().path('tokens'), encryption_key: Buffer.alloc(32, 7).toString('base64') }
    const path = doctorFile(configFor(endpoint, {}, { token_store: { file } }))
    expect((await runHere(['token', 'main', '-c', path, '--show'])).stdout).toBe('token-1\n')
    await runDoctor(path)
    expect(tokensAsked(endpoint)).toBe(2)
    expect((await runHere(['token', 'main', '-c', path])).stdout).toMatch(/, from the token store\n$/)
    expect(tokensAsked(endpoint)).toBe(2)
  })

  it('says that a rotation is under way', async () => {
    let count = 0
    const run = await examine({
      keys: { client_secret_next: 'canary-next' },
      answer: (response, next) =>
        count++ === 0 ? refusal('invalid_client', 401)(response) : answerJson(response, { access_token: next, expires_in: 900 }),
    })
    expect(run.row('token')).toMatchObject({ status: 'ok' })
    expect(run.row('secret')).toMatchObject({ status: 'warning', message: expect.stringContaining('only one of') as string })
  })
})

describe('a token', () => {
  it.each<[string, object, object, string, RegExp]>([
    ['lives too short', {}, { expires_in: 5 }, 'lifetime', /lives for 5 s only/],
    ['does not say how long it lives', {}, {}, 'lifetime', /does not say how long/],
    ['says nonsense about it', {}, { expires_in: -1 }, 'lifetime', /cannot be one/],
    [
      'has fewer scopes than asked for',
      { scope: ['a', 'b', 'c'] },
      { expires_in: 900, scope: 'a canary' },
      'scope',
      /^not granted: b c$/,
    ],
    ['is of another type', {}, { expires_in: 900, token_type: 'canary' }, 'type', /another type than Bearer/],
  ])('that %s is a warning', async (_what, keys, fields, check, message) => {
    const run = await examine({ keys, answer: (response, next) => answerJson(response, { access_token: next, ...fields }) })
    expect(run.row(check)).toMatchObject({ status: 'warning', message: expect.stringMatching(message) as string })
    expect(run.code).toBe(0)
    expect(run.output).not.toContain('canary')
  })

  it('of another type is none where it is put on otherwise', async () => {
    const run = await examine({
      keys: { inject: { header: 'X-Token', value: '{access_token}' } },
      answer: (response, next) => answerJson(response, { access_token: next, expires_in: 900, token_type: 'session' }),
    })
    expect(run.row('type')).toBeUndefined()
  })

  it('comes from a clock that is off', async () => {
    const run = await examine({
      answer: (response, next) => {
        response.setHeader('date', new Date(Date.now() - 10 * 60_000).toUTCString())
        answerJson(response, { access_token: next, expires_in: 900 })
      },
    })
    expect(run.row('clock')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/(599|600|601) s ahead/) as string,
    })
  })
})

describe('a credential', () => {
  it('that has a token for each user is not asked, and says so', async () => {
    const run = await examine({ keys: { token_request: { params: { user: '{request.header.X-User}' } } } })
    expect(run.row('token')).toMatchObject({ status: 'skipped', remedy: 'call one of its routes' })
    expect(run.row('token')?.message).toContain('x-user')
    expect(run.row('tcp', 'main')).toMatchObject({ status: 'ok' })
    expect(run.code).toBe(0)
    expect(tokensAsked(run.endpoint)).toBe(0)
  })

  it('that nobody has logged in for says so', async () => {
    const endpoint = await tokenEndpoint()
    const file = { path: scratch().path('tokens'), encryption_key: Buffer.alloc(32, 7).toString('base64') }
    const keys = { grant_type: 'refresh_token', authorization_endpoint: 'https://auth.example.com/authorize' }
    const run = await runDoctor(configFor(endpoint, keys, { token_store: { file } }))
    expect(run.row('token')).toMatchObject({ status: 'skipped', remedy: 'run: bearerd login main' })
    expect(tokensAsked(endpoint)).toBe(0)
  })

  it('whose refresh token nobody would keep is not asked', async () => {
    const keys = { grant_type: 'refresh_token', variables: { refresh_token: 'canary-refresh' } }
    const run = await examine({ keys })
    expect(run.row('token')).toMatchObject({ status: 'skipped', remedy: expect.stringContaining('bearerd token main') as string })
    expect(tokensAsked(run.endpoint)).toBe(0)

    const endpoint = await tokenEndpoint()
    const file = { path: scratch().path('tokens'), encryption_key: Buffer.alloc(32, 7).toString('base64') }
    const kept = await runDoctor(configFor(endpoint, keys, { token_store: { file } }))
    expect(kept.row('token')).toMatchObject({ status: 'ok' })
  })

  it('that signs its tokens itself needs no endpoint, and goes by the clock of the upstream', async () => {
    const endpoint = await tokenEndpoint()
    endpoint.answer = (response) => {
      response.setHeader('date', new Date(Date.now() + 10 * 60_000).toUTCString())
      response.end()
    }
    const assertion = { alg: 'HS256', key: 'canary-key-of-thirty-two-bytes-or-more', claims: { aud: 'x' } }
    const run = await runDoctor({
      credentials: { main: { grant_type: 'self_signed', client_id: 'client', token_request: { assertion } } },
      routes: [{ path: '/api', upstream: endpoint.url, credential: 'main' }],
    })
    expect(run.row('token')?.message).toMatch(/^signed here, good for (59|60) s$/)
    expect(run.row('lifetime')).toBeUndefined()
    expect(run.row('scope')).toBeUndefined()
    expect(run.row('clock', '/api')).toMatchObject({ status: 'failed', message: expect.stringContaining('(exp)') as string })
    expect(run.output).not.toContain('canary')
  })

  it('that no route uses is a warning', async () => {
    const endpoint = await tokenEndpoint()
    const config = { ...configFor(endpoint), routes: [{ path: '/api', upstream: endpoint.url }] }
    expect((await runDoctor(config)).row('route')).toMatchObject({ status: 'warning', message: 'nothing uses it' })
  })

  it('that the token service gives out needs no route', async () => {
    const endpoint = await tokenEndpoint()
    const rowWith = async (caller: object | undefined, credential = {}) => {
      const token_service = {
        listen: '127.0.0.1:0',
        ...(caller && { callers: [{ name: 'nginx', api_key: 'canary', ...caller }] }),
      }
      return (await runDoctor({ ...configFor(endpoint, credential), routes: [], token_service })).row('route')
    }
    expect(await rowWith(undefined)).toBeUndefined()
    expect(await rowWith({})).toBeUndefined()
    expect(await rowWith({ credentials: ['main'] })).toBeUndefined()
    const inQuery = { inject: { query: 'access_token', value: '{access_token}' } }
    expect(await rowWith({}, inQuery)).toMatchObject({ status: 'warning', message: 'nothing uses it' })
  })

  it('whose tokens count is handed back the one that nobody would use', async () => {
    const endpoint = await tokenEndpoint()
    await runDoctor(configFor(endpoint, { revoke_on_shutdown: true, revocation_endpoint: `${endpoint.url}/revoke` }))
    expect(endpoint.requests.filter(({ body }) => body.startsWith('token=token-'))).toHaveLength(1)
  })
})
