import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { runDoctor } from '../../support/doctor-run.ts'
import { answerJson, httpServer, tcpServer } from '../../support/servers.ts'
import { tlsUpstream } from '../../support/tls-upstream.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'

function routeTo(upstream: string, keys: object = {}): object {
  return { routes: [{ path: '/api', upstream, ...keys }] }
}

describe('an upstream', () => {
  it.each([200, 302, 401, 404, 500, 503])('that answers %i is reached', async (status) => {
    const { url } = await httpServer((_request, response) => response.writeHead(status).end())
    const run = await runDoctor(routeTo(`${url}/v1/`))
    expect(run.row('answer')).toMatchObject({ of: 'route', names: ['/api'], status: 'ok', facts: { status } })
    expect(run.row('answer')?.message).toMatch(new RegExp(`^reached: ${status} to HEAD /v1 without a token, in \\d+ ms$`))
    expect(run.code).toBe(0)
  })

  it('gets neither a token nor anything of the configuration', async () => {
    const seen: string[] = []
    const { url } = await httpServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${JSON.stringify(request.headers)}`)
      response.end()
    })
    const tokens = await tokenEndpoint()
    await runDoctor({
      credentials: { main: { token_endpoint: tokens.url, client_id: 'client', client_secret: 'canary' } },
      routes: [
        {
          path: '/api',
          upstream: `${url}/v1`,
          credential: 'main',
          headers: { set: { 'X-Api-Key': 'canary' } },
          query: { set: { key: 'canary' } },
        },
      ],
    })
    expect(seen).toEqual([expect.stringMatching(/^HEAD \/v1 \{"host"/)])
    expect(seen[0]).not.toMatch(/canary|token-1|authorization/i)
  })

  it.each([
    [
      'resets',
      (socket: Socket) => void socket.once('data', () => socket.resetAndDestroy()),
      /closes the connection without an answer \(ECONNRESET\)/,
    ],
    ['speaks no HTTP', (socket: Socket) => void socket.write('220 smtp\r\n'), /is not HTTP \(HPE_\w+\)/],
    ['says nothing', (socket: Socket) => void socket.resume(), /does not answer within 1500 ms/],
  ])('that %s has failed', async (_what, behave, expected) => {
    const { port } = await tcpServer(behave)
    const run = await runDoctor(routeTo(`http://127.0.0.1:${port}`), '--timeout', '1500ms')
    expect(run.row('answer')).toMatchObject({ status: 'failed', message: expect.stringMatching(expected) as string })
    expect(run.code).toBe(1)
  })

  it.skipIf(!hasOpenssl)('that wants a client certificate says so after the handshake, and with one it is reached', async () => {
    const authority = certificateAuthority({ days: 400 })
    const upstream = await tlsUpstream(authority.issue('server', undefined, 90), { clientCa: authority.cert })
    const without = await runDoctor(routeTo(upstream.url(), { tls: { ca: authority.cert } }))
    expect(without.row('tls')).toMatchObject({ status: 'ok' })
    expect(without.row('answer')).toMatchObject({ status: 'failed', remedy: 'check tls.cert and tls.key' })
    const { cert, key } = authority.issue('client', undefined, 90)
    const withOne = await runDoctor(routeTo(upstream.url(), { tls: { ca: authority.cert, cert, key } }))
    expect(withOne.row('answer')).toMatchObject({ status: 'ok' })
  })

  it('is asked once for all routes that go there by one way', async () => {
    let count = 0
    const { url } = await httpServer((_request, response) => {
      count++
      response.end()
    })
    const other = await httpServer((_request, response) => response.end())
    const run = await runDoctor({
      routes: [
        { path: '/a', upstream: url },
        { path: '/b', upstream: other.url },
        { path: '/c', upstream: url },
      ],
    })
    expect(count).toBe(1)
    expect(run.rows.filter(({ check }) => check === 'answer').map(({ names }) => names)).toEqual([['/a', '/c'], ['/b']])
  })

  it('that only the token knows is where the token says, or not looked for', async () => {
    const { url, port } = await httpServer((_request, response) => response.end())
    const tokens = await tokenEndpoint()
    const config = {
      credentials: { main: { token_endpoint: tokens.url, client_id: 'client', client_secret: 'canary' } },
      routes: [{ path: '/api', upstream: '{token.instance_url}/data', allowed_hosts: [`127.0.0.1:${port}`], credential: 'main' }],
    }
    tokens.answer = (response, next) => answerJson(response, { access_token: next, expires_in: 900, instance_url: url })
    expect((await runDoctor(config)).row('answer')?.message).toMatch(/^reached: 200 to HEAD \/data without/)

    tokens.answer = (response, next) =>
      answerJson(response, { access_token: next, expires_in: 900, instance_url: 'https://evil.example' })
    expect((await runDoctor(config)).row('upstream')).toMatchObject({
      status: 'failed',
      remedy: 'check upstream and allowed_hosts',
    })

    tokens.answer = (response) => answerJson(response, { error: 'invalid_client' }, 401)
    expect((await runDoctor(config)).row('upstream')).toMatchObject({ status: 'skipped', remedy: 'see the credential main' })
  })
})
