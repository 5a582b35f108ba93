import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import type { RequestOptions } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import type { CertificateFiles } from '../support/certificates.ts'
import { scratch } from '../support/cli-scratch.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { hasten } from '../support/hasten.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'
import { gate } from '../support/proxy-wait.ts'
import { sendRaw } from '../support/servers.ts'

async function gatewayWith(top: Record<string, unknown>, api?: Provider): Promise<[TestGateway, Provider]> {
  const upstream = api ?? (await provider())
  const gateway = await startTestGateway({
    credentials: { main: { token_endpoint: upstream.tokens.url, client_id: 'c', client_secret: 's' } },
    routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    ...top,
  })
  return [gateway, upstream]
}

/** One request on a connection of its own. @returns its status; rejects when there is none */
function get(url: string, options: RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      response.on('error', reject).resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject).end()
  })
}

/** Shakes hands. @returns the connection; rejects with the error's code */
function shakeHands(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ...options }, () => resolve(socket))
    socket.on('error', reject)
    onTestFinished(() => void socket.destroy())
  })
}

function clientOf(files: CertificateFiles): RequestOptions {
  return { cert: pemOf(files.cert), key: pemOf(files.key) }
}

describe.skipIf(!hasOpenssl)('a listener with TLS', () => {
  test('serves callers that trust its authority, from TLS 1.2 on, and speaks HTTP/1.1 only', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const [gateway, api] = await gatewayWith({ tls: { cert, key } })
    expect(gateway.url).toMatch(/^https:/)
    const ca = pemOf(authority.cert)
    expect(await get(`${gateway.url}/api/a`, { ca })).toBe(200)
    expect(await get(`${gateway.url}/api/a`, { ca, maxVersion: 'TLSv1.2' })).toBe(200)
    await expect(get(`${gateway.url}/api/a`, {})).rejects.toThrow()
    const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await expect(get(`${gateway.url}/api/a`, old)).rejects.toThrow()
    await expect(shakeHands(gateway.port, { ca, ALPNProtocols: ['h2'] })).rejects.toThrow()
    expect((await shakeHands(gateway.port, { ca, ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol).toBe('http/1.1')
    expect(api.calls).toHaveLength(2)
  })

  /** An error in a handshake must not reach what ends the process (CVE-2026-21637), nor be answered in clear text. */
  test('outlives whatever is said in place of a handshake', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const [gateway] = await gatewayWith({ tls: { cert, key } })
    for (const bytes of [
      'GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n',
      '\0'.repeat(600),
      Buffer.from('16030100050100000103', 'hex'),
      Buffer.from('160301ffff', 'hex'),
    ]) {
      const socket = connectTcp(gateway.port, '127.0.0.1')
      let received = ''
      socket.setEncoding('latin1').on('data', (text: string) => (received += text))
      socket.on('error', () => {})
      socket.end(bytes)
      await new Promise((resolve) => socket.once('close', resolve))
      expect(received).not.toContain('HTTP')
    }
    for (const servername of ['x'.repeat(250), '..', 'a_b', '\u00fc.example'])
      await shakeHands(gateway.port, { ca: pemOf(authority.cert), servername, checkServerIdentity: () => undefined }).catch(
        () => {},
      )
    expect(await get(`${gateway.url}/api/a`, { ca: pemOf(authority.cert) })).toBe(200)
  })

  test('stops without waiting for hands that are never shaken, and finishes what is open', async () => {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const slow = gate()
    const api = await provider(async (_, response) => {
      await slow.opened
      response.end('good')
    })
    const [gateway] = await gatewayWith({ tls: { cert, key }, shutdown: { grace: '10s' } }, api)
    const silent = connectTcp(gateway.port, '127.0.0.1')
    silent.on('error', () => {})
    const answer = get(`${gateway.url}/api/a`, { ca: pemOf(authority.cert) })
    await expect.poll(() => api.begun()).toBe(1)
    const startedMs = performance.now()
    const stopped = gateway.stop()
    setTimeout(() => slow.open(), 200)
    expect(await answer).toBe(200)
    await stopped
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})

describe.skipIf(!hasOpenssl)('a client certificate', () => {
  async function set() {
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('localhost')
    const callers = [
      { name: 'orders', tls_subject: 'orders' },
      { name: 'spiffe', tls_subject: 'spiffe://example/ns/shop/sa/web' },
      { name: 'billing', tls_subject: 'billing.internal', routes: ['/other'] },
      { name: 'key', api_key: 'canary-key' },
    ]
    const top = {
      tls: { cert, key, client_ca: authority.cert },
      callers,
      routes: ['/api', '/other'].map((path) => ({ path, upstream: api.url, credential: 'main' })),
    }
    const [gateway] = await gatewayWith(top, api)
    return { authority, gateway, ca: pemOf(authority.cert), url: `${gateway.url}/api/a` }
  }
  let api: Provider

  test('proves its caller by common name or alternative name, beside callers with other proofs', async () => {
    api = await provider()
    const { authority, gateway, ca, url } = await set()
    const spiffe = authority.issue('whoever', 'URI:spiffe://example/ns/shop/sa/web')
    const billing = authority.issue('someone', 'DNS:billing.internal')
    expect(await get(url, { ca, ...clientOf(authority.issue('orders')) })).toBe(200)
    expect(gateway.log.at(-1)).toMatchObject({ caller: 'orders' })
    expect(await get(url, { ca, ...clientOf(spiffe) })).toBe(200)
    expect(gateway.log.at(-1)).toMatchObject({ caller: 'spiffe' })
    expect(await get(url, { ca, ...clientOf(billing) })).toBe(403)
    expect(await get(url.replace('/api', '/other'), { ca, ...clientOf(billing) })).toBe(200)
    expect(await get(url, { ca, headers: { 'X-Bearerd-Key': 'canary-key' } })).toBe(200)
    expect(await get(url, { ca, headers: { 'X-Bearerd-Key': 'wrong' }, ...clientOf(authority.issue('orders')) })).toBe(401)
  })

  test('of a stranger, or with the right name in the wrong place, proves nothing', async () => {
    api = await provider()
    const { authority, ca, url } = await set()
    const other = certificateAuthority()
    const names: [string, string][] = [
      ['Orders', 'DNS:x'],
      ['orders.evil', 'DNS:orders.evil'],
      ['x', 'URI:https://evil/#DNS:orders'],
      // One name that reads like two where names are joined carelessly (CVE-2021-44532).
      ['x', '@all\n[all]\nURI.1=http://a/, DNS:orders'],
      ['x', 'DNS:*.internal'],
      ['x', 'IP:127.0.0.1'],
    ]
    expect(await get(url, { ca })).toBe(401)
    expect(await get(url, { ca, ...clientOf(other.issue('orders')) })).toBe(401)
    for (const [name, alternatives] of names) {
      expect(await get(url, { ca, ...clientOf(authority.issue(name, alternatives)) })).toBe(401)
    }
    expect(api.begun()).toBe(0)
  })

  /** OpenSSL says of a resumed TLS 1.3 session without a certificate that it was verified; its handshake asked for none. */
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('cannot be had by resuming a session of %s', async (version) => {
    api = await provider()
    const { authority, gateway, ca } = await set()
    const stranger = certificateAuthority().issue('orders')
    for (const client of [{}, clientOf(stranger)]) {
      const options = { ca, minVersion: version, maxVersion: version, ...client } as ConnectionOptions
      const first = await shakeHands(gateway.port, options)
      const sessions: Buffer[] = []
      first.on('session', (session: Buffer) => sessions.push(session))
      const ask = async (socket: TLSSocket): Promise<string> => {
        let text = ''
        socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
        socket.write('GET /api/a HTTP/1.1\r\nHost: localhost\r\n\r\n')
        await expect.poll(() => text).toContain('\r\n\r\n')
        return text
      }
      expect(await ask(first)).toMatch(/^HTTP\/1\.1 401 /)
      const session = sessions[0] ?? first.getSession()
      const second = await shakeHands(gateway.port, { ...options, ...(session !== undefined && { session }) })
      expect(await ask(second)).toMatch(/^HTTP\/1\.1 401 /)
      expect(second.isSessionReused()).toBe(false)
    }
    expect(await get(`${gateway.url}/api/a`, { ca, ...clientOf(authority.issue('orders')) })).toBe(200)
  })
})

describe.skipIf(!hasOpenssl)('a certificate that changes', () => {
  /** The files are looked at each second, in earnest. */
  const lookOften = (): void => hasten({ 1_000: 100 })

  /** As a Kubernetes volume does it: a folder for each version, and one symlink that is moved over. */
  test('by a symlink swap is used within seconds, and no request fails', async () => {
    lookOften()
    const authority = certificateAuthority()
    const { folder } = scratch()
    const put = (version: string, { cert, key }: CertificateFiles): void => {
      mkdirSync(join(folder, version))
      writeFileSync(join(folder, version, 'tls.crt'), pemOf(cert))
      writeFileSync(join(folder, version, 'tls.key'), pemOf(key))
      symlinkSync(version, join(folder, '..next'))
      renameSync(join(folder, '..next'), join(folder, '..data'))
    }
    put('one', authority.issue('one'))
    const tls = { cert: join(folder, '..data/tls.crt'), key: join(folder, '..data/tls.key') }
    const [gateway] = await gatewayWith({ tls })
    const ca = pemOf(authority.cert)
    const over = new AbortController()
    const statuses = new Map<number | string, number>()
    const callers = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        const status = await get(`${gateway.url}/api/a`, { ca }).catch((error: unknown) => String(error))
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    })
    const served = async (): Promise<string> => {
      const socket = await shakeHands(gateway.port, { ca })
      const { subject } = socket.getPeerCertificate()
      socket.destroy()
      return String(subject.CN)
    }
    expect(await served()).toBe('one')
    for (const version of ['two', 'three']) {
      put(version, authority.issue(version))
      await expect.poll(served, { timeout: 8_000 }).toBe(version)
    }
    over.abort()
    await Promise.all(callers)
    expect([...statuses.keys()]).toEqual([200])
  })

  test('to nonsense, or to half a pair, is not used, and said once', async () => {
    lookOften()
    const authority = certificateAuthority()
    const files = scratch()
    const one = authority.issue('one')
    const cert = files.write('tls.crt', pemOf(one.cert))
    const key = files.write('tls.key', pemOf(one.key))
    const [gateway] = await gatewayWith({ tls: { cert, key } })
    const errors = (): unknown[] => gateway.log.filter(({ level }) => level === 'error')
    const ca = pemOf(authority.cert)
    files.write('tls.crt', pemOf(authority.issue('two').cert))
    await expect.poll(errors, { timeout: 8_000 }).toMatchObject([{ key: 'tls', error: 'unusable_key' }])
    files.write('tls.crt', '-----BEGIN CERTIFICATE-----\nnonsense')
    await expect.poll(() => errors().length, { timeout: 8_000 }).toBe(2)
    await new Promise((resolve) => setTimeout(resolve, 400))
    expect(errors()).toHaveLength(2)
    expect(await get(`${gateway.url}/api/a`, { ca })).toBe(200)
    expect(JSON.stringify(gateway.log)).not.toContain('PRIVATE KEY')
  })
})

test.skipIf(!hasOpenssl)('the admin interface speaks TLS too, and knows callers by their certificates', async () => {
  const authority = certificateAuthority()
  const { cert, key } = authority.issue('localhost')
  const [gateway] = await gatewayWith({
    admin: {
      listen: '127.0.0.1:0',
      tls: { cert, key, client_ca: authority.cert },
      callers: [{ name: 'ops', tls_subject: 'ops' }],
    },
  })
  const ca = pemOf(authority.cert)
  expect(gateway.adminUrl).toMatch(/^https:/)
  expect(await get(`${gateway.adminUrl}/readyz`, { ca })).toBe(200)
  expect(await get(`${gateway.adminUrl}/status`, { ca })).toBe(401)
  expect(await get(`${gateway.adminUrl}/status`, { ca, ...clientOf(authority.issue('ops')) })).toBe(200)
  expect((await sendRaw(Number(new URL(gateway.adminUrl).port), 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n')).status).toBe(0)
})
