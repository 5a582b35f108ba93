import type { ServerResponse } from 'node:http'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config/load-config.ts'
import type { Credential } from '../../src/config/config.ts'
import { authorizationUrl, newAuthorizationAttempt } from '../../src/oauth/authorization-code.ts'
import { createCodeExchange } from '../../src/oauth/exchange-code.ts'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { storeKeysOf } from '../../src/tokens/store/store-keys.ts'
import { projectRoot, start } from '../support/cli-process.ts'
import { consentServer } from '../support/consent-server.ts'
import { loginConfig, loginSecret, runLogin } from '../support/login-run.ts'
import { answerJson, httpServer, tcpServer } from '../support/servers.ts'
import { smallStore } from '../support/small-store.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'
import type { TokenEndpoint } from '../support/token-endpoint.ts'

// The authorization server recommends things on the console that a test need not follow.
beforeAll(() => {
  for (const method of ['warn', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})

const registered = { client_id: 'client-1', client_secret: loginSecret, token_endpoint_auth_method: 'client_secret_basic' }

const configFor = (
  { authorizationEndpoint, tokenEndpoint }: { authorizationEndpoint: string; tokenEndpoint: string },
  keys = {},
) => loginConfig({ authorization_endpoint: authorizationEndpoint, token_endpoint: tokenEndpoint, scope: 'read', ...keys })

function credentialIn(file: string): Credential {
  const credential = loadConfig(file, {}).credentials.get('main')
  if (credential === undefined) throw new Error('the configuration lost its credential')
  return credential
}

/** A provider of our own, at which everybody consents, with the answer of its token endpoint. */
async function provider(answer?: TokenEndpoint['answer']) {
  const endpoint = await tokenEndpoint()
  if (answer !== undefined) endpoint.answer = answer
  return {
    endpoint,
    config: loginConfig({ authorization_endpoint: 'https://auth.example.com/authorize', token_endpoint: endpoint.url }),
  }
}

/** Where the browser goes after consent. */
function backWith(url: string, answer: Readonly<Record<string, string>> = { code: 'canary-code' }): string {
  const asked = new URL(url).searchParams
  const params = new URLSearchParams({ state: asked.get('state') ?? '', ...answer })
  return `${asked.get('redirect_uri')}?${params.toString()}`
}

describe('a login at a strict authorization server', () => {
  it.each([
    ['client_secret_basic', registered, {}],
    ['client_secret_post', { ...registered, token_endpoint_auth_method: 'client_secret_post' }, {}],
    ['none', { client_id: 'client-1', token_endpoint_auth_method: 'none' }, { client_secret: undefined }],
  ])('keeps a refresh token that gateways can use, for a client with %s', async (method, client, keys) => {
    const server = await consentServer(client)
    const config = configFor(server, { token_endpoint_auth_method: method, issuer: server.issuer, ...keys })
    const login = runLogin(config)
    const back = await server.visit(await login.url)
    expect(new URL(back).searchParams.get('iss')).toBe(server.issuer)
    const page = await fetch(back)
    expect({ status: page.status, text: await page.text() }).toMatchObject({
      status: 200,
      text: expect.stringContaining('You can close') as string,
    })
    expect(await login.ended).toBe(0)
    expect(login.stdout).toEqual(['the refresh token of main is in the file token store (scope read)'])
    expect(login.store.isClosed).toBe(true)

    const credential = credentialIn(config)
    const kept = login.store.grants.get(storeKeysOf(credential).grant)
    expect(kept).toMatchObject({ firstRefreshToken: undefined, lifetimeMs: 3_600_000 })
    const transport = createTokenTransport('test')
    const requestGrant = createGrantRequest(transport, Date.now)
    const grant = await requestGrant(credential, { refreshToken: kept?.refreshToken, lifetimeMs: undefined })
    expect(grant.accessToken).toMatch(/^\S{20,}$/)
    await transport.close()

    const printed = [...login.stdout, ...login.stderr, back.replace(/code=[^&]*/, '')].join('\n')
    const secrets = [loginSecret, kept?.refreshToken ?? '?', grant.accessToken, new URL(back).searchParams.get('code') ?? '?']
    for (const secret of secrets) expect(printed).not.toContain(secret)
  })

  it('prints JSON with --json, without a secret', async () => {
    const server = await consentServer(registered)
    const login = runLogin(configFor(server), { json: true })
    await fetch(await server.visit(await login.url))
    expect(await login.ended).toBe(0)
    expect(login.stdout.map((line) => JSON.parse(line) as unknown)).toEqual([
      { credential: 'main', store: 'file', scope: 'read' },
    ])
  })

  it('ends with a clear error when the person says no', async () => {
    const server = await consentServer(registered)
    server.decision = 'deny'
    const login = runLogin(configFor(server))
    const back = await server.visit(await login.url)
    const page = await fetch(back)
    expect({ status: page.status, text: await page.text() }).toMatchObject({
      status: 400,
      text: expect.stringContaining('consent was denied') as string,
    })
    await expect(login.ended).rejects.toMatchObject({
      name: 'OperationError',
      message: 'nobody is logged in: consent was denied (access_denied): the person said no',
    })
    expect(login.store.grants.size).toBe(0)
  })

  it('ends with a clear error when the answer is from another issuer than the configured one', async () => {
    const server = await consentServer(registered)
    const login = runLogin(configFor(server, { issuer: 'https://other.example' }))
    await fetch(await server.visit(await login.url))
    await expect(login.ended).rejects.toThrow(/another provider than the issuer https:\/\/other\.example/)
  })

  it('is refused the tokens for a stolen code, because the verifier never leaves this machine (RFC 7636)', async () => {
    const server = await consentServer(registered)
    const credential = credentialIn(configFor(server))
    const attempt = newAuthorizationAttempt()
    const redirectUri = 'http://127.0.0.1:4711/callback'
    const url = authorizationUrl(credential, attempt, redirectUri)
    const transport = createTokenTransport('test')
    const exchange = createCodeExchange(transport, Date.now)
    const codeOf = (back: string): string => new URL(back).searchParams.get('code') ?? ''

    const stolen = { code: codeOf(await server.visit(url)), redirectUri, codeVerifier: newAuthorizationAttempt().codeVerifier }
    await expect(exchange(credential, stolen)).rejects.toMatchObject({ kind: 'refused', code: 'invalid_grant' })
    const ours = { code: codeOf(await server.visit(url)), redirectUri, codeVerifier: attempt.codeVerifier }
    expect(await exchange(credential, ours)).toMatchObject({ refreshToken: expect.stringMatching(/\S{20,}/) as string })
    await expect(exchange(credential, ours)).rejects.toMatchObject({ code: 'invalid_grant' })

    const without = await server.visit(url.replace(/&code_challenge=[^&]*/, ''))
    expect(new URL(without).searchParams.get('error')).toBe('invalid_request')
    await transport.close()
  })

  it('tries the next client secret when the first one is refused, with the same code', async () => {
    const server = await consentServer(registered)
    const login = runLogin(configFor(server, { client_secret: 'old', client_secret_next: loginSecret }))
    await fetch(await server.visit(await login.url))
    expect(await login.ended).toBe(0)
  })
})

describe('what comes instead of the answer', () => {
  it.each([
    ['another state', { state: 'x' }],
    ['an empty state', { state: '' }],
    ['an error with another state', { state: 'x', error: 'access_denied' }],
  ])('is refused with 400 and does not end the login: %s', async (_, answer) => {
    const { config } = await provider((response, next) =>
      answerJson(response, { access_token: next, refresh_token: 'canary-refresh' }),
    )
    const login = runLogin(config)
    const url = await login.url
    for (let count = 0; count < 3; count++) {
      const stray = await fetch(backWith(url, { code: 'canary-stray', ...answer }))
      expect(stray.status).toBe(400)
      expect(await stray.text()).toContain('does not belong to the login')
    }
    expect((await fetch(backWith(url).replace(/state=[^&]*&/, ''))).status).toBe(400)
    expect(login.store.grants.size).toBe(0)
    expect((await fetch(backWith(url))).status).toBe(200)
    expect(await login.ended).toBe(0)
    expect(login.stderr.filter((line) => line.startsWith('bearerd: refused an answer'))).toHaveLength(1)
  })

  it('is refused when the answer comes twice, and the code is used once', async () => {
    const gate = Promise.withResolvers<undefined>()
    const { endpoint, config } = await provider(async (response, next) => {
      await gate.promise
      answerJson(response, { access_token: next, refresh_token: 'canary-refresh' })
    })
    const login = runLogin(config)
    const url = await login.url
    const first = fetch(backWith(url))
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1))
    expect((await fetch(backWith(url))).status).toBe(400)
    gate.resolve(undefined)
    expect((await first).status).toBe(200)
    expect(await login.ended).toBe(0)
    expect(endpoint.requests).toHaveLength(1)
  })
})

describe('a token endpoint', () => {
  it('that grants no refresh token is a clear error, with what to try', async () => {
    const { config } = await provider()
    const login = runLogin(config)
    const page = await fetch(backWith(await login.url))
    expect(await page.text()).toContain('offline_access')
    await expect(login.ended).rejects.toThrow(/no refresh token for main: .*but no refresh token; .*offline_access/)
  })

  it.each<[string, (response: ServerResponse) => void, RegExp]>([
    ['HTML', (response) => void response.end('<html>canary-body</html>'), /a body that is not a JSON object/],
    [
      'an error that repeats the code',
      (response) => answerJson(response, { error: 'canary-code' }, 400),
      /400 unrecognised_error/,
    ],
    ['a redirect', (response) => void response.writeHead(302, { location: 'https://evil.example/canary' }).end(), /redirect/],
    ['nothing', (response) => void response.destroy(), /cannot be reached/],
  ])('that answers with %s is a clear error without a part of the answer', async (_, answer, message) => {
    const { config } = await provider(answer)
    const login = runLogin(config)
    const page = await fetch(backWith(await login.url))
    expect(page.status).toBe(400)
    expect(await page.text()).not.toContain('canary')
    const error: unknown = await login.ended.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'OperationError', message: expect.stringMatching(message) as string })
    expect([String(error), ...login.stdout, ...login.stderr].join()).not.toContain('canary')
    expect(login.store.grants.size).toBe(0)
  })

  it('that says how long the refresh token is good for is quoted', async () => {
    const { config } = await provider((response, next) =>
      answerJson(response, { access_token: next, refresh_token: 'r', scope: 'a b', refresh_token_expires_in: 3600 }),
    )
    const login = runLogin(config, { json: true })
    await fetch(backWith(await login.url))
    await login.ended
    expect(JSON.parse(login.stdout[0] ?? '')).toEqual({
      credential: 'main',
      store: 'file',
      scope: 'a b',
      refresh_token_expires: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    })
  })
})

describe('the token store', () => {
  const granting = (): ReturnType<typeof provider> =>
    provider((response, next) => answerJson(response, { access_token: next, refresh_token: 'canary-refresh' }))

  it('is asked again when it does not answer at once, for consent is dear', async () => {
    const login = runLogin((await granting()).config)
    login.store.failures = 1
    await fetch(backWith(await login.url))
    expect(await login.ended).toBe(0)
    expect([...login.store.grants.values()]).toMatchObject([{ refreshToken: 'canary-refresh' }])
  })

  it('that keeps nothing is a clear error, in the browser too', async () => {
    const login = runLogin((await granting()).config)
    login.store.failures = Number.POSITIVE_INFINITY
    const page = await fetch(backWith(await login.url))
    expect(await page.text()).toContain('did not keep the refresh token')
    await expect(login.ended).rejects.toThrow(/^the file token store did not keep the refresh token: .*log in again$/)
  })

  it('that does not last is a clear error before anybody is asked', async () => {
    const store = smallStore({ isLasting: false })
    const login = runLogin((await granting()).config, { store })
    await expect(login.ended).rejects.toThrow(/would not keep the refresh token/)
    expect({ talk: login.stderr, isClosed: store.isClosed }).toEqual({ talk: [], isClosed: true })
  })
})

describe('a login that cannot be', () => {
  const config = (keys = {}): string =>
    loginConfig({
      token_endpoint: 'https://auth.example.com/token',
      authorization_endpoint: 'https://auth.example.com/a',
      ...keys,
    })

  it.each([
    ['without a name', { name: '' }, 'UsageError', /say which credential/],
    ['for a credential that is not there', { name: 'mian' }, 'UsageError', /no credential "mian" in .*; did you mean "main"\?/],
    ['for ever', { timeout: 'long' }, 'UsageError', /--timeout takes a duration/],
    ['for no time', { timeout: '0s' }, 'UsageError', /--timeout takes a duration/],
    ['longer than a timer', { timeout: '999h' }, 'UsageError', /--timeout takes a duration/],
    [
      'for a credential that needs none',
      { name: 'other' },
      'OperationError',
      /other needs no login: its grant_type is client_credentials/,
    ],
  ])('%s is refused', async (_, options, name, message) => {
    const { ended, stderr } = runLogin(config(), options)
    await expect(ended).rejects.toMatchObject({ name, message: expect.stringMatching(message) as string })
    expect(stderr).toEqual([])
  })

  it('for a credential with a configured refresh token is refused', async () => {
    const { ended } = runLogin(config({ variables: { refresh_token: 'r' }, authorization_endpoint: undefined }))
    await expect(ended).rejects.toThrow(/main needs no login: it has variables\.refresh_token/)
  })

  it('because another program uses the port of redirect_uri says so', async () => {
    const { port } = await tcpServer(() => {})
    const redirect_uri = `http://127.0.0.1:${port}/callback`
    const { ended } = runLogin(config({ redirect_uri }))
    await expect(ended).rejects.toMatchObject({
      name: 'OperationError',
      message: `cannot wait for the answer at ${redirect_uri}: another program uses this port; write another redirect_uri, which the provider has to know`,
    })
  })
})

describe('a login that nobody answers', () => {
  const file = (): string =>
    loginConfig({ token_endpoint: 'https://auth.example.com/token', authorization_endpoint: 'https://auth.example.com/a' })

  it('ends when its time is up, and listens no longer', async () => {
    const login = runLogin(file(), { timeout: '50ms' })
    const url = await login.url
    await expect(login.ended).rejects.toMatchObject({
      name: 'OperationError',
      message: 'the login has ended: nobody answered in time; run the command again, perhaps with --timeout',
    })
    await expect(fetch(backWith(url))).rejects.toThrow('fetch failed')
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('ends at %s with 1 and one line', async (signal) => {
    const program = `${projectRoot}/test/support/login-program.ts`
    const process = start(['main'], { program, env: { BEARERD_CONFIG: file() } })
    await process.untilOutput(/Waiting for the answer at http:\/\/127\.0\.0\.1:\d+\/callback/)
    process.signal(signal)
    expect(await process.finished).toMatchObject({ code: 1, signal: null, stderr: `bearerd: the login has ended: ${signal}\n` })
  })

  it('ends while the token endpoint takes its time, too', async () => {
    const hanging = await httpServer(() => {})
    const config = loginConfig({ token_endpoint: `${hanging.url}/token`, authorization_endpoint: 'https://auth.example.com/a' })
    const process = start(['main'], { program: `${projectRoot}/test/support/login-program.ts`, env: { BEARERD_CONFIG: config } })
    const [, url = ''] = await process.untilOutput(/^ {2}(https:\S+)$/m)
    const page = fetch(backWith(url)).catch((error: unknown) => error)
    await vi.waitFor(() => expect(hanging.connections()).toBe(1))
    process.signal('SIGINT')
    expect(await process.finished).toMatchObject({ code: 1, stderr: 'bearerd: the login has ended: SIGINT\n' })
    await page
  })
})
