import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { certificateAuthority } from '../support/certificates.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer } from '../support/servers.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'

/**
 * A certificate is always written before its key, or after it. A token request in between, on its way through an egress proxy,
 * must fail like any other, not end the process (an exception in an event of the platform that nobody can catch).
 */
test.each([false, true])(
  'half a rotation of token_request.tls fails a token request, and nothing else (proxy: %s)',
  async (isProxied) => {
    const authority = certificateAuthority()
    const [one, two] = [authority.issue('one'), authority.issue('two')]
    const folder = mkdtempSync(join(tmpdir(), 'bearerd-review-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
    copyFileSync(one.cert, files.cert)
    copyFileSync(one.key, files.key)
    const endpoint = await tlsUpstream(authority.issue('server'), {
      clientCa: authority.cert,
      answer: (_, response) => answerJson(response, { access_token: 'token-1', expires_in: 600 }),
    })
    const proxy = await httpServer((_, response) => response.end())
    proxy.server.on('connect', (_request, socket) => {
      const onward = connect(endpoint.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(onward).pipe(socket)
      })
      onward.on('error', () => {})
      socket.on('error', () => {})
    })
    const crashes: unknown[] = []
    const before = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    process.on('uncaughtException', (error) => crashes.push(error))
    onTestFinished(() => {
      process.removeAllListeners('uncaughtException')
      for (const listener of before) process.on('uncaughtException', listener)
    })
    const upstream = await httpServer((_, response) => response.end())
    const gateway = await startTestGateway({
      credentials: {
        main: {
          token_endpoint: endpoint.url('127.0.0.1'),
          token_endpoint_auth_method: 'tls_client_auth',
          client_id: 'c',
          token_request: { tls: { ca: authority.cert, ...files }, timeout: '2s', ...(isProxied && { proxy: proxy.url }) },
        },
      },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    })
    copyFileSync(two.cert, files.cert)
    expect((await fetch(`${gateway.url}/api`)).status).toBe(503)
    expect(crashes).toEqual([])
  },
)
