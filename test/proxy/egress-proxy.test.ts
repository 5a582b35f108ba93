import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { rootCertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { egressProxy } from '../support/egress-proxy.ts'
import type { ProxyBehaviour } from '../support/egress-proxy.ts'
import { startApiGateway, startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { watchConnections } from '../support/outgoing-connections.ts'
import { provider } from '../support/proxy-api.ts'
import { eventually, settledGateway } from '../support/proxy-wait.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { answerJson, httpServer, tcpServer } from '../support/servers.ts'
import { tlsUpstream } from '../support/tls-upstream.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

async function failureOf(gateway: TestGateway): Promise<{ status: number; code: string; detail: string; why: string }> {
  const answer = await fetch(`${gateway.url}/api/a`)
  const { code, detail } = (await answer.json()) as { code: string; detail: string }
  return { status: answer.status, code, detail, why: answer.headers.get('proxy-status') ?? '' }
}

const secretUrl = ({ port }: { readonly port: number }): string => `http://corp:canary%40pass@127.0.0.1:${port}`

describe.skipIf(!hasOpenssl)('an egress proxy before an https upstream', () => {
  test('is asked for a tunnel, and sees neither the token nor the request; its credentials stop there', async () => {
    const authority = certificateAuthority()
    const proxy = await egressProxy()
    const tokens = await tokenEndpoint()
    const fields: string[][] = []
    const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.test'), {
      answer: (request, response) => {
        fields.push(request.rawHeaders)
        response.end('good')
      },
    })
    const route = { proxy: secretUrl(proxy), tls: { ca: authority.cert } }
    const gateway = await startApiGateway(upstream.url('api.test'), tokens.url, { route })
    for (let round = 0; round < 3; round++) expect(await (await fetch(`${gateway.url}/api/path-canary`)).text()).toBe('good')
    expect(proxy.heads).toEqual([
      `CONNECT api.test:${upstream.port} HTTP/1.1\r\nHost: api.test:${upstream.port}\r\nProxy-Authorization: Basic ${btoa('corp:canary@pass')}\r\n\r\n`,
    ])
    expect(fields).toHaveLength(3)
    expect(fields.flat().join('\n')).not.toMatch(/proxy-|Basic/i)
    for (const secret of ['path-canary', 'Bearer']) expect(proxy.seen()).not.toContain(secret)
    expect(JSON.stringify(gateway.log)).not.toContain('canary%40pass')
  })

  test('cannot pass itself off as the upstream', async () => {
    const authority = certificateAuthority()
    const liar = await tlsUpstream(authority.issue('liar', 'DNS:elsewhere.test'))
    const proxy = await egressProxy((_, socket) => {
      const onward = connect(liar.port, '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'))
      onward.on('error', () => {})
      socket.pipe(onward).pipe(socket)
      return 'done'
    })
    for (const tls of [{ ca: authority.cert }, undefined]) {
      const gateway = await startTestGateway({
        routes: [{ path: '/api', upstream: 'https://api.test', proxy: proxy.url, ...(tls && { tls }) }],
      })
      expect(await failureOf(gateway)).toMatchObject({
        status: 502,
        code: 'upstream_unreachable',
        why: expect.stringContaining('tls_certificate_error'),
      })
    }
  })

  test('may be an https proxy, which is verified by its own name', async () => {
    const authority = certificateAuthority()
    const proxy = await egressProxy(undefined, authority.issue('proxy'))
    const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.test'), {
      answer: (_, response) => void response.end('good'),
    })
    const route = { path: '/api', upstream: upstream.url('api.test'), proxy: proxy.url, tls: { ca: authority.cert } }
    const gateway = await startTestGateway({ routes: [route] })
    // The authority of the upstream says nothing about the proxy.
    const failure = await failureOf(gateway)
    expect(failure.detail).toMatch(/no connection to the egress proxy.*NODE_EXTRA_CA_CERTS/)
    setDefaultCACertificates([...rootCertificates, pemOf(authority.cert)])
    onTestFinished(() => setDefaultCACertificates([...rootCertificates]))
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(proxy.tunnels()).toBe(1)
  })

  test('has no part in a replay', async () => {
    const authority = certificateAuthority()
    const proxy = await egressProxy()
    const tokens = await tokenEndpoint()
    const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.test'), {
      answer: (request, response) => {
        const isLive = tokens.isLive(request.headers.authorization)
        request.resume().on('end', () => response.writeHead(isLive ? 200 : 401).end('done'))
      },
    })
    const gateway = await startApiGateway(upstream.url('api.test'), tokens.url, {
      route: { proxy: proxy.url, tls: { ca: authority.cert } },
    })
    const post = async (): Promise<number> =>
      (await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'x'.repeat(500_000) })).status
    expect(await post()).toBe(200)
    tokens.revokeAll()
    expect(await post()).toBe(200)
    expect(tokens.requests).toHaveLength(2)
    await settledGateway(gateway)
  })
})

test('an http upstream is reached through a tunnel too, so that the proxy is never sent a request with a token', async () => {
  const api = await provider()
  const proxy = await egressProxy()
  const connections = watchConnections()
  const gateway = await startApiGateway(`http://api.test:${api.port}`, api.tokens.url, {
    route: { proxy: proxy.url, insecure_http: true },
  })
  for (let round = 0; round < 3; round++) expect((await fetch(`${gateway.url}/api/a`)).status).toBe(200)
  expect([proxy.heads.length, proxy.tunnels(), api.calls.length]).toEqual([1, 1, 3])
  expect(proxy.heads[0]).toMatch(/^CONNECT api\.test:\d+ HTTP\/1\.1\r\nHost: api\.test:\d+\r\n\r\n$/)
  expect(connections.places.filter((place) => place.startsWith('api.test'))).toEqual([])
  expect(api.calls[0]?.rawHeaders.join()).not.toMatch(/proxy-/i)
})

test.skipIf(!hasOpenssl)('TLS inside TLS carries 20 MiB both ways, and waits for a slow reader', async () => {
  const authority = certificateAuthority()
  const proxy = await egressProxy(undefined, authority.issue('proxy'))
  setDefaultCACertificates([...rootCertificates, pemOf(authority.cert)])
  onTestFinished(() => setDefaultCACertificates([...rootCertificates]))
  const upstream = await tlsUpstream(authority.issue('server', 'DNS:api.test'), {
    answer: (request, response) => void request.pipe(response),
  })
  const gateway = await startTestGateway({
    routes: [{ path: '/api', upstream: upstream.url('api.test'), proxy: proxy.url, tls: { ca: authority.cert } }],
  })
  const sent = randomBytes(20 * 1024 ** 2)
  const answer = await fetch(`${gateway.url}/api/a`, { method: 'POST', body: sent })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(Buffer.from(await answer.arrayBuffer()).equals(sent)).toBe(true)
})

test('tunnels are kept, used again and counted by max_connections', async () => {
  const proxy = await egressProxy()
  let most = 0
  const api = await httpServer((_, response) => {
    most = Math.max(most, api.openConnections())
    setTimeout(() => response.end('good'), 1)
  })
  const gateway = await startTestGateway({ routes: [{ path: '/api', upstream: api.url, proxy: proxy.url, max_connections: 3 }] })
  const texts = await Promise.all(Array.from({ length: 60 }, async () => (await fetch(`${gateway.url}/api/a`)).text()))
  expect(new Set(texts)).toEqual(new Set(['good']))
  expect(most).toBeLessThanOrEqual(3)
  expect(proxy.heads.length).toBeLessThanOrEqual(6)
})

test('an HTTP/1.0 proxy will do, as many are', async () => {
  const api = await httpServer((_, response) => void response.end('good'))
  const proxy = await egressProxy((_, socket) => {
    const onward = connect(api.port, '127.0.0.1', () => socket.write('HTTP/1.0 200 Connection established\r\n\r\n'))
    socket.pipe(onward).pipe(socket)
    return 'done'
  })
  const gateway = await startTestGateway({ routes: [{ path: '/api', upstream: api.url, proxy: proxy.url }] })
  expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
})

test('a tunnel that ends at once is an upstream that cannot be reached, or one that gave no answer', async () => {
  const proxy = await egressProxy((_, socket) => {
    socket.end('HTTP/1.1 200 OK\r\n\r\n')
    return 'done'
  })
  const to = (upstream: string): Promise<TestGateway> =>
    startTestGateway({ routes: [{ path: '/api', upstream, proxy: proxy.url, max_connections: 1 }] })
  for (const gateway of [await to('https://api.test'), await to('http://127.0.0.1:9')]) {
    for (let round = 0; round < 2; round++) {
      expect(await failureOf(gateway)).toMatchObject({
        status: 502,
        code: expect.stringMatching(/^upstream_(unreachable|reset)$/),
      })
    }
    await settledGateway(gateway)
  }
})

test('an upgrade goes through a tunnel of its own', async () => {
  const proxy = await egressProxy()
  const tokens = await tokenEndpoint()
  const upstream = await tcpServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
      socket.pipe(socket)
    })
  })
  const gateway = await startApiGateway(upstream.url, tokens.url, { route: { proxy: proxy.url } })
  const caller = await rawCaller(gateway.port)
  caller.send('GET /api/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  await caller.until((text) => text.startsWith('HTTP/1.1 101'), 1_000)
  caller.send('there and back')
  await caller.until((text) => text.endsWith('there and back'), 1_000)
  expect(proxy.tunnels()).toBe(1)
  caller.socket.destroy()
  await settledGateway(gateway)
})

test.each<[string, string, number, string, RegExp]>([
  [
    '407',
    'HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 2\r\n\r\nno',
    502,
    'upstream_unreachable',
    /wants to know who we are \(407\).*USER:PASSWORD@/,
  ],
  [
    '401',
    'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error="invalid_token"\r\nContent-Length: 0\r\n\r\n',
    502,
    'upstream_unreachable',
    /does not let us connect to api\.test:443 \(401\)/,
  ],
  [
    '403',
    'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
    502,
    'upstream_unreachable',
    /does not let us connect.*\(403\).*NO_PROXY/,
  ],
  ['502', 'HTTP/1.1 502 Bad Gateway\r\n\r\n', 502, 'upstream_unreachable', /cannot reach api\.test:443 \(502\)/],
  ['100', 'HTTP/1.1 100 Continue\r\n\r\n', 502, 'upstream_unreachable', /does not let us connect/],
  [
    '302',
    'HTTP/1.1 302 Found\r\nLocation: http://portal.test/\r\nContent-Length: 0\r\n\r\n',
    502,
    'upstream_unreachable',
    /\(302\)/,
  ],
  ['garbage', 'SSH-2.0-OpenSSH_9.6\r\n\r\n', 502, 'upstream_unreachable', /is not valid HTTP \(HPE_/],
  [
    'an endless head',
    `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}`,
    502,
    'upstream_unreachable',
    /is not valid HTTP \(HPE_HEADER_OVERFLOW\)/,
  ],
  [
    '200 and an answer of its own behind it',
    'HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
    502,
    'upstream_unreachable',
    /bytes that nobody asked for/,
  ],
  ['nothing, and closes', '', 502, 'upstream_unreachable', /closed the connection/],
])('a proxy that answers %s is no upstream', async (what, bytes, status, code, detail) => {
  const behave: ProxyBehaviour = (_, socket) => {
    if (bytes === '') socket.end()
    else socket.write(bytes)
    return 'done'
  }
  const proxy = await egressProxy(behave)
  const tokens = await tokenEndpoint()
  for (const upstream of ['https://api.test', 'http://api.test:443']) {
    const gateway = await startApiGateway(upstream, tokens.url, {
      route: { proxy: proxy.url, max_connections: 1, ...(upstream.startsWith('http:') && { insecure_http: true }) },
    })
    const asked = tokens.requests.length
    for (let round = 0; round < 3; round++) {
      const failure = await failureOf(gateway)
      expect(failure, what).toMatchObject({ status, code })
      expect(failure.detail).toMatch(detail)
    }
    // One token for this gateway, and no renewal, whatever the proxy says.
    expect(tokens.requests.length - asked).toBe(1)
    await settledGateway(gateway)
  }
})

test('a proxy that refuses its credentials is told apart from one that wants some, and neither is shown them', async () => {
  const proxy = await egressProxy((_, socket) => {
    socket.write('HTTP/1.1 407 No\r\n\r\n')
    return 'done'
  })
  const gateway = await startTestGateway({ routes: [{ path: '/api', upstream: 'https://api.test', proxy: secretUrl(proxy) }] })
  const failure = await failureOf(gateway)
  expect(failure.detail).toBe(
    `the egress proxy http://127.0.0.1:${proxy.port} wants to know who we are (407); check the user and password in its URL`,
  )
  expect(failure.why).toContain('error=proxy_configuration_error')
  expect(JSON.stringify(gateway.log)).not.toContain('canary')
})

test.each([
  ['accepts and says nothing', /no answer of the egress proxy .* asked for api\.test:443, within 150 ms/],
  ['drips its answer', /no answer of the egress proxy/],
  ['digs a tunnel that leads nowhere', /no TLS with api\.test:443 through the egress proxy .* within 150 ms/],
])('a proxy that %s is given up after timeouts.connect', async (what, detail) => {
  const proxy = await egressProxy((_, socket) => {
    if (what.includes('tunnel')) socket.write('HTTP/1.1 200 OK\r\n\r\n')
    if (what.includes('drips')) {
      const timer = setInterval(() => socket.write('X'), 20)
      socket.write('HTTP/1.1 200 OK\r\nX: ')
      socket.on('close', () => clearInterval(timer))
    }
    return 'done'
  })
  const gateway = await startTestGateway({
    routes: [
      { path: '/api', upstream: 'https://api.test', proxy: proxy.url, max_connections: 1, timeouts: { connect: '150ms' } },
    ],
  })
  for (let round = 0; round < 2; round++) {
    const failure = await failureOf(gateway)
    expect(failure).toMatchObject({ status: 504, code: 'upstream_timeout' })
    expect(failure.detail).toMatch(detail)
    expect(failure.why).toContain('error=connection_timeout')
  }
  await settledGateway(gateway)
})

test('a proxy that is not there, or not to be found, is named', async () => {
  const to = (proxy: string): Promise<TestGateway> =>
    startTestGateway({ routes: [{ path: '/api', upstream: 'https://api.test', proxy }] })
  const refused = await failureOf(await to('http://127.0.0.1:1'))
  expect(refused).toMatchObject({ code: 'upstream_unreachable', why: expect.stringContaining('connection_refused') })
  expect(refused.detail).toBe('no connection to the egress proxy http://127.0.0.1:1 (ECONNREFUSED); check its URL')
  const unknown = await failureOf(await to('http://nowhere.invalid:3128'))
  expect(unknown).toMatchObject({ code: 'upstream_unreachable', why: expect.stringContaining('dns_error') })
})

test('a caller that leaves while the tunnel is dug leaves nothing behind', async () => {
  const hanging = await egressProxy(() => 'done')
  const gateway = await startTestGateway({
    routes: [
      { path: '/api', upstream: 'https://api.test', proxy: hanging.url, max_connections: 1, timeouts: { connect: '300ms' } },
    ],
  })
  const leaving = new AbortController()
  const call = fetch(`${gateway.url}/api/a`, { signal: leaving.signal }).catch(() => 'gone')
  await eventually('the proxy is asked', () => hanging.heads.length === 1)
  leaving.abort()
  expect(await call).toBe('gone')
  await settledGateway(gateway)
  // The only slot is free again.
  expect(await failureOf(gateway)).toMatchObject({ code: 'upstream_timeout' })
})

test('a tunnel that is not there yet does not hold up the end of the gateway', async () => {
  const hanging = await egressProxy(() => 'done')
  const gateway = await startTestGateway({
    shutdown: { grace: '50ms' },
    routes: [{ path: '/api', upstream: 'https://api.test', proxy: hanging.url, timeouts: { connect: '60s' } }],
  })
  const call = fetch(`${gateway.url}/api/a`).then(
    ({ status }) => status,
    () => 'gone',
  )
  await eventually('the proxy is asked', () => hanging.heads.length === 1)
  await gateway.stop()
  expect(await call).not.toBe(200)
  await eventually('the proxy is left', () => hanging.openConnections() === 0)
})

describe('the environment', () => {
  test('says which proxy, and which hosts go without', async () => {
    const proxy = await egressProxy()
    const api = await httpServer((_, response) => void response.end('good'))
    const connections = watchConnections()
    const gateway = await startTestGateway(
      {
        routes: ['/api', '/out'].map((path) => ({
          path,
          upstream: `http://${path === '/api' ? 'api.test' : 'in.corp.test'}:${api.port}`,
          insecure_http: true,
        })),
      },
      { http_proxy: proxy.url, NO_PROXY: 'corp.test' },
    )
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(await (await fetch(`${gateway.url}/out/a`)).text()).toBe('good')
    expect(proxy.heads).toHaveLength(1)
    expect(connections.places).toContain(`in.corp.test:${api.port}`)
    expect(connections.places).not.toContain(`api.test:${api.port}`)
  })

  test('leads to an upstream that the token names, too', async () => {
    const proxy = await egressProxy()
    const api = await httpServer((_, response) => void response.end('good'))
    const tokens = await tokenEndpoint()
    tokens.answer = (response) =>
      answerJson(response, { access_token: 'a', expires_in: 3600, where: `http://one.api.test:${api.port}` })
    const credentials = { main: { token_endpoint: tokens.url, client_id: 'c', client_secret: 's' } }
    const route = { path: '/api', upstream: '{token.where}', allowed_hosts: [`*.api.test:${api.port}`], credential: 'main' }
    const gateway = await startTestGateway(
      { credentials, routes: [{ ...route, insecure_http: true }] },
      { http_proxy: proxy.url },
    )
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(proxy.heads[0]).toContain(`CONNECT one.api.test:${api.port} `)
  })

  test('has no say in what is on this machine, nor where a route says proxy: off', async () => {
    const nobody = await tcpServer((socket) => socket.destroy())
    const env = { https_proxy: nobody.url, HTTPS_PROXY: nobody.url, http_proxy: nobody.url, ALL_PROXY: nobody.url }
    const api = await httpServer((_, response) => void response.end('good'))
    watchConnections()
    const gateway = await startTestGateway(
      {
        routes: [
          { path: '/own', upstream: api.url },
          { path: '/named', upstream: `http://api.localhost:${api.port}` },
          { path: '/off', upstream: `http://api.test:${api.port}`, insecure_http: true, proxy: 'off' },
        ],
      },
      env,
    )
    for (const path of ['own', 'named', 'off']) expect((await fetch(`${gateway.url}/${path}/a`)).status).toBe(200)
    expect(nobody.connections()).toBe(0)
  })
})
