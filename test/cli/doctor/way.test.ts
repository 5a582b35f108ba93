import { describe, expect, it } from 'vitest'
import { examineWay } from '../../../src/cli/doctor/examine-way.ts'
import type { Way } from '../../../src/cli/doctor/examine-way.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { parseProxyUrl } from '../../../src/config/egress-proxy.ts'
import type { EgressProxy } from '../../../src/config/egress-proxy.ts'
import { certificateAuthority, hasOpenssl, pemOf } from '../../support/certificates.ts'
import { egressProxy } from '../../support/egress-proxy.ts'
import type { ProxyBehaviour } from '../../support/egress-proxy.ts'
import { freePort } from '../../support/redis-server.ts'
import { tcpServer } from '../../support/servers.ts'
import { tlsUpstream } from '../../support/tls-upstream.ts'

interface Place {
  readonly hostname?: string
  readonly port: number
  readonly isTls?: boolean
  readonly proxy?: string
  readonly ca?: string
  readonly limitMs?: number
}

async function findings({
  hostname = '127.0.0.1',
  port,
  isTls = false,
  proxy,
  ca,
  limitMs = 10_000,
}: Place): Promise<readonly Finding[]> {
  const way: Way = {
    place: { hostname, port, isTls },
    proxy: proxy === undefined ? undefined : (parseProxyUrl(proxy) as EgressProxy),
    tls: () => (ca === undefined ? undefined : { ca: pemOf(ca) }),
    key: 'upstream',
    tlsKey: 'tls',
  }
  const { findings: found, socket } = await examineWay(way, { limitMs, nowEpochMs: () => Date.now(), tell: () => {} })
  socket?.destroy()
  expect(socket === undefined).toBe(found.some(({ verdict }) => verdict === 'failed'))
  return found
}

function wordsOf(found: readonly Finding[]): string[] {
  return found.map(({ check, verdict, message }) => `${verdict} ${check}: ${message}`)
}

describe('a way', () => {
  it('is looked at step by step', async () => {
    const { port } = await tcpServer(() => {})
    expect(wordsOf(await findings({ hostname: 'localhost', port }))).toEqual([
      expect.stringMatching(/^ok dns: localhost is .*127\.0\.0\.1/),
      expect.stringMatching(/^ok tcp: localhost:\d+ in \d+ ms$/),
    ])
  })

  it('ends at a name that nobody knows', async () => {
    expect(wordsOf(await findings({ hostname: 'nowhere.invalid', port: 1 }))).toEqual([
      expect.stringMatching(/^failed dns: (there is no host nowhere\.invalid|the name nowhere\.invalid could not be).*; check /),
    ])
  })

  it('ends at a port where nothing listens', async () => {
    const port = await freePort()
    expect(wordsOf(await findings({ port }))).toEqual([
      `failed tcp: nothing listens at 127.0.0.1:${port} (ECONNREFUSED); check host and port in upstream`,
    ])
  })

  it('ends where a port takes the connection and says nothing, in time', async () => {
    const server = await tcpServer((socket) => socket.resume())
    expect(wordsOf(await findings({ port: server.port, isTls: true, limitMs: 1_000 })).at(-1)).toMatch(
      /^failed tls: 127\.0\.0\.1:\d+ takes the connection and says nothing for 1000 ms; check that this port speaks TLS/,
    )
    await expect.poll(() => server.openConnections()).toBe(0)
  })

  it('ends where a port breaks off the connection, or speaks no TLS', async () => {
    const closing = await tcpServer((socket) => void socket.once('data', () => socket.destroy()))
    expect(wordsOf(await findings({ port: closing.port, isTls: true })).at(-1)).toMatch(
      /^failed tls: 127\.0\.0\.1:\d+ ends the connection while TLS is agreed on \(\w+\); check that this port speaks TLS/,
    )
    const plain = await tcpServer((socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
    expect(wordsOf(await findings({ port: plain.port, isTls: true })).at(-1)).toMatch(
      /^failed tls: no TLS with 127\.0\.0\.1:\d+ \(\w+\): TLS could not be agreed on; check that this port speaks TLS/,
    )
  })
})

describe.skipIf(!hasOpenssl)('a certificate', () => {
  it.each([
    ['is good for long', 'localhost', 90, true, /^ok tls: TLSv1\.[23], certificate good for 89 more days$/],
    ['expires soon', 'localhost', 10, true, /^warning tls: its certificate expires in 9 days, at 20\S+Z; ask those who run it/],
    [
      'has expired',
      'localhost',
      -1,
      true,
      /^failed tls: no TLS with localhost:\d+ \(CERT_HAS_EXPIRED\): its certificate has expired; /,
    ],
    [
      'is for another name',
      'other.test',
      90,
      true,
      /^failed tls: .*\(ERR_TLS_CERT_ALTNAME_INVALID\): its certificate is for another name; check/,
    ],
    [
      'is from an unknown authority',
      'localhost',
      90,
      false,
      /^failed tls: .*: its certificate is from an authority that is not trusted here; .*tls\.ca/,
    ],
  ])('that %s is told so', async (_what, name, days, isTrusted, expected) => {
    const authority = certificateAuthority({ days: 400 })
    const { port } = await tlsUpstream(authority.issue('server', `DNS:${name}`, days))
    const found = await findings({ hostname: 'localhost', port, isTls: true, ...(isTrusted && { ca: authority.cert }) })
    expect(wordsOf(found).at(-1)).toMatch(expected)
  })

  it('of an authority that expires before the one of the server is told so too', async () => {
    const authority = certificateAuthority()
    const { port } = await tlsUpstream(authority.issue('server', undefined, 90))
    expect(wordsOf(await findings({ port, isTls: true, ca: authority.cert })).at(-1)).toMatch(
      /^warning tls: a certificate of an authority in its chain expires in 1 day, at/,
    )
  })
})

describe('an egress proxy', () => {
  const target = { hostname: 'api.example.com', port: 443 }

  it.each([
    [
      'lets nobody through',
      'HTTP/1.1 403 Forbidden',
      /^failed proxy: the egress proxy \S+ does not let us connect to api\.example\.com:443 \(403\); have it allowed/,
    ],
    [
      'wants to know who we are',
      'HTTP/1.1 407 Who',
      /^failed proxy: the egress proxy \S+ wants to know who we are \(407\); put user and password/,
    ],
    [
      'finds no way',
      'HTTP/1.1 502 Bad Gateway',
      /^failed proxy: the egress proxy \S+ cannot reach api\.example\.com:443 \(502\); ask/,
    ],
  ])('that %s is told so', async (_what, line, expected) => {
    const refuse: ProxyBehaviour = (_head, socket) => {
      socket.end(`${line}\r\ncontent-length: 0\r\n\r\n`)
      return 'done'
    }
    const { url } = await egressProxy(refuse)
    expect(wordsOf(await findings({ ...target, proxy: url }))).toEqual([
      expect.stringMatching(/^ok tcp: 127\.0\.0\.1:\d+ in/),
      expect.stringMatching(expected),
    ])
  })

  it('that is down is told so, and its password is not', async () => {
    const port = await freePort()
    expect(wordsOf(await findings({ ...target, proxy: `http://user:canary@127.0.0.1:${port}` }))).toEqual([
      `failed tcp: nothing listens at 127.0.0.1:${port} (ECONNREFUSED); check host and port in the URL of the egress proxy`,
    ])
  })

  it('that says nothing is told so in time, with what to do', async () => {
    const { url } = await egressProxy(() => 'done')
    expect(wordsOf(await findings({ ...target, proxy: url, limitMs: 1_000 })).at(-1)).toMatch(
      /^failed proxy: no answer of the egress proxy \S+, asked for api\.example\.com:443, within 1000 ms; check its URL/,
    )
  })

  it.skipIf(!hasOpenssl)('that digs a tunnel is not blamed for what is at its end', async () => {
    const authority = certificateAuthority({ days: 400 })
    const { port } = await tlsUpstream(authority.issue('server', 'DNS:api.example.com', 90))
    const { url, heads } = await egressProxy()
    const place = { hostname: 'api.example.com', port, isTls: true, proxy: url }
    expect(wordsOf(await findings({ ...place, ca: authority.cert })).slice(1)).toEqual([
      `ok proxy: ${url} lets us connect to api.example.com:${port}`,
      expect.stringMatching(/^ok tls: .* 89 more days$/),
    ])
    expect(wordsOf(await findings(place)).slice(1)).toEqual([
      `ok proxy: ${url} lets us connect to api.example.com:${port}`,
      expect.stringMatching(/^failed tls: .*not trusted here/),
    ])
    expect(heads).toHaveLength(2)
  })
})

it('leaves no connection behind', async () => {
  const server = await tcpServer((socket) => socket.resume())
  await findings({ port: server.port })
  await expect.poll(() => server.openConnections()).toBe(0)
})
