import { generateKeyPairSync } from 'node:crypto'
import { jwtVerify } from 'jose'
import { expect, test } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { refuse } from '../support/proxy-api.ts'
import { httpServer } from '../support/servers.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A gateway before an API that takes tokens signed by its caller, each until it is revoked. */
async function selfSigned(accepts: (token: string) => boolean) {
  const seen: string[] = []
  const api = await httpServer(async ({ headers }, response) => {
    const token = headers.authorization?.replace('Bearer ', '') ?? ''
    seen.push(token)
    await jwtVerify(token, publicKey, { audience: 'https://api.example', issuer: 'client' })
    if (accepts(token)) response.end('good')
    else refuse(response)
  })
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const gateway = await startTestGateway({
    credentials: {
      main: {
        client_id: 'client',
        grant_type: 'self_signed',
        token_request: { assertion: { alg: 'ES256', key, lifetime: '10m', claims: { aud: 'https://api.example' } } },
      },
    },
    routes: [{ path: '/api', upstream: api.url, credential: 'main' }],
  })
  return { gateway, seen }
}

test('a token signed here serves many requests, and nobody is asked for it', async () => {
  const { gateway, seen } = await selfSigned(() => true)
  for (let count = 0; count < 3; count++) expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  expect(new Set(seen).size).toBe(1)
  expect(await gateway.metric('bearerd_token_requests_total{credential="main",outcome="success"}')).toBe(1)
})

test('a refused one is signed anew, and the request replayed with it', async () => {
  const revoked = new Set<string>()
  const { gateway, seen } = await selfSigned((token) => !revoked.has(token))
  expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
  revoked.add(seen[0] ?? '')
  expect(await (await fetch(`${gateway.url}/api/b`, { method: 'POST', body: 'x' })).text()).toBe('good')
  expect(seen).toHaveLength(3)
  expect(seen[2]).not.toBe(seen[0])
})

test('a place that refuses every one gets no flood of them', async () => {
  const { gateway, seen } = await selfSigned(() => false)
  for (let count = 0; count < 5; count++) expect((await fetch(`${gateway.url}/api/a`)).status).toBe(401)
  expect(new Set(seen).size).toBe(2)
})

test('status and log show neither the key nor the token, and no token endpoint', async () => {
  const { gateway, seen } = await selfSigned(() => true)
  await fetch(`${gateway.url}/api/a`)
  const status = await (await fetch(`${gateway.adminUrl}/status`)).text()
  expect(status).toContain('"token_endpoint":null')
  for (const text of [status, JSON.stringify(gateway.log)]) {
    expect(text).not.toContain(seen[0])
    expect(text).not.toContain('PRIVATE KEY')
  }
})
