import { describe, expect, it } from 'vitest'
import { startApiGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'
import { answerJson, sendRaw } from '../support/servers.ts'
import { gate } from '../support/proxy-wait.ts'

const perUser = { token_request: { params: { user: '{request.header.X-User}' } } }

interface Stage {
  readonly gateway: TestGateway
  readonly api: Provider
  call(who: string, init?: RequestInit): Promise<Response>
}

/** A gateway that asks for `token-N` in the name of the user of each request. */
async function stage(more: Parameters<typeof startApiGateway>[2] = {}): Promise<Stage> {
  const api = await provider()
  const gateway = await startApiGateway(api.url, api.tokens.url, { credential: perUser, ...more })
  const call: Stage['call'] = (who, init) => fetch(`${gateway.url}/api/x`, { ...init, headers: { 'X-User': who } })
  return { gateway, api, call }
}

/** The users that tokens were asked for, in order. */
function askedFor({ tokens }: Provider): (string | null)[] {
  return tokens.requests.map(({ body }) => new URLSearchParams(body).get('user'))
}

describe('a token for each user', () => {
  it('goes onto the requests of that user, and the field that names the user does not', async () => {
    const { api, call } = await stage()
    for (const who of ['alice', 'bob', 'alice', 'Jane Doe']) expect((await call(who)).status).toBe(200)
    expect(askedFor(api)).toEqual(['alice', 'bob', 'Jane Doe'])
    expect(api.calls.map(({ headers }) => headers.authorization)).toEqual(
      ['token-1', 'token-2', 'token-1', 'token-3'].map((token) => `Bearer ${token}`),
    )
    for (const { rawHeaders } of api.calls) expect(rawHeaders.join()).not.toMatch(/x.user|alice|bob|jane/i)
  })

  it('is asked for once by any number of callers at the same time', async () => {
    const { api, call } = await stage()
    const { opened, open } = gate()
    const { answer } = api.tokens
    api.tokens.answer = async (response, next) => {
      await opened
      await answer(response, next)
    }
    const calls = Array.from({ length: 60 }, (_, index) => call(`user-${index % 3}`))
    await expect.poll(() => api.tokens.requests.length).toBe(3)
    open()
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(calls.map(() => 200))
    expect(new Set(askedFor(api))).toEqual(new Set(['user-0', 'user-1', 'user-2']))
  })

  it('is replaced when it is refused, with one replay, in which the field does not go upstream either', async () => {
    const { gateway, api, call } = await stage()
    await call('alice')
    await call('bob')
    api.tokens.revokeAll()
    const response = await call('alice', { method: 'POST', body: 'all of it' })
    expect(response.status).toBe(200)
    expect(askedFor(api)).toEqual(['alice', 'bob', 'alice'])
    expect(api.calls.at(-1)).toMatchObject({ method: 'POST', body: Buffer.from('all of it') })
    expect(api.calls.map(({ rawHeaders }) => rawHeaders.join()).join()).not.toMatch(/x.user|alice|bob/i)
    expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="accepted"}')).toBe(1)
  })

  it('goes onto the handshake of an upgrade too', async () => {
    const { gateway, api } = await stage()
    const head = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-User: alice\r\n\r\n'
    await sendRaw(gateway.port, head, (text) => text.includes('\r\n\r\n'))
    expect(askedFor(api)).toEqual(['alice'])
    expect(api.calls[0]?.headers).toMatchObject({ upgrade: 'websocket', authorization: 'Bearer token-1' })
    expect(api.calls[0]?.rawHeaders.join()).not.toMatch(/x-user|alice/i)
  })

  it.each(['x-user', 'X-USER', 'x-uSeR'])('takes the field in any spelling: %s', async (name) => {
    const { gateway, api } = await stage()
    // The twin with an underscore is not taken for it, and does not go upstream: many servers would take it for it.
    const head = `GET /api/x HTTP/1.1\r\nHost: localhost\r\nX_User: mallory\r\n${name}: alice\r\nX-Users: kept\r\n\r\n`
    await sendRaw(gateway.port, head, (text) => text.includes('\r\n\r\n'))
    expect(askedFor(api)).toEqual(['alice'])
    expect(api.calls[0]?.rawHeaders.join()).not.toMatch(/x.user,|alice|mallory/i)
    expect(api.calls[0]?.headers).toMatchObject({ 'x-users': 'kept' })
  })

  it('may come from the Authorization of a caller that logs in as it always has', async () => {
    const { gateway, api } = await stage({
      credential: {
        token_endpoint_auth_method: 'none',
        client_secret: undefined,
        token_request: { headers: { Authorization: '{request.header.Authorization}' } },
      },
    })
    const authorization = `Basic ${Buffer.from('alice:canary-password').toString('base64')}`
    expect((await fetch(`${gateway.url}/api/x`, { headers: { authorization } })).status).toBe(200)
    expect(api.tokens.requests[0]?.headers.authorization).toBe(authorization)
    expect(api.calls[0]?.headers.authorization).toBe('Bearer token-1')
  })

  it('is held for a bounded number of users: the one used longest ago is asked for again', async () => {
    const { api, call } = await stage({ top: { token_store: { memory: { max_tokens: 2 } } } })
    for (const who of ['alice', 'bob', 'bob', 'carol', 'bob', 'alice']) expect((await call(who)).status).toBe(200)
    expect(askedFor(api)).toEqual(['alice', 'bob', 'carol', 'alice'])
  })
})

describe('a request that does not say for whom it is', () => {
  const line = 'GET /api/x HTTP/1.1\r\nHost: localhost\r\n'
  const cases: readonly (readonly [why: string, fields: string, detail: RegExp])[] = [
    ['no field', '', /has no field x-user/],
    ['a field of another name', 'X-User-Name: alice\r\nX_User: alice\r\n', /has no field x-user/],
    ['an empty field', 'X-User: \t \r\n', /has no field x-user/],
    ['two fields', 'X-User: alice\r\nX-User: alice\r\n', /more than one field x-user/],
    ['two fields in two spellings', 'X-User: alice\r\nx-USER: bob\r\n', /more than one field x-user/],
    ['an empty field and another', 'X-User:\r\nX-User: alice\r\n', /more than one field x-user/],
    ['a long field', `X-User: ${'alice'.repeat(820)}\r\n`, /longer than 4096 bytes/],
    ['bytes that are no ASCII', 'X-User: alic\xe9\r\n', /more than visible ASCII/],
    ['a tab inside', 'X-User: ali\tce\r\n', /more than visible ASCII/],
  ]

  it.each(cases)('is refused with 400 before anything is asked or sent: %s', async (_why, fields, detail) => {
    const { gateway, api } = await stage()
    const bytes = Buffer.from(`${line}${fields}\r\n`, 'latin1')
    const { status, body, head } = await sendRaw(gateway.port, bytes, (text) => text.includes('}\n'))
    expect(status).toBe(400)
    expect(head).toContain('Proxy-Status: bearerd')
    expect(JSON.parse(body)).toMatchObject({ code: 'bad_request', detail: expect.stringMatching(detail) as unknown })
    expect(body + JSON.stringify(gateway.log)).not.toMatch(/alic|bob/)
    expect(api.tokens.requests).toHaveLength(0)
    expect(api.begun()).toBe(0)
  })
})

describe('who a token is for', () => {
  it('stands in no metric, log line, error or status', async () => {
    const { gateway, api, call } = await stage()
    await call('alice-the-canary')
    api.tokens.answer = (response) =>
      answerJson(response, { error: 'no_bob-the-canary', error_description: 'bob-the-canary' }, 400)
    const refusal = await call('bob-the-canary')
    expect(refusal.status).toBe(502)
    const seen = [await refusal.text(), JSON.stringify(gateway.log)]
    for (const path of ['/metrics', '/status', '/', '/readyz?verbose'])
      seen.push(await (await fetch(`${gateway.adminUrl}${path}`)).text())
    expect(seen.join('\n')).not.toMatch(/the-canary/)
    expect(seen.join('\n')).toContain('unrecognised_error')
  })
})
