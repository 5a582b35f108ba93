import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { certificateAuthority, hasOpenssl, pemOf } from '../../support/certificates.ts'
import { egressProxy } from '../../support/egress-proxy.ts'
import { startApiGateway, startTestGateway } from '../../support/gateway.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { bodyOf, http2Upstream } from '../../support/http2-upstream.ts'
import type { Http2Answer, Http2Upstream } from '../../support/http2-upstream.ts'
import { eventually, gate, settledGateway } from '../../support/proxy-wait.ts'
import { rawCaller } from '../../support/raw-caller.ts'
import { sendRaw } from '../../support/servers.ts'
import { tlsUpstream } from '../../support/tls-upstream.ts'
import { tokenEndpoint } from '../../support/token-endpoint.ts'

type Options = Parameters<typeof http2Upstream>[2]

/** An upstream of HTTP/2 and a gateway before it. */
async function pair(
  answer: Http2Answer,
  { options, route = {} }: { options?: Options; route?: Record<string, unknown> } = {},
): Promise<{ upstream: Http2Upstream; gateway: TestGateway }> {
  const authority = certificateAuthority()
  const upstream = await http2Upstream(authority.issue('server'), answer, options)
  const gateway = await startTestGateway({
    routes: [{ path: '/api', upstream: upstream.url(), http2: true, tls: { ca: authority.cert }, ...route }],
  })
  return { upstream, gateway }
}

const good: Http2Answer = (stream) => {
  stream.respond({ ':status': 200 })
  stream.end('good')
}

describe.skipIf(!hasOpenssl)('HTTP/2 to an upstream', () => {
  test('keeps target, order, repeated fields and every byte of them, and has no fields of the connection', async () => {
    const heads: (readonly string[])[] = []
    const { gateway, upstream } = await pair((stream, _, raw) => {
      heads.push(raw)
      stream.respond({ ':status': 200 })
      stream.end()
    })
    const target = '/a%2F%2Eb//c;d=%zz?x=[1]&y=%20&&'
    const answer = await sendRaw(
      gateway.port,
      Buffer.from(
        `GET /api${target} HTTP/1.1\r\nHost: localhost\r\nX-One: caf\xe9\r\nUser-Agent: a\r\nX-Two: 2\r\nX-One: b\r\nuser-agent: c\r\n` +
          'Cookie: a=1; b=2\r\nX-Drop: 1\r\nKeep-Alive: 5\r\nTE: trailers, gzip\r\nHTTP2-Settings: x\r\nConnection: close, X-Drop\r\n\r\n',
        'latin1',
      ),
    )
    expect(answer.status).toBe(200)
    expect(heads[0]).toEqual(
      [':method', 'GET', ':scheme', 'https', ':authority', `localhost:${upstream.port}`, ':path', target]
        .concat(['x-one', 'caf\xe9', 'user-agent', 'a', 'x-two', '2', 'x-one', 'b', 'user-agent', 'c', 'cookie', 'a=1; b=2'])
        .concat(['via', '1.1 bearerd', 'te', 'trailers']),
    )
  })

  test('brings an answer with its fields in order, without those of the connection, and a reason', async () => {
    const { gateway } = await pair((stream) => {
      stream.respond([
        ':status',
        '404',
        'x-b',
        'caf\xe9',
        'set-cookie',
        'a=1',
        'x-a',
        '2',
        'set-cookie',
        'b=2',
        'x-b',
        '3',
      ] as never)
      stream.end('gone')
    })
    const { text, body } = await sendRaw(gateway.port, 'GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(text).toMatch(
      /^HTTP\/1\.1 404 Not Found\r\nx-b: caf\xe9\r\nset-cookie: a=1\r\nx-a: 2\r\nset-cookie: b=2\r\nx-b: 3\r\n/,
    )
    expect(body).toContain('gone')
  })

  test.each([
    ['GET', undefined, 1],
    ['POST', undefined, 1],
    ['POST', 'content', 0],
  ])('says %s with the body %s with END_STREAM where it belongs', async (method, body, isEnded) => {
    const flags: number[] = []
    const { gateway, upstream } = await pair((stream) => {
      void bodyOf(stream).then((received) => {
        stream.respond({ ':status': 200 })
        stream.end(received)
      })
    })
    upstream.server.on('stream', (_stream, _headers, flag: number) => flags.push(flag & 1))
    const answer = await fetch(`${gateway.url}/api/a`, { method, ...(body !== undefined && { body }) })
    expect(await answer.text()).toBe(body ?? '')
    expect(flags).toEqual([isEnded])
  })

  test.each([
    ['HEAD', 200, { 'content-length': '5' }],
    ['GET', 204, {}],
    ['GET', 304, { etag: '"a"' }],
  ])('has no body after %s and %i', async (method, status, fields) => {
    const { gateway } = await pair((stream) => stream.respond({ ':status': status, ...fields }, { endStream: true }))
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`${gateway.url}/api/a`, { method })
      expect([answer.status, await answer.text()]).toEqual([status, ''])
      for (const [name, value] of Object.entries(fields)) expect(answer.headers.get(name)).toBe(value)
    }
  })

  test('passes 103 on, keeps 100 for itself, and trailers reach who wants them', async () => {
    const { gateway } = await pair((stream) => {
      stream.additionalHeaders({ ':status': 100 })
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '7', 'content-type': 'evil' }))
      stream.end('body')
    })
    const head = 'GET /api/ HTTP/1.1\r\nHost: localhost\r\n'
    const wanted = await sendRaw(gateway.port, `${head}TE: trailers\r\nConnection: close, TE\r\n\r\n`)
    expect(wanted.text).toMatch(/^HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\nHTTP\/1\.1 200 OK\r\n/)
    expect(wanted.text).toMatch(/4\r\nbody\r\n0\r\nx-sum: 7\r\n\r\n$/)
    const plain = await sendRaw(gateway.port, `${head}Connection: close\r\n\r\n`)
    expect(plain.text).not.toContain('x-sum')
    expect(plain.text).toContain('body')
  })

  test('meets Expect: 100-continue', async () => {
    const expectations: unknown[] = []
    const answer: Http2Answer = (stream, { expect: expectation }) => {
      expectations.push(expectation)
      stream.additionalHeaders({ ':status': 100 })
      void bodyOf(stream).then((received) => {
        stream.respond({ ':status': 200 })
        stream.end(received)
      })
    }
    // With a copy of the body the gateway itself has it sent.
    const { gateway } = await pair(answer, { route: { replay: 'off' } })
    const caller = await rawCaller(gateway.port)
    caller.send(
      'POST /api/ HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n',
    )
    await caller.until((text) => text.startsWith('HTTP/1.1 100'), 900)
    caller.send('body')
    expect(await caller.until((text) => text.includes('body'))).toContain('HTTP/1.1 200')
    expect(expectations).toEqual(['100-continue'])
  })

  test('shares one connection among many requests', async () => {
    const { gateway, upstream } = await pair(good)
    const answers = await Promise.all(Array.from({ length: 100 }, async () => (await fetch(`${gateway.url}/api/a`)).text()))
    expect(new Set(answers)).toEqual(new Set(['good']))
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test.each([
    [8, 16],
    [3, 6],
  ])('opens further connections where few streams share one, up to %i, and then has requests wait', async (max, places) => {
    const full = gate()
    let open = 0
    let most = 0
    const { gateway, upstream } = await pair(
      (stream) => {
        most = Math.max(most, ++open)
        void full.opened.then(() => {
          open--
          good(stream, {}, [])
        })
      },
      { options: { settings: { maxConcurrentStreams: 2 } }, route: { max_connections: max } },
    )
    const answers = Promise.all(Array.from({ length: 30 }, async () => (await fetch(`${gateway.url}/api/a`)).status))
    await eventually('all places are taken', () => open === places)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(open).toBe(places)
    full.open()
    expect(new Set(await answers)).toEqual(new Set([200]))
    expect([most, upstream.connections()]).toEqual([places, max])
    await settledGateway(gateway)
  })

  test('opens none where the upstream allows no streams, and lets nobody wait longer than timeouts.response', async () => {
    const { gateway, upstream } = await pair(good, {
      options: { settings: { maxConcurrentStreams: 0 } },
      route: { timeouts: { response: '200ms' } },
    })
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`${gateway.url}/api/a`)
      expect([answer.status, ((await answer.json()) as { detail: string }).detail]).toEqual([
        504,
        expect.stringContaining('HTTP/2 streams'),
      ])
    }
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('uses what the upstream allows later, and waits where it allows less', async () => {
    let open = 0
    const full = gate()
    const { gateway, upstream } = await pair(
      (stream) => {
        open++
        void full.opened.then(() => good(stream, {}, []))
      },
      { options: { settings: { maxConcurrentStreams: 1 } }, route: { max_connections: 1 } },
    )
    const answers = Promise.all(Array.from({ length: 9 }, async () => (await fetch(`${gateway.url}/api/a`)).status))
    await eventually('one is there', () => open === 1)
    upstream.sessions[0]?.settings({ maxConcurrentStreams: 5 })
    await eventually('five are there', () => open === 5)
    upstream.sessions[0]?.settings({ maxConcurrentStreams: 2 })
    full.open()
    expect(new Set(await answers)).toEqual(new Set([200]))
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('speaks HTTP/1.1 where the upstream chooses it, on the connection on which it did, and by its rules', async () => {
    const authority = certificateAuthority()
    let open = 0
    const full = gate()
    const upstream = await tlsUpstream(authority.issue('server'), {
      answer: ({ httpVersion, url }, response) => {
        open++
        if (url === '/wait') void full.opened.then(() => response.end(httpVersion))
        else response.end(httpVersion)
      },
    })
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url(), http2: true, max_connections: 4, tls: { ca: authority.cert } }],
    })
    for (let round = 0; round < 3; round++) expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('1.1')
    expect(upstream.connections()).toBe(1)
    const answers = Promise.all(Array.from({ length: 10 }, async () => (await fetch(`${gateway.url}/api/wait`)).text()))
    await eventually('each has a connection', () => open === 7)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([open, upstream.openConnections()]).toEqual([7, 4])
    full.open()
    expect(new Set(await answers)).toEqual(new Set(['1.1']))
    expect(upstream.connections()).toBe(4)
    await settledGateway(gateway)
  })

  test('follows an upstream that changes its mind', async () => {
    const authority = certificateAuthority()
    const files = authority.issue('server')
    let version = 'http/1.1'
    const upstream = await http2Upstream(files, good, {
      http1: (_, response) => void response.writeHead(200, { connection: 'close' }).end('old'),
      ALPNCallback: () => version,
    })
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url(), http2: true, tls: { ca: authority.cert } }],
    })
    const ask = async (): Promise<string> => (await fetch(`${gateway.url}/api/a`)).text()
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['old', 'old', 'old'])
    version = 'h2'
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['good', 'good', 'good'])
    version = 'http/1.1'
    upstream.sessions[0]?.close()
    for (const session of upstream.sessions) session.destroy()
    await eventually('they are gone', () => upstream.openConnections() === 0)
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['old', 'old', 'old'])
    await settledGateway(gateway)
  })

  test('leaves upgrades to HTTP/1.1', async () => {
    // The idle connection goes for the upgrade, where there may be only one.
    const { gateway, upstream } = await pair(good, {
      options: { http1: (_, response) => void response.end() },
      route: { max_connections: 1 },
    })
    upstream.server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      socket.pipe(socket)
    })
    expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    const caller = await rawCaller(gateway.port)
    caller.send('GET /api/ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    await caller.until((text) => text.startsWith('HTTP/1.1 101'))
    caller.send('echo')
    await caller.until((text) => text.endsWith('echo'))
  })

  test('goes through an egress proxy, with the client certificate and server name of the route', async () => {
    const authority = certificateAuthority()
    const seen: string[] = []
    const upstream = await http2Upstream(
      authority.issue('server', 'DNS:other.test'),
      (stream, headers) => {
        const { socket } = stream.session as {
          socket: { servername?: string; getPeerX509Certificate?: () => { subject: string } }
        }
        seen.push(`${headers[':authority']} ${socket.servername} ${socket.getPeerX509Certificate?.().subject}`)
        good(stream, {}, [])
      },
      { requestCert: true, rejectUnauthorized: true, ca: [pemOf(authority.cert)] },
    )
    const proxy = await egressProxy()
    const tls = { ca: authority.cert, ...authority.issue('gateway'), server_name: 'other.test' }
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url('api.test'), http2: true, proxy: proxy.url, tls }],
    })
    for (let round = 0; round < 3; round++) expect(await (await fetch(`${gateway.url}/api/a`)).text()).toBe('good')
    expect(seen[0]).toBe(`api.test:${upstream.port} other.test CN=gateway`)
    expect([proxy.tunnels(), upstream.connections()]).toEqual([1, 1])
  })

  test('verifies the upstream, and says what is wrong', async () => {
    const authority = certificateAuthority()
    const upstream = await http2Upstream(authority.issue('server'), good)
    const gateway = await startTestGateway({ routes: [{ path: '/api', upstream: upstream.url(), http2: true }] })
    for (let round = 0; round < 2; round++) {
      const answer = await fetch(`${gateway.url}/api/a`)
      expect(answer.status).toBe(502)
      expect(await answer.json()).toMatchObject({
        code: 'upstream_unreachable',
        detail: expect.stringMatching(/authority that is not trusted/),
      })
    }
    expect(upstream.sessions).toHaveLength(0)
  })
})

describe.skipIf(!hasOpenssl)('a refused token over HTTP/2', () => {
  const size = 300_000

  async function refusing(isEarly: boolean): Promise<{ gateway: TestGateway; bodies: Buffer[]; upstream: Http2Upstream }> {
    const authority = certificateAuthority()
    const tokens = await tokenEndpoint()
    const bodies: Buffer[] = []
    const upstream = await http2Upstream(authority.issue('server'), (stream, headers) => {
      const refuse = (): void => {
        stream.respond({ ':status': 401 })
        stream.end('refused')
      }
      const isLive = tokens.isLive(headers.authorization)
      if (isEarly && !isLive) {
        refuse()
        // RFC 9113 8.1: the rest of the request is not wanted.
        stream.once('finish', () => stream.close(0))
        return
      }
      bodyOf(stream).then(
        (body) => {
          if (!isLive) return refuse()
          bodies.push(body)
          good(stream, {}, [])
        },
        () => {},
      )
    })
    const gateway = await startApiGateway(upstream.url(), tokens.url, { route: { http2: true, tls: { ca: authority.cert } } })
    expect(await (await fetch(`${gateway.url}/api/first`)).text()).toBe('good')
    tokens.revokeAll()
    return { gateway, bodies, upstream }
  }

  test.each([
    ['after the whole body', false],
    ['before the body has come to its end', true],
  ])('%s, is replaced, and the request replayed with every byte', async (_, isEarly) => {
    const { gateway, bodies, upstream } = await refusing(isEarly)
    const body = randomBytes(size)
    const caller = await rawCaller(gateway.port)
    caller.send(`PATCH /api/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`)
    caller.send(body.subarray(0, 1_000))
    if (isEarly) await eventually('it is refused', () => upstream.resets.length === 2)
    caller.send(body.subarray(1_000))
    expect(await caller.until((text) => text.includes('good'))).toContain('HTTP/1.1 200')
    expect(bodies.at(-1)?.equals(body)).toBe(true)
    expect(await gateway.metric('bearerd_replays_total{route="/api",outcome="accepted"}')).toBe(1)
    expect(upstream.connections()).toBe(1)
  })

  test('may say so in its body, which is then given back whole', async () => {
    const authority = certificateAuthority()
    const tokens = await tokenEndpoint()
    const upstream = await http2Upstream(authority.issue('server'), (stream, headers) => {
      const isSlow = headers[':path'] === '/slow'
      stream.respond({ ':status': 200, 'content-type': 'application/json' })
      const text = JSON.stringify({ error: tokens.isLive(headers.authorization) ? 'none' : 'expired' })
      stream.write(text.slice(0, 5))
      setTimeout(() => stream.end(text.slice(5)), isSlow ? 50 : 0)
    })
    const gateway = await startApiGateway(upstream.url(), tokens.url, {
      route: { http2: true, tls: { ca: authority.cert } },
      credential: { rejected_when: [{ json: { '/error': ['expired'] } }] },
    })
    for (const path of ['fast', 'slow', 'fast', 'slow']) {
      expect(await (await fetch(`${gateway.url}/api/${path}`)).text()).toBe('{"error":"none"}')
      tokens.revokeAll()
    }
    expect(tokens.requests).toHaveLength(4)
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })

  test('of many requests at once is renewed once, and each of them replayed', async () => {
    const { gateway, upstream } = await refusing(false)
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => (await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'content' })).text()),
    )
    expect(new Set(answers)).toEqual(new Set(['good']))
    expect(upstream.connections()).toBe(1)
    await settledGateway(gateway)
  })
})

describe.skipIf(!hasOpenssl)('what is told of HTTP/2', () => {
  test('is what is told of HTTP/1.1', async () => {
    const body = randomBytes(5 * 1024 ** 2)
    const { gateway, upstream } = await pair((stream) => {
      stream.respond({ ':status': 201 })
      stream.end(body)
    })
    const answer = await fetch(`${gateway.url}/api/a`)
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
    await settledGateway(gateway)
    expect(gateway.log.find(({ message }) => message === 'request')).toMatchObject({
      status: 201,
      upstream_status: 201,
      upstream_ms: expect.any(Number),
    })
    expect(await gateway.metric('bearerd_upstream_duration_seconds_count{route="/api"}')).toBe(1)
    for (const session of upstream.sessions) session.close()
    await new Promise<void>((resolve) => upstream.server.close(() => resolve()))
    expect((await fetch(`${gateway.url}/api/a`)).status).toBe(502)
    expect(await gateway.metric('bearerd_upstream_duration_seconds_count{route="/api"}')).toBe(2)
  })
})
