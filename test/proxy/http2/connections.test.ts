import type { ServerHttp2Stream } from 'node:http2'
import { copyFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseConfig } from '../../../src/config/load-config.ts'

import type { Http2Pool } from '../../../src/proxy/upstream/http2/http2-pool.ts'
import { UpstreamsByRoute } from '../../../src/proxy/upstream/upstreams-by-route.ts'
import { createLog } from '../../../src/telemetry/log.ts'
import { certificateAuthority, hasOpenssl } from '../../support/certificates.ts'
import { startTestGateway } from '../../support/gateway.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { endHeaders, fieldBlock, frameTypes, frameUpstream } from '../../support/http2-frames.ts'
import { hasten } from '../../support/hasten.ts'
import { bodyOf, http2Upstream } from '../../support/http2-upstream.ts'
import type { Http2Answer, Http2Upstream } from '../../support/http2-upstream.ts'
import { eventually, gate, settledGateway } from '../../support/proxy-wait.ts'
import { rawCaller } from '../../support/raw-caller.ts'
import { sendRaw } from '../../support/servers.ts'
import { ask, attempt, http2PoolTo, textOf } from '../../support/upstream-client.ts'

const good: Http2Answer = (stream) => {
  stream.respond({ ':status': 200 })
  stream.end('good')
}

async function pair(
  answer: Http2Answer,
  route: Record<string, unknown> = {},
): Promise<{ upstream: Http2Upstream; gateway: TestGateway }> {
  const authority = certificateAuthority()
  const upstream = await http2Upstream(authority.issue('server'), answer)
  const gateway = await startTestGateway({
    routes: [{ path: '/api', upstream: upstream.url(), http2: true, tls: { ca: authority.cert }, ...route }],
  })
  return { upstream, gateway }
}

const call = async (gateway: TestGateway, init?: RequestInit): Promise<string> =>
  (await fetch(`${gateway.url}/api/a`, init)).text()

const later = (ms: number): void => {
  const now = performance.now.bind(performance)
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + ms)
  onTestFinished(() => spy.mockRestore())
}

const minutes = 60_000

describe.skipIf(!hasOpenssl)('a connection of HTTP/2', () => {
  /** The connections to an upstream, without a gateway, on a clock of their own. */
  async function alone(answer: Http2Answer): Promise<{ upstream: Http2Upstream; pool: Http2Pool; clock: { ms: number } }> {
    const authority = certificateAuthority()
    const upstream = await http2Upstream(authority.issue('server'), answer)
    const clock = { ms: 0 }
    const pool = http2PoolTo(upstream.url(), authority.cert, { now: () => clock.ms, random: () => 0.5 })
    return { upstream, pool, clock }
  }

  test('serves no request after 5 minutes, less by chance, so that a change in DNS is followed', async () => {
    const { upstream, pool, clock } = await alone(good)
    for (let round = 0; round < 9; round++) {
      expect(await ask(pool)).toBe('good')
      clock.ms += 0.5 * minutes
    }
    expect(upstream.connections()).toBe(1)
    expect(await ask(pool)).toBe('good')
    expect(upstream.connections()).toBe(2)
    await eventually('the old one is closed', () => upstream.openConnections() === 1)
  })

  test('that is old in the middle of an answer finishes it, and then ends', async () => {
    const slow = gate()
    const { upstream, pool, clock } = await alone((stream) => {
      stream.respond({ ':status': 200 })
      stream.write('begin')
      void slow.opened.then(() => stream.end(' end'))
    })
    const asked = attempt(pool)
    asked.end()
    const answer = await asked.answer
    clock.ms += 6 * minutes
    slow.open()
    expect(await textOf(answer)).toBe('begin end')
    await eventually('it is closed', () => upstream.openConnections() === 0)
  })

  test('without streams is closed after 30 seconds, and not while it has some', async () => {
    hasten({ 30_000: 200 })
    const slow = gate()
    const { upstream, pool } = await alone((stream, { ':path': path }) => {
      stream.respond({ ':status': 200 })
      if (path === '/slow') void slow.opened.then(() => stream.end('slow'))
      else stream.end('good')
    })
    const asked = attempt(pool, { target: '/slow' })
    asked.end()
    const answer = await asked.answer
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(await ask(pool)).toBe('good')
    slow.open()
    expect(await textOf(answer)).toBe('slow')
    expect(upstream.connections()).toBe(1)
    await eventually('it is closed', () => upstream.openConnections() === 0)
  })

  test('is retired at once without streams, else after them, and later ones serve only who still waits', async () => {
    const slow = gate()
    let count = 0
    const { upstream, pool } = await alone((stream) => {
      stream.respond({ ':status': 200 })
      if (++count === 1) void slow.opened.then(() => stream.end('slow'))
      else stream.end('good')
    })
    const asked = attempt(pool)
    asked.end()
    const answer = await asked.answer
    pool.retire()
    expect(await ask(pool)).toBe('good')
    slow.open()
    expect(await textOf(answer)).toBe('slow')
    expect(await ask(pool)).toBe('good')
    await eventually('all are closed', () => upstream.openConnections() === 0)
  })

  test('on which 200 streams were reset takes no further requests, so that nobody takes us for an attacker', async () => {
    const { upstream, pool } = await alone((stream, { ':path': path }) => {
      if (path !== '/left') good(stream, {}, [])
    })
    for (let nth = 0; nth < 200; nth++) {
      const asked = attempt(pool, { target: '/left' })
      asked.end()
      await eventually('it is there', () => upstream.heads.length === nth + 1)
      asked.abort(new Error('left'))
      await expect(asked.answer).rejects.toThrow('left')
    }
    expect(upstream.connections()).toBe(1)
    expect(await ask(pool)).toBe('good')
    expect(upstream.connections()).toBe(2)
    await eventually('the old one is closed', () => upstream.openConnections() === 1)
  })
})

describe.skipIf(!hasOpenssl)('HTTP/2 connections of a gateway', () => {
  test.each([
    ['GET', 200, ['1/1', '1/3', '2/1']],
    ['POST', 502, ['1/1', '1/3']],
  ])('a %s on one that turns out to be closed gets %i', async (method, status, expected) => {
    const authority = certificateAuthority()
    let count = 0
    const upstream = await frameUpstream(authority.issue('server'), ({ type, stream }, connection) => {
      if (type !== frameTypes.headers) return
      if (++count === 2) connection.socket.destroy()
      else connection.answer(stream)
    })
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert } }],
    })
    expect(await call(gateway)).toBe('good')
    expect((await fetch(`${gateway.url}/api/a`, { method })).status).toBe(status)
    const heads = upstream.frames.filter(({ type }) => type === frameTypes.headers)
    expect(heads.map(({ connection, stream }) => `${connection}/${stream}`)).toEqual(expected)
    await settledGateway(gateway)
  })

  test('one that has gone silent is found out by a ping, not by the timeout of each request', async () => {
    const authority = certificateAuthority()
    const upstream = await frameUpstream(authority.issue('server'), ({ type, stream }, connection) => {
      if (type !== frameTypes.headers) return
      connection.answer(stream)
      if (connection.number === 1) setImmediate(() => connection.socket.pause())
    })
    const gateway = await startTestGateway({
      routes: [
        { path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert }, timeouts: { connect: '300ms' } },
      ],
    })
    expect(await call(gateway)).toBe('good')
    await new Promise((resolve) => setTimeout(resolve, 50))
    later(2_000)
    expect(await call(gateway)).toBe('good')
    expect(upstream.connections()).toBe(2)
    await settledGateway(gateway)
  })

  test('whose upstream ends them again and again by GOAWAY lose no request', async () => {
    let count = 0
    const { upstream, gateway } = await pair((stream) => {
      const { session } = stream
      // The client has further requests on their way by now, which the upstream will not take.
      if (++count % 25 === 0) session?.close()
      setTimeout(() => good(stream, {}, []), 2)
    })
    const statuses: number[] = []
    const call = async (): Promise<void> => {
      while (statuses.length < 300) statuses.push((await fetch(`${gateway.url}/api/a`, { method: 'POST' })).status)
    }
    await Promise.all(Array.from({ length: 10 }, call))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(upstream.connections()).toBeGreaterThan(8)
    await settledGateway(gateway)
  })

  test('that are not there yet are left by callers that leave', async () => {
    const authority = certificateAuthority()
    const mute = await frameUpstream(authority.issue('server'), () => {}, { isMute: true })
    const gateway = await startTestGateway({
      routes: [
        {
          path: '/api',
          upstream: mute.url,
          http2: true,
          max_connections: 1,
          tls: { ca: authority.cert },
          timeouts: { connect: '1s' },
        },
      ],
    })
    const leaving = new AbortController()
    const asked = fetch(`${gateway.url}/api/a`, { signal: leaving.signal }).catch(() => 'gone')
    await eventually('it connects', () => mute.connections() === 1)
    leaving.abort()
    expect(await asked).toBe('gone')
    await settledGateway(gateway, 500)
    // The only slot is free again.
    expect((await fetch(`${gateway.url}/api/a`)).status).toBe(504)
  })

  test('end with the gateway, in the middle of connecting too', async () => {
    const { upstream, gateway } = await pair(good)
    expect(await call(gateway)).toBe('good')
    await gateway.stop()
    await eventually('it is closed', () => upstream.openConnections() === 0)
    const authority = certificateAuthority()
    const mute = await frameUpstream(authority.issue('server'), () => {}, { isMute: true })
    const other = await startTestGateway({
      shutdown: { grace: '50ms' },
      routes: [{ path: '/api', upstream: mute.url, http2: true, tls: { ca: authority.cert }, timeouts: { connect: '60s' } }],
    })
    const asked = fetch(`${other.url}/api/a`).then(
      ({ status }) => status,
      () => 'gone',
    )
    await eventually('it connects', () => mute.connections() === 1)
    await other.stop()
    expect(await asked).not.toBe(200)
  })

  test('are kept by a reload that says the same of their route, and only by one', async () => {
    const authority = certificateAuthority()
    const upstream = await http2Upstream(authority.issue('server'), good)
    const routes = (http2: boolean): string =>
      `routes: [{path: /api, upstream: "${upstream.url()}", http2: ${http2}, tls: {ca: ${authority.cert}}}]`
    const first = parseConfig('test.yaml', `listen: 127.0.0.1:0\n${routes(true)}`, {})
    expect(first.routes[0]?.http2).toBe(true)
    const log = createLog({ write: () => {} })
    const before = new UpstreamsByRoute(first, log)
    const same = parseConfig('test.yaml', `listen: 127.0.0.1:0\n${routes(true)}`, {})
    const other = parseConfig('test.yaml', `listen: 127.0.0.1:0\n${routes(false)}`, {})
    const [one] = first.routes
    const [two] = same.routes
    const [three] = other.routes
    if (one === undefined || two === undefined || three === undefined) throw new Error('no route')
    expect(new UpstreamsByRoute(same, log, before).of(two)).toBe(before.of(one))
    expect(new UpstreamsByRoute(other, log, before).of(three)).not.toBe(before.of(one))
    before.close()
  })

  test('end when the files of tls change', async () => {
    const authority = certificateAuthority()
    const upstream = await http2Upstream(authority.issue('server'), good, { http1: (_, response) => void response.end() })
    upstream.server.on('upgrade', (_request, socket) => socket.destroy())
    const { cert, key } = authority.issue('gateway')
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url(), http2: true, tls: { ca: authority.cert, cert, key } }],
    })
    expect(await call(gateway)).toBe('good')
    const next = authority.issue('next')
    copyFileSync(next.cert, cert)
    copyFileSync(next.key, key)
    // Files are looked at for each new connection, which an upgrade needs.
    await sendRaw(gateway.port, 'GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', () => true)
    await eventually('it is closed', () => upstream.sessions[0]?.destroyed === true)
    expect(await call(gateway)).toBe('good')
  })
})

describe.skipIf(!hasOpenssl)('backpressure over HTTP/2', () => {
  const size = 100 * 1024 ** 2
  const piece = Buffer.alloc(64 * 1024, 'x')

  test('a caller that does not read pauses the upstream, holds up nobody else, and gets all in the end', async () => {
    let produced = 0
    const source = (stream: ServerHttp2Stream): void => {
      stream.respond({ ':status': 200, 'content-length': size })
      const read = function (this: Readable): void {
        produced += piece.length
        this.push(piece)
        if (produced === size) this.push(null)
      }
      new Readable({ read, highWaterMark: piece.length }).on('error', () => {}).pipe(stream)
    }
    const { gateway, upstream } = await pair((stream, { ':path': path }) =>
      path === '/big' ? source(stream) : good(stream, {}, []),
    )
    const caller = await rawCaller(gateway.port)
    caller.socket.pause()
    caller.socket.removeAllListeners('data')
    caller.send('GET /api/big HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    let last = -1
    await eventually(
      'it is paused',
      async () => {
        const before = last
        last = produced
        await new Promise((resolve) => setTimeout(resolve, 300))
        return produced > 0 && produced === before
      },
      8_000,
    )
    // What the kernel holds for two connections, and two windows.
    expect(produced).toBeLessThan(24 * 1024 ** 2)
    for (let round = 0; round < 20; round++) expect(await call(gateway)).toBe('good')
    expect(upstream.connections()).toBe(1)
    let received = 0
    caller.socket.setEncoding('latin1')
    caller.socket.on('data', (chunk: string) => (received += chunk.length))
    caller.socket.resume()
    await eventually('all is there', () => received > size, 10_000)
  })

  test('an upstream that does not read pauses the caller, and gets all in the end', async () => {
    const slow = gate()
    let received = 0
    const { gateway } = await pair((stream) => {
      void slow.opened.then(async () => {
        received = (await bodyOf(stream)).length
        good(stream, {}, [])
      })
    })
    const upload = 32 * 1024 ** 2
    let sent = 0
    const body = Readable.from(
      (function* () {
        for (; sent < upload; sent += piece.length) yield piece
      })(),
    )
    const answer = fetch(`${gateway.url}/api/a`, { method: 'POST', body, duplex: 'half' } as unknown as RequestInit)
    let last = -1
    await eventually(
      'it is paused',
      async () => {
        const before = last
        last = sent
        await new Promise((resolve) => setTimeout(resolve, 200))
        return sent > 0 && sent === before
      },
      8_000,
    )
    expect(sent).toBeLessThan(16 * 1024 ** 2)
    slow.open()
    expect(await (await answer).text()).toBe('good')
    expect(received).toBe(upload)
  })

  test('an upstream that does not care about windows is stopped', async () => {
    const authority = certificateAuthority()
    const upstream = await frameUpstream(authority.issue('server'), ({ type, stream }, connection) => {
      if (type !== frameTypes.headers) return
      connection.send('headers', endHeaders, stream, fieldBlock([':status', '200'], ['x-a', 'b']))
      for (let index = 0; index < 2_000; index++) connection.send('data', 0, stream, 'x'.repeat(16_000))
    })
    const gateway = await startTestGateway({
      routes: [{ path: '/api', upstream: upstream.url, http2: true, tls: { ca: authority.cert } }],
    })
    const caller = await rawCaller(gateway.port)
    caller.socket.pause()
    caller.send('GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    const flowControlError = 3
    const isStopped = ({ type, payload }: { type: number; payload: Buffer }): boolean =>
      (type === frameTypes.reset && payload.readUInt32BE(0) === flowControlError) ||
      (type === frameTypes.goaway && payload.readUInt32BE(4) === flowControlError)
    await eventually('it is stopped', () => upstream.frames.some(isStopped), 5_000)
    caller.socket.resume()
    expect(await caller.ended()).toBe('reset')
    await settledGateway(gateway)
  })
})
