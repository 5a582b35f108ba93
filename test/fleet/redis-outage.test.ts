import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Answer } from '../support/fleet-load.ts'
import { callersForTest, quantile, tally } from '../support/fleet-load.ts'
import {
  canarySecret,
  dumpOf,
  fleetConfig,
  outagesOf,
  renew,
  startFleet,
  startReplica,
  untilCalm,
  untilStoreUp,
} from '../support/fleet-processes.ts'
import { fleetProvider, tokenMark } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

/**
 * A request may wait 100 ms for Redis. What else may hold it up, on a machine that has other things to do, is measured beside it.
 * @param control answers of a gateway that has no Redis, under the same load at the same time
 */
function longestMs(control: readonly Answer[]): number {
  return 100 + 500 + 4 * quantile(control, 1)
}

describeWithRedis('a fleet whose Redis dies', () => {
  it('fails no request, waits no longer than 100 ms, says it once, and uses it again when it is back, empty', async () => {
    const [provider, redis, callers] = [await fleetProvider({ expiresIn: 2 }), await redisForTest(), callersForTest()]
    const config = fleetConfig(provider, redis)
    const fleet = await startFleet(3, config)
    const urls = fleet.map(({ url }) => url)
    const control = await controlGateway()
    expect(tally(await callers.burst([...urls, control], 10))).toEqual({ 200: 40 })
    const controlLoad = callers.keepCalling([control], { callers: 10, periodMs: 100 })
    const load = callers.keepCalling(urls, { callers: 10, periodMs: 100 })
    await sleep(500)
    const seen = [await dumpOf(await redis.admin())]

    const killedMs = performance.now()
    await redis.kill()
    await untilStoreUp(fleet, 0)
    await sleep(200)
    provider.revokeAll()
    await sleep(2_500)
    const restartedMs = performance.now()
    await redis.restart()
    await untilStoreUp(fleet, 1)
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
      expect(quantile(part, 1)).toBeLessThan(longestMs(await controlLoad.stop()))
    }
    // Three seconds, tokens of two: one request each for the whole fleet, one for the revocation, and one to agree on again.
    const apart = (performance.now() - backMs) / 1_600
    const more = 2 * (outagesOf(fleet) - fleet.length)
    expect(provider.tokenRequests.length - countBack).toBeLessThanOrEqual(Math.ceil(apart) + 3 + more)

    for (const replica of fleet) {
      const lines = replica.log().filter(({ store }) => store === 'redis')
      // A Redis that the machine is too busy for is one that is of no use, too.
      const others = lines.filter(({ reason }) => String(reason).endsWith('within 100 ms')).length
      const transition = [
        ['warn', 'the token store is of no use: the gateway goes on with its own memory'],
        ['info', 'the token store answers again'],
      ]
      const count = lines.filter(({ level }) => level === 'warn').length
      expect(count).toBeLessThanOrEqual(1 + others)
      const transitions = Array.from({ length: Math.max(count, 1) }, () => transition).flat()
      expect(lines.map(({ level, message }) => [level, message])).toEqual(transitions)
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
  }, 60_000)

  it.each(['refused', 'renewed'])(
    'waits no longer than 100 ms for one that is frozen, and takes no token from it later that was %s meanwhile',
    async (fate) => {
      const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
      const fleet = await startFleet(2, fleetConfig(provider, redis))
      const urls = fleet.map(({ url }) => url)
      const control = await controlGateway()
      expect(tally(await callers.burst([...urls, control], 10))).toEqual({ 200: 30 })
      redis.signal('SIGSTOP')
      if (fate === 'refused') provider.revokeAll()
      else await Promise.all(fleet.map(async (replica) => await renew(replica)))
      const [answers, controlAnswers] = await Promise.all([callers.burst(urls, 50), callers.burst([control], 50)])
      expect(tally(answers)).toEqual({ 200: 100 })
      expect(quantile(answers, 1)).toBeLessThan(longestMs(controlAnswers))
      // Nobody can be told anything: each replica asks for itself, once.
      expect(provider.tokenRequests).toHaveLength(3)
      await untilStoreUp(fleet, 0)
      redis.signal('SIGCONT')
      await untilStoreUp(fleet, 1)
      await untilCalm(fleet, provider)
      const again = outagesOf(fleet)
      provider.revokeAll()
      expect(tally(await callers.burst(urls, 50))).toEqual({ 200: 100 })
      // Each refused a token of its own, and they agree again.
      expect(provider.tokenRequests.length).toBeLessThanOrEqual(5 + 2 * (outagesOf(fleet) - again))
      await untilCalm(fleet, provider)
      provider.revokeAll()
      const count = provider.tokenRequests.length
      expect(tally(await callers.burst(urls, 50))).toEqual({ 200: 100 })
      expect(provider.tokenRequests.length).toBeLessThanOrEqual(count + 1 + 2 * (outagesOf(fleet) - again))
    },
    60_000,
  )

  it('starts without a Redis and serves', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    await redis.kill()
    const config = fleetConfig(provider, redis)
    const fleet = [await startReplica(config), await startReplica(config)]
    const [urls, control] = [fleet.map(({ url }) => url), await controlGateway()]
    const [answers, controlAnswers] = await Promise.all([callers.burst(urls, 20), callers.burst([control], 20)])
    expect(tally(answers)).toEqual({ 200: 40 })
    expect(quantile(answers, 1)).toBeLessThan(longestMs(controlAnswers))
    await untilStoreUp(fleet, 0)
    for (const replica of fleet) expect(replica.log().filter(({ store }) => store === 'redis')).toHaveLength(1)
  }, 60_000)
})

/** @returns the route of a gateway that keeps tokens in its memory, with a provider of its own */
async function controlGateway(): Promise<string> {
  return (await startReplica(fleetConfig(await fleetProvider({ expiresIn: 2 }), undefined))).url
}

async function text(url: string): Promise<string> {
  return await (await fetch(url)).text()
}
