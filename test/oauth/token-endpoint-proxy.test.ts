import { afterAll, describe, expect, test } from 'vitest'
import { createRevocation } from '../../src/oauth/revocation.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { TokenRequestError } from '../../src/oauth/token-request-error.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { egressProxy } from '../support/egress-proxy.ts'
import { startApiGateway } from '../support/gateway.ts'
import { httpServer } from '../support/servers.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const transport = createTokenTransport('bearerd/test')
afterAll(() => transport.close())

async function send(token_endpoint: string, token_request: Readonly<Record<string, unknown>>): Promise<string> {
  const credential = credentialOf({ token_endpoint, insecure_http: token_endpoint.startsWith('http:'), token_request })
  return (await transport.send(await buildTokenRequest(credential))).body
}

async function failureOf(token_endpoint: string, token_request: Readonly<Record<string, unknown>>): Promise<TokenRequestError> {
  const error: unknown = await send(token_endpoint, token_request).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof TokenRequestError)) throw new Error('no failure, or one of another kind', { cause: error })
  return error
}

describe('token_request.proxy', () => {
  test('leads to the token endpoint by a tunnel, for http too, so that the proxy sees no secret', async () => {
    const proxy = await egressProxy()
    const { port } = await httpServer((request, response) => void response.end(request.rawHeaders.join()))
    const received = await send(`http://auth.test:${port}/token`, { proxy: `http://me:canary@127.0.0.1:${proxy.port}` })
    expect(proxy.heads).toEqual([
      `CONNECT auth.test:${port} HTTP/1.1\r\nHost: auth.test:${port}\r\nProxy-Authorization: Basic ${btoa('me:canary')}\r\n\r\n`,
    ])
    expect(received).not.toMatch(/proxy-/i)
    expect(received).toContain(`auth.test:${port}`)
  })

  test.skipIf(!hasOpenssl)('verifies an https endpoint end to end, with token_request.tls', async () => {
    const authority = certificateAuthority()
    const proxy = await egressProxy()
    const endpoint = await tlsUpstream(authority.issue('server', 'DNS:auth.test'), { clientCa: authority.cert })
    const tls = { ca: authority.cert, ...authority.issue('gateway') }
    expect(await send(endpoint.url('auth.test'), { proxy: proxy.url, tls })).toBe('auth.test CN=gateway')
    const other = await failureOf(endpoint.url('other.test'), { proxy: proxy.url, tls })
    expect(other).toMatchObject({ kind: 'unavailable', code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
    const unknown = await failureOf(endpoint.url('auth.test'), { proxy: proxy.url })
    expect(unknown.message).toMatch(/authority that is not trusted here.*token_request\.tls\.ca/)
  })

  test('that refuses is no token endpoint: what it answers is neither a token nor a refusal of the client', async () => {
    for (const bytes of [
      'HTTP/1.1 407 No\r\n\r\n',
      'HTTP/1.1 401 No\r\nContent-Type: application/json\r\n\r\n{"error":"invalid_client"}',
      'HTTP/1.1 403 No\r\n\r\n',
    ]) {
      const proxy = await egressProxy((_, socket) => {
        socket.end(bytes)
        return 'done'
      })
      const failure = await failureOf('https://auth.test/token', { proxy: `http://me:canary@127.0.0.1:${proxy.port}` })
      expect(failure).toMatchObject({ kind: 'unavailable', code: 'tunnel_failed' })
      expect(failure.message).toContain(`egress proxy http://127.0.0.1:${proxy.port}`)
      expect(failure.message).not.toContain('canary')
    }
  })

  test('that hangs is given up after token_request.timeout', async () => {
    const proxy = await egressProxy(() => 'done')
    const failure = await failureOf('https://auth.test/token', { proxy: proxy.url, timeout: '100ms' })
    expect(failure.kind).toBe('unavailable')
    expect(failure.message).toContain('100 ms')
  })

  test('is on the way to the revocation endpoint too', async () => {
    const proxy = await egressProxy()
    const { port } = await httpServer((_, response) => void response.end())
    const credential = credentialOf({
      token_endpoint: `http://auth.test:${port}/token`,
      insecure_http: true,
      revoke_on_shutdown: true,
      revocation_endpoint: `http://auth.test:${port}/revoke`,
      token_request: { proxy: proxy.url },
    })
    await createRevocation(transport, () => 0)(credential, 'token', undefined)
    expect(proxy.heads).toHaveLength(1)
  })

  test('is another than that of the route', async () => {
    const forTokens = await egressProxy()
    const forCalls = await egressProxy()
    const tokens = await tokenEndpoint()
    const api = await httpServer((_, response) => void response.end('good'))
    const gateway = await startApiGateway(api.url, tokens.url, {
      route: { proxy: forCalls.url },
      credential: { token_request: { proxy: forTokens.url } },
    })
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(forTokens.heads.map((head) => head.split(' ')[1])).toEqual([new URL(tokens.url).host])
    expect(forCalls.heads.map((head) => head.split(' ')[1])).toEqual([new URL(api.url).host])
  })
})
