import { expect, test } from 'vitest'
import type { Answer } from '../../src/proxy/upstream/answer.ts'
import { createRouteUpstreams } from '../../src/proxy/upstream/route-upstreams.ts'
import type { RouteUpstreams } from '../../src/proxy/upstream/route-upstreams.ts'
import type { Upstream } from '../../src/proxy/upstream/upstream.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { AccessToken } from '../../src/tokens/access-token.ts'
import { configOf } from '../support/cli-problems.ts'
import { eventually, gate } from '../support/proxy-wait.ts'
import { httpServer } from '../support/servers.ts'
import { attempt, textOf } from '../support/upstream-client.ts'

const times = { issuedAtMs: 0, renewAtMs: 0, expiresAtMs: 1, issuedAtEpochMs: 0, expiresAtEpochMs: 1 }

function tokenOf(url: string): AccessToken {
  const entry = { id: url, accessToken: 'token', fields: { url }, issuedAtEpochMs: 0, lifeMs: 1, isOnProbation: false }
  return new AccessToken(entry, { fields: [], query: [] }, times, true)
}

function upstreamsOf(...hosts: readonly string[]): RouteUpstreams {
  const { routes, credentials } =
    configOf(`credentials: {main: {token_endpoint: "https://a.example/t", client_id: a, client_secret: b}}
routes: [{path: /api, upstream: "{token.url}", allowed_hosts: ${JSON.stringify(hosts)}, credential: main}]
`)
  const [route] = routes
  if (route === undefined) throw new Error('no route')
  return createRouteUpstreams(route, credentials, createLog({ write: () => {} }))
}

/** Asks, and waits for the head of the answer. */
async function call({ pool }: Upstream, target: string): Promise<Answer> {
  const asked = attempt(pool, { target })
  asked.end()
  return asked.answer
}

test('an origin has its connections to itself, whichever token leads there and by which path', () => {
  const upstreams = upstreamsOf('a.example', '*.b.example')
  const token = tokenOf('https://a.example/x')
  const first = upstreams.of(token)
  expect(upstreams.of(token)).toBe(first)
  expect(upstreams.of(tokenOf('https://A.example:443/x/'))).toBe(first)
  const below = upstreams.of(tokenOf('https://a.example/y'))
  expect([below.pool === first.pool, below.basePath]).toEqual([true, '/y'])
  expect(upstreams.of(tokenOf('https://x.b.example')).pool).not.toBe(first.pool)
  upstreams.close()
})

test('a hundred origins are kept; one that is pushed out loses its idle connections, and no answer under way', async () => {
  const { opened, open } = gate()
  const server = await httpServer((request, response) => {
    if (request.url === '/at-once') return void response.end('whole')
    response.write('begun ')
    return void opened.then(() => response.end('and whole'))
  })
  const upstreams = upstreamsOf(`127.0.0.1:${server.port}`, '*.b.example')
  const token = tokenOf(server.url)
  const upstream = upstreams.of(token)
  const held = await call(upstream, '/held')
  expect(await textOf(await call(upstream, '/at-once'))).toBe('whole')
  expect(server.openConnections()).toBe(2)

  for (let count = 0; count < 99; count++) upstreams.of(tokenOf(`https://x${count}.b.example`))
  expect(upstreams.of(token)).toBe(upstream)
  for (let count = 0; count < 100; count++) upstreams.of(tokenOf(`https://x${count}.b.example`))
  await eventually('the idle connection is closed', () => server.openConnections() === 1)
  open()
  expect(await textOf(held)).toBe('begun and whole')
  await eventually('the other one is closed', () => server.openConnections() === 0)
  // One that had got it before, and stood in line, is served all the same.
  expect(await textOf(await call(upstream, '/at-once'))).toBe('whole')
  await eventually('and leaves nothing behind', () => server.openConnections() === 0)

  expect(upstreams.of(token)).not.toBe(upstream)
  expect(await textOf(await call(upstreams.of(token), '/at-once'))).toBe('whole')
  upstreams.close()
  await eventually('nothing is left', () => server.openConnections() === 0)
})
