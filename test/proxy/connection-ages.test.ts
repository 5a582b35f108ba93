import { Agent, get } from 'node:http'
import { PassThrough } from 'node:stream'
import type { Duplex } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { ConnectionAges } from '../../src/proxy/upstream/connection-ages.ts'
import { createConnections } from '../../src/proxy/upstream/connections.ts'
import type { Connections } from '../../src/proxy/upstream/connections.ts'
import { parseUpstreamUrl } from '../../src/config/schema/url.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { startApiGateway } from '../support/gateway.ts'
import { eventually, gate } from '../support/proxy-wait.ts'
import { httpServer, readBody, sendRaw } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

function connectionsTo(url: string): Connections {
  const parsed = parseUpstreamUrl(url)
  if (typeof parsed === 'string') throw new Error(parsed)
  const connections = createConnections(parsed, {
    tls: undefined,
    proxy: undefined,
    connectMs: 1_000,
    log: createLog({ write: () => {} }),
  })
  onTestFinished(() => connections.close())
  return connections
}

function fakeTimeouts(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
}

async function ask(port: number, { agent }: Connections): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  get({ host: '127.0.0.1', port, agent }, (answer) => void readBody(answer).then(String).then(resolve, reject)).on(
    'error',
    reject,
  )
  return promise
}

const minutes = 60_000

test('a connection serves no request after 5 minutes, so that a change in DNS is followed', async () => {
  fakeTimeouts()
  const server = await httpServer((_, response) => void response.end('good'))
  const connections = connectionsTo(server.url)
  const askAfter = async (ms: number): Promise<number> => {
    vi.advanceTimersByTime(ms)
    expect(await ask(server.port, connections)).toBe('good')
    await new Promise((resolve) => setImmediate(resolve))
    return server.connections()
  }
  expect(await askAfter(0)).toBe(1)
  // At least 4 minutes, at most 5.
  for (let round = 0; round < 7; round++) expect(await askAfter(minutes / 2)).toBe(1)
  expect(await askAfter(1.5 * minutes)).toBe(2)
})

test('a connection that is old in the middle of an answer finishes it, and then ends', async () => {
  fakeTimeouts()
  const slow = gate()
  const server = await httpServer(async (_, response) => {
    response.write('begin')
    await slow.opened
    response.end(' end')
  })
  const connections = connectionsTo(server.url)
  const answer = ask(server.port, connections)
  await new Promise<void>((resolve) => {
    const look = (): void => void (server.connections() > 0 ? resolve() : setImmediate(look))
    look()
  })
  await new Promise((resolve) => setImmediate(resolve))
  vi.advanceTimersByTime(6 * minutes)
  slow.open()
  expect(await answer).toBe('begin end')
  vi.useRealTimers()
  await eventually('it is closed', () => server.openConnections() === 0)
})

test('connections that were made together do not end together', () => {
  fakeTimeouts()
  let chance = 0
  const sockets = Array.from({ length: 5 }, () => new PassThrough())
  const ages = new ConnectionAges(
    () => true,
    () => (chance += 0.2) - 0.2,
  )
  for (const socket of sockets) ages.add(socket)
  const left = (): number => sockets.filter(({ destroyed }) => !destroyed).length
  vi.advanceTimersByTime(4 * minutes)
  const counts = Array.from({ length: 5 }, () => {
    vi.advanceTimersByTime(minutes / 5)
    return left()
  })
  expect(counts).toEqual([4, 3, 2, 1, 0])
})

test('what is retired goes on while it is in use, and a closed connection is forgotten', async () => {
  const idle = new Set<Duplex>()
  const ages = new ConnectionAges((socket) => idle.has(socket))
  const [one, two] = [new PassThrough(), new PassThrough()]
  idle.add(two)
  for (const socket of [one, two]) ages.add(socket)
  expect(ages.mayGoOn(one)).toBe(true)
  ages.retireAll()
  expect([one.destroyed, two.destroyed, ages.mayGoOn(one)]).toEqual([false, true, false])
  one.destroy()
  await new Promise((resolve) => one.once('close', resolve))
  expect(ages.mayGoOn(new PassThrough())).toBe(true)
})

test.each([
  ['timeout=2', 1_100, 1],
  ['timeout=60', 3_000, 0],
  ['timeout=60', 4_100, 1],
  ['timeout=1', 100, 1],
])(
  'an idle connection whose upstream says "Keep-Alive: %s" is, after %i ms, one of %i that are closed',
  async (field, ms, closed) => {
    const server = await httpServer((_, response) => void response.setHeader('Keep-Alive', field).end('good'))
    const connections = connectionsTo(server.url)
    expect(await ask(server.port, connections)).toBe('good')
    await new Promise((resolve) => setTimeout(resolve, ms))
    expect(server.connections() - server.openConnections()).toBe(closed)
  },
)

test.each(['POST', 'PATCH'])(
  'a %s of which no byte went out, because its connection had just been closed, is sent on a new one',
  async (method) => {
    const bodies: string[] = []
    const upstream = await httpServer(async (request, response) => {
      bodies.push(`${request.method} ${(await readBody(request)).toString()}`)
      response.end('good')
    })
    // With a token there is a copy of the body, which is what can be sent again.
    const gateway = await startApiGateway(upstream.url, (await tokenEndpoint()).url)
    expect((await fetch(`${gateway.url}/api/first`)).status).toBe(200)
    const { prototype } = Agent
    const reuse = Object.getOwnPropertyDescriptor(prototype, 'reuseSocket')?.value as Agent['reuseSocket']
    const broken = vi.spyOn(prototype, 'reuseSocket').mockImplementation(function (this: Agent, socket, request) {
      reuse.call(this, socket, request)
      socket.destroy(Object.assign(new Error('gone'), { code: 'ECONNRESET' }))
    })
    onTestFinished(() => broken.mockRestore())
    const bytes = `${method} /api/second HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`
    expect((await sendRaw(gateway.port, bytes)).status).toBe(200)
    expect(broken).toHaveBeenCalledOnce()
    expect(bodies).toEqual(['GET ', `${method} body`])
  },
)
