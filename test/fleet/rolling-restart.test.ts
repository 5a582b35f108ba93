import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { expectTokenRequests, fleetConfig, startFleet, startReplica, until } from '../support/fleet-processes.ts'
import type { Replica } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { describeWithRedis, freePort, redisForTest } from '../support/redis-server.ts'

describeWithRedis('a rolling restart of a fleet on one Redis', () => {
  it('fails no request and makes no token request', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const shared = fleetConfig(provider, redis, { top: { shutdown: { delay: '400ms', grace: '5s' } } })
    const configs: Readonly<Record<string, unknown>>[] = []
    for (let nth = 0; nth < 3; nth++) configs.push({ ...shared, listen: `127.0.0.1:${await freePort()}` })
    const replicas: Replica[] = (await Promise.all(configs.map(async (config) => await startFleet(1, config)))).flat()
    const everybody = [...replicas]
    const load = callers.keepCalling(
      replicas.map(({ url }) => url),
      { callers: 10, periodMs: 100, isBalanced: true },
    )
    await sleep(400)
    for (const [nth, config] of configs.entries()) {
      const old = replicas[nth]
      old?.signal('SIGTERM')
      expect(await old?.finished).toMatchObject({ code: 0, signal: null })
      const [young] = await startFleet(1, config)
      if (young === undefined) throw new Error('nothing was started')
      replicas[nth] = young
      everybody.push(young)
      await sleep(300)
    }
    // Each of the new ones is of use.
    for (const replica of replicas) {
      const hits = 'bearerd_token_lookups_total{credential="main",result="hit"}'
      await until('it is called', async () => ((await replica.metric(hits)) ?? 0) > 0)
    }
    const answers = await load.stop()
    expect(answers.length).toBeGreaterThan(300)
    expect(tally(answers)).toEqual({ 200: answers.length })
    expectTokenRequests(provider, 1, everybody)
  }, 60_000)
})

describe('a replica that is told to end, and still serves for a while', () => {
  it('breaks off no connection on which a caller may just be calling', async () => {
    const [provider, callers, others] = [await fleetProvider(), callersForTest(), callersForTest()]
    const config = fleetConfig(provider, undefined, { top: { shutdown: { delay: '2s', grace: '5s' } } })
    const replica = await startReplica(config)
    expect(tally(await callers.burst([replica.url], 3))).toEqual({ 200: 3 })
    replica.signal('SIGTERM')
    await until('it drains', async () => (await fetch(`${replica.adminUrl}/readyz`)).status === 503)
    expect((await others.call(replica.url)).status).toBe(200)
    await sleep(100)
    for (const answer of await callers.burst([replica.url], 3)) {
      expect(answer).toMatchObject({ status: 200, isOnKeptConnection: true })
      expect(answer.headers['connection']).toBe('close')
    }
  })
})
