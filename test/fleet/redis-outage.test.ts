import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Answer } from '../support/fleet-load.ts'
import { callersForTest, quantile, tally } from '../support/fleet-load.ts'
import { canarySecret, dumpOf, fleetConfig, renew, startFleet, until } from '../support/fleet-processes.ts'
import type { Replica } from '../support/fleet-processes.ts'
import { fleetProvider, tokenMark } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

const up = 'bearerd_token_store_up{store="redis"}'
/** A request may wait so long for Redis; the rest is for a machine with two cores and other things to do. */
const longestMs = 100 + 400

describeWithRedis('a fleet whose Redis dies', () => {
  it('fails no request, waits no longer than 100 ms, says it once, and uses it again when it is back, empty', async () => {
    const [provider, redis, callers] = [await fleetProvider({ expiresIn: 2 }), await redisForTest(), callersForTest()]
    const config = fleetConfig(provider, redis)
    const fleet = await startFleet(3, config)
    const urls = fleet.map(({ url }) => url)
    expect(tally(await callers.burst(urls, 10))).toEqual({ 200: 30 })
    const load = callers.keepCalling(urls, { callers: 10, periodMs: 100 })
    await sleep(500)
    const seen = [await dumpOf(await redis.admin())]

    const killedMs = performance.now()
    await redis.kill()
    await everywhere(fleet, 0)
    await sleep(200)
    provider.revokeAll()
    await sleep(2_500)
    const restartedMs = performance.now()
    await redis.restart()
    await everywhere(fleet, 1)
    const countBack = provider.tokenRequests.length
    const backMs = performance.now()
    await sleep(2_500)
    provider.revokeAll()
    await sleep(500)

    const answers = await load.stop()
    expect(tally(answers)).toEqual({ 200: answers.length })
    expect(answers.length).toBeGreaterThan(1_000)
    const during = (fromMs: number, toMs: number): readonly Answer[] =>
      answers.filter(({ startedMs }) => startedMs >= fromMs && startedMs < toMs)
    for (const part of [during(0, killedMs), during(killedMs, restartedMs), during(restartedMs, Infinity)]) {
      expect(part.length).toBeGreaterThan(50)
      expect(quantile(part, 1)).toBeLessThan(longestMs)
    }
    // Three seconds, tokens of two: one request each for the whole fleet, one for the revocation, and one to agree on again.
    const apart = (performance.now() - backMs) / 1_600
    expect(provider.tokenRequests.length - countBack).toBeLessThanOrEqual(Math.ceil(apart) + 3)

    for (const replica of fleet) {
      const lines = replica.log().filter(({ store }) => store === 'redis')
      expect(lines.map(({ level, message }) => [level, message])).toEqual([
        ['warn', 'the token store is of no use: the gateway goes on with its own memory'],
        ['info', 'the token store answers again'],
      ])
      seen.push(
        JSON.stringify(replica.output()),
        await text(`${replica.adminUrl}/metrics`),
        await text(`${replica.adminUrl}/status`),
      )
    }
    seen.push(await dumpOf(await redis.admin()))
    for (const where of seen) {
      expect(where.length).toBeGreaterThan(100)
      expect(where).not.toContain(tokenMark)
      expect(where).not.toContain(canarySecret)
      for (const secret of [tokenMark, canarySecret]) {
        expect(where).not.toContain(Buffer.from(secret).toString('base64').slice(0, -4))
        expect(where).not.toContain(Buffer.from(secret).toString('hex'))
      }
    }
  }, 40_000)

  it.each(['refused', 'renewed'])(
    'waits no longer than 100 ms for one that is frozen, and takes no token from it later that was %s meanwhile',
    async (fate) => {
      const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
      const fleet = await startFleet(2, fleetConfig(provider, redis))
      const urls = fleet.map(({ url }) => url)
      expect(tally(await callers.burst(urls, 10))).toEqual({ 200: 20 })
      redis.signal('SIGSTOP')
      if (fate === 'refused') provider.revokeAll()
      else await Promise.all(fleet.map(async (replica) => await renew(replica)))
      const answers = await callers.burst(urls, 50)
      expect(tally(answers)).toEqual({ 200: 100 })
      expect(quantile(answers, 1)).toBeLessThan(longestMs)
      // Nobody can be told anything: each replica asks for itself, once.
      expect(provider.tokenRequests).toHaveLength(3)
      await everywhere(fleet, 0)
      redis.signal('SIGCONT')
      await everywhere(fleet, 1)
      provider.revokeAll()
      expect(tally(await callers.burst(urls, 50))).toEqual({ 200: 100 })
      // Each refused a token of its own, and they agree again.
      expect(provider.tokenRequests.length).toBeLessThanOrEqual(5)
      provider.revokeAll()
      const count = provider.tokenRequests.length
      expect(tally(await callers.burst(urls, 50))).toEqual({ 200: 100 })
      expect(provider.tokenRequests).toHaveLength(count + 1)
    },
    30_000,
  )

  it('starts without a Redis and serves', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    await redis.kill()
    const fleet = await startFleet(2, fleetConfig(provider, redis))
    const answers = await callers.burst(
      fleet.map(({ url }) => url),
      20,
    )
    expect(tally(answers)).toEqual({ 200: 40 })
    expect(quantile(answers, 1)).toBeLessThan(longestMs + 500)
    await everywhere(fleet, 0)
    for (const replica of fleet) expect(replica.log().filter(({ store }) => store === 'redis')).toHaveLength(1)
  }, 30_000)
})

async function everywhere(fleet: readonly Replica[], value: 0 | 1): Promise<void> {
  for (const replica of fleet) await until(`${up} is ${value}`, async () => (await replica.metric(up)) === value)
}

async function text(url: string): Promise<string> {
  return await (await fetch(url)).text()
}
