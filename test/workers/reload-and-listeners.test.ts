import { existsSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { request as requestTls } from 'node:https'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { certificateAuthority, hasOpenssl, pemOf } from '../support/certificates.ts'
import { scratch } from '../support/cli-scratch.ts'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { canarySecret, until } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { rawCaller } from '../support/raw-caller.ts'
import { servedBy, startWithWorkers } from '../support/workers.ts'

describe('a reload with workers', () => {
  it('is taken by all of them at once, without losing a request, and by none when it has problems', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider)
    const file = String(gateway.log().find(({ message }) => message === 'bearerd is serving')?.['config'])
    const base = gateway.url.slice(0, -'/api'.length)
    const write = (paths: readonly string[], keys: Readonly<Record<string, unknown>> = {}): void => {
      const main = { token_endpoint: provider.tokenUrl, client_id: 'client', client_secret: canarySecret }
      const routes = paths.map((path) => ({ path, upstream: provider.apiUrl, credential: 'main' }))
      const basics = { listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, shutdown: { grace: '5s' }, workers: 2 }
      writeFileSync(file, stringify({ ...basics, credentials: { main }, routes, ...keys }))
    }
    const reload = async (): Promise<number> => (await fetch(`${gateway.adminUrl}/reload`, { method: 'POST' })).status
    // Each of these is on a connection of its own, and the next connection goes to the other worker.
    const statusesOf = async (path: string): Promise<readonly number[]> =>
      await Promise.all(Array.from({ length: 4 }, async () => await statusOf(`${base}${path}`)))
    expect(await statusesOf('/api')).toEqual([200, 200, 200, 200])

    const load = callersForTest().keepCalling([gateway.url], { callers: 10, periodMs: 10 })
    for (let nth = 0; nth < 5; nth++) {
      write(['/api', `/new-${nth}`])
      expect(await reload()).toBe(200)
      expect(await statusesOf(`/new-${nth}`)).toEqual([200, 200, 200, 200])
      expect(await statusesOf(`/new-${nth - 1}`)).toEqual([404, 404, 404, 404])
    }
    const answers = await load.stop()
    expect(tally(answers)).toEqual({ 200: answers.length })
    expect(provider.tokenRequests).toHaveLength(1)
    expect(await gateway.metric('bearerd_config_last_reload_successful')).toBe(1)

    write(['/worse'], { workres: 3 })
    expect(await reload()).toBe(422)
    expect(await gateway.metric('bearerd_config_last_reload_successful')).toBe(0)
    write(['/worse'], { workers: 3 })
    expect(await reload()).toBe(422)
    expect([...(await statusesOf('/api')), ...(await statusesOf('/worse'))]).toEqual([200, 200, 200, 200, 404, 404, 404, 404])

    await until('both have served', () => Object.keys(servedBy(gateway)).length === 2)
    // One that takes the place of another has the configuration that is in use, not what stands in the file.
    const killed = gateway.workers().get(2) ?? 0
    process.kill(killed, 'SIGKILL')
    await until('another one serves', () => gateway.workers().get(2) !== killed)
    expect([...(await statusesOf('/new-4')), ...(await statusesOf('/worse'))]).toEqual([200, 200, 200, 200, 404, 404, 404, 404])
  }, 60_000)
})

describe('workers and their listener', () => {
  it('serve a unix socket, whose file goes with the gateway and not with a worker', async () => {
    const provider = await fleetProvider()
    const socketPath = scratch().path('bearerd.sock')
    const gateway = await startWithWorkers(provider, { top: { listen: { address: `unix:${socketPath}`, mode: '0600' } } })
    const call = async (): Promise<number> => await statusOf('http://localhost/api', { socketPath })
    expect(await Promise.all([call(), call(), call()])).toEqual([200, 200, 200])
    await until('both have served', () => Object.keys(servedBy(gateway)).length === 2)
    process.kill(gateway.workers().get(1) ?? 0, 'SIGKILL')
    await gateway.untilOutput(/a worker has ended/)
    expect(await call()).toBe(200)
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
    expect(existsSync(socketPath)).toBe(false)
  }, 60_000)

  it.skipIf(!hasOpenssl)(
    'speak TLS, and end their connections with the gateway',
    async () => {
      const provider = await fleetProvider()
      const authority = certificateAuthority()
      const { cert, key } = authority.issue('gateway')
      const gateway = await startWithWorkers(provider, { top: { tls: { cert, key } } })
      const call = (): Promise<number> =>
        new Promise((resolve, reject) => {
          const sent = requestTls(gateway.url, { ca: pemOf(authority.cert) }, (response) => {
            response.resume()
            response.on('end', () => resolve(response.statusCode ?? 0))
          })
          sent.on('error', reject).end()
        })
      expect(await Promise.all([call(), call(), call(), call()])).toEqual([200, 200, 200, 200])
      await until('both have served', () => Object.keys(servedBy(gateway)).length === 2)
      gateway.signal('SIGTERM')
      expect(await gateway.finished).toMatchObject({ code: 0, stderr: '' })
    },
    60_000,
  )

  it('keep to the limit of connections in all, and to that of slow heads', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider, { top: { limits: { connections: 4, header_time: '1s' } } })
    const slow = await Promise.all(Array.from({ length: 4 }, async () => await rawCaller(gateway.port)))
    for (const caller of slow) caller.send('GET /api HTTP/1.1\r\n')
    const fifth = await rawCaller(gateway.port)
    await fifth.ended()
    expect(fifth.text).toBe('')
    for (const caller of slow) {
      await caller.ended(8_000)
      expect(caller.text).toMatch(/^HTTP\/1\.1 408 /)
    }
    await until('there is room again', async () => (await statusOf(gateway.url).catch(() => 0)) === 200)
  }, 60_000)
})

/** The status of an answer on a connection of its own. */
function statusOf(url: string, { socketPath }: { readonly socketPath?: string } = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { agent: false, ...(socketPath !== undefined && { socketPath }) }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('error', reject).end()
  })
}
