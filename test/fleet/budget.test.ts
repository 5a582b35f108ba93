import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { fleetConfig, renew, startFleet, startReplica, until } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

const remaining = 'bearerd_token_budget_remaining{credential="main"}'
const token_requests = { limit: 5, window: '1h' }

describeWithRedis('a budget that a fleet of processes shares', () => {
  it('is never exceeded, whoever forces renewals', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const config = fleetConfig(provider, redis, { credential: { token_requests } })
    const fleet = await startFleet(3, config)
    const urls = fleet.map(({ url }) => url)
    expect(tally(await callers.burst(urls, 10))).toEqual({ 200: 30 })
    expect(provider.tokenRequests).toHaveLength(1)

    const load = callers.keepCalling(urls, { callers: 5, periodMs: 50 })
    const statuses = await Promise.all(
      [...fleet, ...fleet, ...fleet].map(async (replica, nth) => {
        await sleep(60 * nth)
        return await renew(replica)
      }),
    )
    expect(provider.tokenRequests).toHaveLength(5)
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(4)
    for (const replica of fleet) expect(await renew(replica)).toBeGreaterThanOrEqual(500)
    expect(provider.tokenRequests).toHaveLength(5)
    // The last token lives on: nobody suffers.
    expect(tally(await load.stop())).toEqual({ 200: load.answers.length })
    for (const replica of fleet) expect(await replica.metric(remaining)).toBe(0)

    // Refused, and nothing may be spent: the refusal is the answer, and once nobody has another token to try, it says why.
    provider.revokeAll()
    for (const answer of await callers.burst(urls, 3)) expect(answer.status).toBe(401)
    for (const answer of await callers.burst(urls, 3)) {
      expect(answer.status).toBe(401)
      expect(answer.headers['proxy-status']).toMatch(/bearerd/)
    }
    // Who joins now has not a budget of its own.
    const newcomer = await startReplica(config)
    await callers.call(newcomer.url)
    expect(await newcomer.metric(remaining)).toBe(0)
    expect(provider.tokenRequests).toHaveLength(5)
  }, 60_000)

  it('is the same in the metrics of all, also of those that got their token from another', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const fleet = await startFleet(2, fleetConfig(provider, redis, { credential: { token_requests } }))
    for (const { url } of fleet) expect((await callers.call(url)).status).toBe(200)
    expect(provider.tokenRequests).toHaveLength(1)
    for (const replica of fleet) expect(await replica.metric(remaining)).toBe(4)
  })

  it('is left alone by renewals in the background when only the reserve is left, which callers without a token may spend', async () => {
    const [provider, redis, callers] = [await fleetProvider({ expiresIn: 2 }), await redisForTest(), callersForTest()]
    const credential = { token_requests, renew_before: '50%' }
    const fleet = await startFleet(2, fleetConfig(provider, redis, { credential }))
    const load = callers.keepCalling(
      fleet.map(({ url }) => url),
      { callers: 2, periodMs: 40 },
    )
    await until('the budget is spent', () => provider.tokenRequests.length === 5)
    const gapsMs = provider.tokenRequests.map(({ atMs }, nth) => atMs - (provider.tokenRequests[nth - 1]?.atMs ?? atMs)).slice(1)
    // A second of life is left at a renewal in the background; the reserve is for who has no token at all.
    for (const gapMs of gapsMs.slice(0, 3)) expect(gapMs).toBeLessThan(1_700)
    expect(gapsMs[3]).toBeGreaterThan(1_900)
    expect(tally(load.answers)).toEqual({ 200: load.answers.length })
    await until('the last token has expired', () => load.answers.some(({ status }) => status !== 200))
    const denied = (await load.stop()).find(({ status }) => status !== 200)
    expect(denied?.status).toBe(503)
    expect(Number(denied?.headers['retry-after'])).toBeGreaterThan(3_000)
    expect(provider.tokenRequests).toHaveLength(5)
  }, 60_000)

  it('is not forgotten with a Redis that is restarted empty', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const replica = await startReplica(fleetConfig(provider, redis, { credential: { token_requests } }))
    await callers.call(replica.url)
    for (let nth = 0; nth < 2; nth++) await renew(replica)
    expect(provider.tokenRequests).toHaveLength(3)
    await redis.restart()
    await until('Redis is used again', () => replica.log().some(({ message }) => message === 'the token store answers again'))
    for (let nth = 0; nth < 5; nth++) await renew(replica)
    expect(provider.tokenRequests).toHaveLength(5)
    expect(await replica.metric(remaining)).toBe(0)
  }, 60_000)
})
