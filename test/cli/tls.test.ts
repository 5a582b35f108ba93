import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import type { CertificateFiles } from '../support/certificates.ts'
import { start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'

/**
 * A provider over TLS: a token endpoint that grants a new token each time and ends the one before, and an API that takes the
 * last.
 */
async function tlsProvider(files: CertificateFiles): Promise<{ url: string; revoke: () => void; tokenRequests: () => number }> {
  let count = 0
  let live = ''
  const server = createServer({ key: pemOf(files.key), cert: pemOf(files.cert) }, (request, response) => {
    if (request.url === '/token') {
      live = `token-${++count}`
      response.end(JSON.stringify({ access_token: live, expires_in: 3600 }))
    } else {
      response
        .writeHead(request.headers.authorization === `Bearer ${live}` ? 200 : 401)
        .end(`${request.headers.host} ${request.url}`)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const revoke = (): void => {
    live = ''
  }
  return { url: `https://localhost:${(server.address() as AddressInfo).port}`, revoke, tokenRequests: () => count }
}

async function serve(provider: string, env: Readonly<Record<string, string>>): Promise<string> {
  const file = scratch().write(
    'proxy.config.yaml',
    `
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
credentials:
  main: {token_endpoint: "${provider}/token", client_id: client, client_secret: secret}
routes:
  - {path: /api, upstream: "${provider}/v1", credential: main}
  - {path: /bare, upstream: "${provider}"}
`,
  )
  const [, url] = await start(['serve', '-c', file], { env }).untilOutput(/"listen":"([^"]+)".*bearerd is serving/)
  return url ?? ''
}

describe.skipIf(!hasOpenssl)('a provider over TLS', () => {
  it('is called with a token, by its own name, and again after a refusal', async () => {
    const authority = certificateAuthority()
    const provider = await tlsProvider(authority.issue('localhost'))
    const gateway = await serve(provider.url, { NODE_EXTRA_CA_CERTS: authority.cert })
    const answer = await fetch(`${gateway}/api/a`)
    expect([answer.status, await answer.text()]).toEqual([200, `${new URL(provider.url).host} /v1/a`])
    provider.revoke()
    expect((await fetch(`${gateway}/api/a`, { method: 'POST', body: 'x'.repeat(100_000) })).status).toBe(200)
    expect(provider.tokenRequests()).toBe(2)
  })

  it('that nobody vouches for gets neither the secret nor a request', async () => {
    const provider = await tlsProvider(certificateAuthority().issue('localhost'))
    const gateway = await serve(provider.url, {})
    const withToken = await fetch(`${gateway}/api/a`)
    expect([withToken.status, await withToken.json()]).toMatchObject([503, { code: 'token_unavailable' }])
    const bare = await fetch(`${gateway}/bare/a`)
    expect([bare.status, await bare.json()]).toMatchObject([502, { code: 'upstream_unreachable' }])
    expect(bare.headers.get('proxy-status')).toContain('error=tls_certificate_error')
    expect(provider.tokenRequests()).toBe(0)
  })
})
