import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { createTokenTransport } from '../../src/oauth/token-transport.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const transport = createTokenTransport('bearerd/test')
afterAll(() => transport.close())

/** A token endpoint with TLS that answers with the name on the certificate it was shown. */
async function tlsEndpoint(authority: ReturnType<typeof certificateAuthority>, names?: string): Promise<string> {
  const { cert, key } = authority.issue('server', names)
  const server = createServer(
    { cert: pemOf(cert), key: pemOf(key), ca: pemOf(authority.cert), requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      response.end((socket as TLSSocket).getPeerX509Certificate()?.subject ?? 'nobody')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}/token`
}

const send = async (token_endpoint: string, tls?: Readonly<Record<string, unknown>>) =>
  (await transport.send(await buildTokenRequest(credentialOf({ token_endpoint, ...(tls && { token_request: { tls } }) })))).body

describe.skipIf(!hasOpenssl)('TLS to the token endpoint', () => {
  test('trusts the configured authority, and without one the system only', async () => {
    const authority = certificateAuthority()
    const url = await tlsEndpoint(authority)
    expect(await send(url, { ca: authority.cert })).toBe('nobody')
    await expect(send(url)).rejects.toMatchObject({ kind: 'unavailable', code: 'SELF_SIGNED_CERT_IN_CHAIN' })
    await expect(send(url, { ca: certificateAuthority().cert })).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('is verified whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    await expect(send(await tlsEndpoint(certificateAuthority()))).rejects.toMatchObject({ kind: 'unavailable' })
  })

  test('verifies the name too', async () => {
    const authority = certificateAuthority()
    const url = await tlsEndpoint(authority, 'DNS:elsewhere.example')
    await expect(send(url, { ca: authority.cert })).rejects.toMatchObject({
      kind: 'unavailable',
      code: 'ERR_TLS_CERT_ALTNAME_INVALID',
    })
  })

  test('shows the certificate as it is at each token request, on a connection of its own', async () => {
    const authority = certificateAuthority()
    const url = await tlsEndpoint(authority)
    const folder = mkdtempSync(join(tmpdir(), 'bearerd-test-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    const put = (name: string): void => {
      for (const part of ['cert', 'key'] as const) {
        copyFileSync(issued[name]?.[part] ?? '', `${files[part]}.new`)
        renameSync(`${files[part]}.new`, files[part])
      }
    }
    const issued: Record<string, { cert: string; key: string }> = { one: authority.issue('one'), two: authority.issue('two') }
    put('one')
    const credential = credentialOf({ token_endpoint: url, token_request: { tls: { ca: authority.cert, ...files } } })
    const ask = async () => (await transport.send(await buildTokenRequest(credential))).body
    expect([await ask(), await ask()]).toEqual(['CN=one', 'CN=one'])
    put('two')
    expect(await ask()).toBe('CN=two')
    // Caught in the middle of a rotation: an outage of a moment, not an answer.
    copyFileSync(issued['one']?.cert ?? '', files.cert)
    await expect(ask()).rejects.toMatchObject({ kind: 'unavailable' })
    copyFileSync(issued['one']?.key ?? '', files.key)
    expect(await ask()).toBe('CN=one')
  })
})
