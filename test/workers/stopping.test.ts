import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { run } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { fleetConfig, until } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { httpServer, tcpServer } from '../support/servers.ts'
import { startWithWorkers, untilGone, untilRefused } from '../support/workers.ts'

describe('a gateway with workers', () => {
  it('loses no request when the whole group of processes is told to stop under load', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider, { top: { shutdown: { delay: '2s', grace: '5s' } } })
    const load = callersForTest().keepCalling([gateway.url], { callers: 20, periodMs: 10 })
    await until('the load runs', () => load.answers.length > 200)
    const workers = [...gateway.workers().values()]
    for (const pid of [gateway.pid, ...workers]) process.kill(pid, 'SIGINT')
    // As a load balancer that looks whether the gateway is ready.
    await until('it is not ready', async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 503)
    expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200)
    const seen = load.answers.length
    await until('it goes on serving', () => load.answers.length > seen + 20)
    const answers = await load.stop()
    expect(tally(answers)).toEqual({ 200: answers.length })
    const end = await gateway.finished
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' })
    expect(end.stdout).toMatch(/bearerd has stopped/)
    await untilGone(workers)
  }, 60_000)

  it('lets an open request finish, breaks off what outlasts the grace, and ends with 0', async () => {
    const provider = await fleetProvider()
    const open: (() => void)[] = []
    const slow = await httpServer((_request, response) => {
      response.writeHead(200).write('first ')
      open.push(() => response.end('last'))
    })
    const gateway = await startWithWorkers({ ...provider, apiUrl: slow.url }, { top: { shutdown: { grace: '700ms' } } })
    const answers = Array.from({ length: 2 }, async () => await (await fetch(gateway.url)).text().catch(() => 'broken off'))
    await until('both are open', () => open.length === 2)
    gateway.signal('SIGTERM')
    await untilRefused(gateway.port)
    open[0]?.()
    expect((await Promise.all(answers)).toSorted()).toEqual(['broken off', 'first last'])
    expect(await gateway.finished).toMatchObject({ code: 0 })
  })

  it('ends at once on a second signal, with its workers', async () => {
    const provider = await fleetProvider()
    const asked = Promise.withResolvers<void>()
    const silent = await httpServer(() => asked.resolve())
    const gateway = await startWithWorkers({ ...provider, apiUrl: silent.url })
    const answer = fetch(gateway.url).catch(() => 'broken off')
    await asked.promise
    gateway.signal('SIGTERM')
    await gateway.untilOutput(/shutting down/)
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(1)
    expect(await answer).toBe('broken off')
    await untilGone(gateway.workers().values())
  })

  it('replaces a worker that is killed: its requests are lost, and nothing else', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider)
    const callers = callersForTest()
    const load = callers.keepCalling([gateway.url], { callers: 20, periodMs: 10 })
    await until('the load runs', () => load.answers.length > 300)
    const series = 'bearerd_http_requests_total{route="/api",method="GET",code="200"}'
    const before = (await gateway.metric(series)) ?? 0
    expect(before).toBeGreaterThan(300)
    const killed = gateway.workers().get(1) ?? 0
    process.kill(killed, 'SIGKILL')
    await gateway.untilOutput(/"worker":1,"how":"SIGKILL","message":"a worker has ended/)
    expect(await gateway.metric(series)).toBeGreaterThanOrEqual(before)
    await until('another one serves', () => gateway.workers().get(1) !== killed)
    const seen = load.answers.length
    await until('the load goes on', () => load.answers.length > seen + 300)
    const { 200: served = 0, ...lost } = tally(await load.stop())
    expect(served).toBeGreaterThan(600)
    // Those that were on a connection of that worker, one for each caller at most, and once each.
    expect(Object.values(lost).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(20)
    expect(await gateway.metric('bearerd_worker_restarts_total')).toBe(1)
    expect(await gateway.metric('bearerd_workers')).toBe(2)
    // The token has been there all along.
    expect(provider.tokenRequests).toHaveLength(1)

    // And again, to show that the main process takes its workers with it.
    gateway.signal('SIGKILL')
    await gateway.finished
    await untilGone(gateway.workers().values())
  }, 60_000)

  it('leaves no worker behind when it is killed and nobody reads its log any more', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider)
    await fetch(gateway.url)
    const workers = [...gateway.workers().values()]
    // Both have lines that they have not written yet.
    await Promise.all(Array.from({ length: 4 }, async () => await fetch(gateway.url)))
    gateway.closeOutput()
    gateway.signal('SIGKILL')
    await untilGone(workers)
  })

  it('takes connections also while there is no worker at all', async () => {
    const provider = await fleetProvider()
    const gateway = await startWithWorkers(provider)
    for (const pid of gateway.workers().values()) process.kill(pid, 'SIGKILL')
    for (const number of [1, 2]) await gateway.untilOutput(new RegExp(`"worker":${number},"how":"SIGKILL"`))
    expect((await fetch(gateway.url)).status).toBe(200)
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200)
  }, 60_000)
})

describe('a gateway whose workers cannot start', () => {
  it.each([
    ['because the address is in use', (port: number) => ({ listen: `127.0.0.1:${port}` }), /another program uses this address/],
    ['because the folder of its socket does not exist', () => ({ listen: 'unix:/nowhere/at/all.sock' }), /cannot listen on unix/],
  ])('says so and ends with 1, %s', async (_, keys, message) => {
    const provider = await fleetProvider()
    const other = await tcpServer(() => {})
    const config = fleetConfig(provider, undefined, { top: { workers: 2, ...keys(other.port) } })
    const end = await run(['serve', '-c', scratch().write('proxy.config.yaml', stringify(config))])
    expect(end.code).toBe(1)
    expect(end.stderr).toMatch(message)
    await untilGone(Array.from(end.stdout.matchAll(/"pid":(\d+)/g), ([, pid]) => Number(pid)))
  })

  it('does not run a worker by hand', async () => {
    const end = await run(['worker'])
    expect(end).toMatchObject({ code: 2, stdout: '' })
    expect(end.stderr).toMatch(/bearerd serve starts its workers itself/)
    expect((await run(['--help'])).stdout).not.toMatch(/^ {2}worker/m)
  })
})
