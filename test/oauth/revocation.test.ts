import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import { createRevocation } from '../../src/oauth/revocation.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { authorizationServer } from '../support/authorization-server.ts'
import { httpServer, readBody } from '../support/servers.ts'
import { credentialOf } from '../support/tokens-credential.ts'

// The authorization server recommends things on the console that a test need not follow.
beforeAll(() => {
  for (const method of ['warn', 'info'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})

const transport = createTokenTransport('bearerd/test')
afterAll(() => transport.close())
const requestGrant = createGrantRequest(transport, () => Date.now())
const revokeToken = createRevocation(transport, () => Date.now())
const nothing = { refreshToken: undefined, lifetimeMs: undefined }
const [client_id, client_secret] = ['client-1', 'canary: a+secret&with/every=thing% that-is 32 bytes']

/** RFC 7662: what the server itself says. */
async function isActive(token_endpoint: string, token: string): Promise<unknown> {
  const response = await fetch(`${token_endpoint}/introspection`, {
    method: 'POST',
    body: new URLSearchParams({ token }),
    headers: {
      authorization: `Basic ${Buffer.from(`${encodeURIComponent(client_id)}:${encodeURIComponent(client_secret)}`).toString('base64')}`,
    },
  })
  return ((await response.json()) as { active: unknown }).active
}

test.each(['client_secret_basic', 'client_secret_post', 'client_secret_jwt'])(
  'a strict authorization server takes a token back from a client that proves itself by %s',
  async (token_endpoint_auth_method) => {
    const token_endpoint = await authorizationServer([{ client_id, client_secret, token_endpoint_auth_method }])
    const credential = credentialOf({
      token_endpoint,
      revocation_endpoint: `${token_endpoint}/revocation`,
      revoke_on_shutdown: true,
      client_id,
      client_secret,
      token_endpoint_auth_method,
    })
    const { accessToken } = await requestGrant(credential, nothing)
    if (token_endpoint_auth_method === 'client_secret_basic') expect(await isActive(token_endpoint, accessToken)).toBe(true)
    await revokeToken(credential, accessToken)
    if (token_endpoint_auth_method === 'client_secret_basic') expect(await isActive(token_endpoint, accessToken)).toBe(false)
    // A token that is not known any more is revoked too (RFC 7009 2.2).
    await revokeToken(credential, accessToken)
  },
)

test('what is sent is the token and its kind, as a form (RFC 7009 2.1)', async () => {
  const received: string[] = []
  const server = await httpServer(async (request, response) => {
    received.push(`${request.method} ${request.url} ${request.headers['content-type']}`, (await readBody(request)).toString())
    response.end()
  })
  const credential = credentialOf({ revocation_endpoint: `${server.url}/revoke?tenant=1`, revoke_on_shutdown: true })
  await revokeToken(credential, 'a+token/of=ours')
  expect(received).toEqual([
    'POST /revoke?tenant=1 application/x-www-form-urlencoded',
    'token=a%2Btoken%2Fof%3Dours&token_type_hint=access_token',
  ])
})

test.each([400, 401, 302, 503])('an answer of %i is an error that names it and nothing else', async (status) => {
  const server = await httpServer((_, response) => response.writeHead(status, { location: '/elsewhere' }).end('canary-body'))
  const revoking = revokeToken(credentialOf({ revocation_endpoint: server.url, revoke_on_shutdown: true }), 'canary-token')
  await expect(revoking).rejects.toMatchObject({ code: `http_${status}`, message: `the revocation endpoint answered ${status}` })
})
