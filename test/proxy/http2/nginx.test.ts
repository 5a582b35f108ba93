import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { inParallel } from '../../../chaos/wait.ts'
import { certificateAuthority } from '../../support/certificates.ts'
import { startTestGateway } from '../../support/gateway.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { describeWithNginx, nginxBefore } from '../../support/nginx.ts'
import { settledGateway } from '../../support/proxy-wait.ts'
import { rawCaller } from '../../support/raw-caller.ts'
import { httpServer, readBody } from '../../support/servers.ts'

/** A gateway before an nginx before a server that sends back what it gets, and says through which version nginx was asked. */
async function chain(directives: readonly string[] = []): Promise<TestGateway> {
  const authority = certificateAuthority()
  const { url } = await httpServer(async (request, response) => {
    if (request.url === '/slow') return
    response.setHeader('x-method', request.method ?? '')
    response.end(await readBody(request).catch(() => ''))
  })
  const upstream = await nginxBefore(url, authority.issue('server'), ['add_header x-version $server_protocol;', ...directives])
  return await startTestGateway({
    routes: [{ path: '/api', upstream, http2: true, max_connections: 20, tls: { ca: authority.cert } }],
  })
}

describeWithNginx('nginx as an upstream of HTTP/2', () => {
  test('gets requests of every kind, and its answers arrive', async () => {
    const gateway = await chain()
    const body = randomBytes(5 * 1024 ** 2)
    const answer = await fetch(`${gateway.url}/api/a?b=%2F`, { method: 'POST', body })
    expect([answer.status, answer.headers.get('x-version'), answer.headers.get('x-method')]).toEqual([200, 'HTTP/2.0', 'POST'])
    expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
    for (const method of ['GET', 'HEAD', 'DELETE', 'OPTIONS']) {
      const { status, headers } = await fetch(`${gateway.url}/api/a`, { method })
      expect([status, headers.get('x-version'), headers.get('x-method')]).toEqual([200, 'HTTP/2.0', method])
    }
    await settledGateway(gateway)
  })

  test('may end each connection after a few requests, and allow few streams, and none is lost', async () => {
    const gateway = await chain(['keepalive_requests 10;', 'http2_max_concurrent_streams 4;'])
    const statuses = new Set<number>()
    await inParallel(400, 30, async (nth) => {
      const body = `content ${nth}`
      const answer = await fetch(`${gateway.url}/api/${nth}`, { method: 'POST', body })
      expect(await answer.text()).toBe(body)
      statuses.add(answer.status)
    })
    expect(statuses).toEqual(new Set([200]))
    await settledGateway(gateway)
  })

  test('takes the resets of callers that leave, and goes on for the others', async () => {
    const gateway = await chain()
    await inParallel(100, 20, async (nth) => {
      if (nth % 2 === 0) {
        expect((await fetch(`${gateway.url}/api/a`, { method: 'POST', body: 'content' })).status).toBe(200)
        return
      }
      const caller = await rawCaller(gateway.port)
      caller.send('POST /api/slow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nbegin')
      await new Promise((resolve) => setTimeout(resolve, 20))
      caller.socket.resetAndDestroy()
    })
    await settledGateway(gateway)
  })
})
