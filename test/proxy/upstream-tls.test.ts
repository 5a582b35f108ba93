import { copyFileSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import type { CertificateFiles } from '../support/certificates.ts'
import { egressProxy } from '../support/egress-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { watchConnections } from '../support/outgoing-connections.ts'
import { eventually } from '../support/proxy-wait.ts'
import { httpServer, tcpServer } from '../support/servers.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'

const gatewayTo = (upstream: string, route: Readonly<Record<string, unknown>> = {}): Promise<TestGateway> =>
  startTestGateway({ routes: [{ path: '/api', upstream, ...route }] })

const textOf = async (gateway: TestGateway): Promise<string> => (await fetch(`${gateway.url}/api/a`)).text()

async function failureOf(gateway: TestGateway): Promise<{ status: number; code: string; detail: string; why: string }> {
  const answer = await fetch(`${gateway.url}/api/a`)
  const { code, detail } = (await answer.json()) as { code: string; detail: string }
  return { status: answer.status, code, detail, why: answer.headers.get('proxy-status') ?? '' }
}

/** Puts files where others stand, each at once, as a rotation does. */
function replace(from: CertificateFiles, to: CertificateFiles): void {
  for (const part of ['cert', 'key'] as const) {
    copyFileSync(from[part], `${to[part]}.new`)
    renameSync(`${to[part]}.new`, to[part])
  }
}

describe.skipIf(!hasOpenssl)('TLS to an upstream', () => {
  test('trusts tls.ca, as a path or as text, and without it the system only', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server'))
    for (const ca of [authority.cert, pemOf(authority.cert)]) {
      expect(await textOf(await gatewayTo(upstream.url(), { tls: { ca } }))).toBe('localhost nobody')
    }
    const failure = await failureOf(await gatewayTo(upstream.url()))
    expect(failure).toMatchObject({ status: 502, code: 'upstream_unreachable' })
    expect(failure.detail).toMatch(
      /(SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE).*authority that is not trusted here.*tls\.ca/,
    )
    expect(failure.why).toContain('error=tls_certificate_error')
  })

  test('shows the client certificate', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server'), { clientCa: authority.cert })
    const gateway = await gatewayTo(upstream.url(), { tls: { ca: authority.cert, ...authority.issue('gateway') } })
    expect(await textOf(gateway)).toBe('localhost CN=gateway')
  })

  test('says that a client certificate is wanted, which TLS 1.3 says only when the connection looks established', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server'), { clientCa: authority.cert })
    const failure = await failureOf(await gatewayTo(upstream.url(), { tls: { ca: authority.cert } }))
    expect(failure).toMatchObject({ status: 502, code: 'upstream_unreachable' })
    expect(failure.detail).toMatch(/client certificate.*tls\.cert/)
    expect(failure.why).toContain('error=tls_alert_received')
  })

  test('asks for server_name and wants it in the certificate', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.example.com'))
    const named = await gatewayTo(upstream.url('127.0.0.1'), { tls: { ca: authority.cert, server_name: 'api.example.com' } })
    expect(await textOf(named)).toBe('api.example.com nobody')
    for (const tls of [{ ca: authority.cert }, { ca: authority.cert, server_name: 'other.example.com' }]) {
      const failure = await failureOf(await gatewayTo(upstream.url(), { tls }))
      expect(failure.code).toBe('upstream_unreachable')
      expect(failure.detail).toMatch(/ALTNAME_INVALID.*for another name/)
    }
  })

  test('is verified whatever the environment says', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const authority = certificateAuthority()
    let arrived = 0
    const upstream = await tlsUpstream(authority.issue('server'), { answer: (_, response) => void response.end(`${++arrived}`) })
    for (const tls of [undefined, { ca: certificateAuthority().cert }]) {
      expect(await failureOf(await gatewayTo(upstream.url(), tls && { tls }))).toMatchObject({ code: 'upstream_unreachable' })
    }
    const upgrade = { headers: { connection: 'upgrade', upgrade: 'websocket' } }
    expect((await fetch(`${(await gatewayTo(upstream.url())).url}/api/a`, upgrade).catch(() => undefined))?.status).not.toBe(200)
    expect(arrived).toBe(0)
  })

  test('says that a certificate has expired', async () => {
    const authority = certificateAuthority()
    const upstream = await tlsUpstream(authority.issue('server', undefined, -1))
    const failure = await failureOf(await gatewayTo(upstream.url(), { tls: { ca: authority.cert } }))
    expect(failure.detail).toMatch(/CERT_HAS_EXPIRED.*has expired; it has to be renewed/)
  })

  test('says that nobody speaks TLS there', async () => {
    const { port } = await httpServer((_, response) => void response.end())
    const failure = await failureOf(await gatewayTo(`https://localhost:${port}`))
    expect(failure).toMatchObject({ code: 'upstream_unreachable' })
    expect(failure.detail).toMatch(/TLS could not be agreed on; check that this port speaks TLS/)
  })

  test('is given up after timeouts.connect', async () => {
    const { port } = await tcpServer((socket) => socket.resume())
    const failure = await failureOf(await gatewayTo(`https://localhost:${port}`, { timeouts: { connect: '100ms' } }))
    expect(failure).toMatchObject({ status: 504, code: 'upstream_timeout' })
    expect(failure.detail).toContain('no connection to localhost')
  })

  test.each(['directly', 'through a proxy'])('resumes its sessions %s', async (way) => {
    const authority = certificateAuthority()
    const resumed: boolean[] = []
    const upstream = await tlsUpstream(authority.issue('server'), {
      answer: ({ socket }, response) => {
        resumed.push((socket as TLSSocket).isSessionReused())
        response.setHeader('connection', 'close').end()
      },
    })
    const proxy = way === 'directly' ? {} : { proxy: (await egressProxy()).url }
    const gateway = await gatewayTo(upstream.url(), { tls: { ca: authority.cert }, ...proxy })
    for (let round = 0; round < 3; round++) await textOf(gateway)
    expect(resumed).toEqual([false, true, true])
  })

  test('ends connections that were made with an old certificate', async () => {
    const authority = certificateAuthority()
    const [one, two] = [authority.issue('one'), authority.issue('two')]
    const files = { cert: join(dirname(one.cert), 'live.pem'), key: join(dirname(one.cert), 'live.key') }
    replace(one, files)
    const upstream = await tlsUpstream(authority.issue('server'), { clientCa: authority.cert })
    const gateway = await gatewayTo(upstream.url(), { tls: { ca: authority.cert, ...files } })
    expect([await textOf(gateway), await textOf(gateway)]).toEqual(['localhost CN=one', 'localhost CN=one'])
    expect(upstream.connections()).toBe(1)
    replace(two, files)
    // A second connection at the same time has to be a new one, and makes the first end when it is idle.
    const texts = await Promise.all(Array.from({ length: 4 }, () => textOf(gateway)))
    expect(texts).toContain('localhost CN=two')
    await eventually(
      'the connection of the old certificate has ended',
      async () => (await textOf(gateway)) === 'localhost CN=two',
    )
    for (const text of await Promise.all(Array.from({ length: 4 }, () => textOf(gateway)))) expect(text).toBe('localhost CN=two')
  })

  test('looks at its files by itself, and stays with the last good ones while they do not fit together', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    const authority = certificateAuthority()
    const [one, two] = [authority.issue('one'), authority.issue('two')]
    const files = { cert: join(dirname(one.cert), 'live.pem'), key: join(dirname(one.cert), 'live.key') }
    replace(one, files)
    const upstream = await tlsUpstream(authority.issue('server'), { clientCa: authority.cert })
    const gateway = await gatewayTo(upstream.url(), { tls: { ca: authority.cert, ...files } })
    expect(await textOf(gateway)).toBe('localhost CN=one')
    copyFileSync(two.cert, files.cert)
    vi.advanceTimersByTime(20_000)
    expect(await textOf(gateway)).toBe('localhost CN=one')
    const warnings = gateway.log.filter(({ message }) => String(message).includes('last good'))
    expect(warnings).toMatchObject([{ error: 'unusable_key' }])
    replace(two, files)
    vi.advanceTimersByTime(10_000)
    await eventually('the idle connection has ended', () => upstream.openConnections() === 0)
    expect(await textOf(gateway)).toBe('localhost CN=two')
  })
})

test('a name that leads to a dead address first is reached by its next one', async () => {
  const upstream = await httpServer((_, response) => void response.end('good'))
  const gateway = await gatewayTo(`http://two.localhost:${upstream.port}`)
  const connections = watchConnections([
    { address: '::ffff:127.0.0.2', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ])
  expect(await textOf(gateway)).toBe('good')
  expect(connections.places).toContain(`two.localhost:${upstream.port}`)
})
