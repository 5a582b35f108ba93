import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { callersForTest, quantile, tally } from '../support/fleet-load.ts'
import {
  expectServed,
  expectTokenRequests,
  fleetConfig,
  kill,
  outagesOf,
  startFleet,
  startReplica,
  until,
  untilCalm,
} from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

/** News of a refusal travels through Redis: what arrives later than this with a refused token should not have. */
const newsMs = 300

/** For how long a process that asks has the lock, unless it says again that it is there. */
const leaseMs = 3_000

describeWithRedis('a fleet of processes on one Redis', () => {
  it('makes one token request for 8 x 100 cold callers, and one more when all tokens are revoked under their load', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    provider.before = async () => await sleep(100)
    const fleet = await startFleet(8, fleetConfig(provider, redis))
    const urls = fleet.map(({ url }) => url)

    expect(tally(await callers.burst(urls, 100))).toEqual({ 200: 800 })
    expectTokenRequests(provider, 1, fleet)

    const load = callers.keepCalling(urls, { callers: 100, periodMs: 1_000 })
    await sleep(1_200)
    const refused = provider.latest()
    // The longest that a call has been on its way here, on this machine, today.
    const transitMs = quantile(load.answers, 1)
    provider.revokeAll()
    await sleep(2_000)
    const answers = await load.stop()
    expect(answers.length).toBeGreaterThan(800)
    expectServed(answers, fleet)
    expectTokenRequests(provider, 2, fleet)
    const refusals = provider.calls.filter(({ isAccepted }) => !isAccepted)
    expect(refusals.length).toBeGreaterThan(0)
    const firstMs = refusals[0]?.atMs ?? 0
    if (outagesOf(fleet) === 0)
      expect(provider.calls.filter(({ token, atMs }) => token === refused && atMs > firstMs + newsMs + transitMs)).toEqual([])

    // All at once, with a token that is revoked already.
    await untilCalm(fleet, provider)
    provider.revokeAll()
    expect(tally(await callers.burst(urls, 100))).toEqual({ 200: 800 })
    expectTokenRequests(provider, 3, fleet)
  }, 60_000)

  it('makes one token request when the token endpoint takes longer than the lease of the lock', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    provider.before = async () => await sleep(leaseMs + 700)
    const fleet = await startFleet(3, fleetConfig(provider, redis))
    const answers = await callers.burst(
      fleet.map(({ url }) => url),
      20,
    )
    expect(tally(answers)).toEqual({ 200: 60 })
    expectTokenRequests(provider, 1, fleet)
    for (const { tookMs } of answers) expect(tookMs).toBeLessThan(leaseMs + 3_700)
  }, 60_000)

  it('gets over the death of the process that asks, within the lease of its lock, with one more token request', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    provider.before = async () => {
      if (provider.tokenRequests.length === 1) await new Promise(() => {})
    }
    const fleet = await startFleet(3, fleetConfig(provider, redis))
    const [owner, ...others] = fleet
    if (owner === undefined) throw new Error('the fleet is empty')
    const lost = callers.call(owner.url)
    await until('somebody asks', () => provider.tokenRequests.length === 1)
    const waiting = callers.burst(
      others.map(({ url }) => url),
      20,
    )
    // Long enough for the lock to have been extended.
    await sleep(1_500)
    const killedMs = performance.now()
    await kill(owner)
    expect((await lost).status).toBe(0)
    expect(tally(await waiting)).toEqual({ 200: 40 })
    expect(performance.now() - killedMs).toBeLessThan(leaseMs + 2_500)
    expectTokenRequests(provider, 2, fleet)
  }, 60_000)

  it('is not harmed by a process that asks, freezes past its lease, and comes back with its answer', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    let answerFirst = (): void => {}
    provider.after = async () => {
      if (provider.tokenRequests.length === 1) await new Promise<void>((resolve) => (answerFirst = resolve))
    }
    const config = fleetConfig(provider, redis)
    const fleet = await startFleet(3, config)
    const [frozen, ...others] = fleet
    if (frozen === undefined) throw new Error('the fleet is empty')
    const late = callers.call(frozen.url)
    await until('somebody asks', () => provider.tokenRequests.length === 1)
    frozen.signal('SIGSTOP')
    const urls = others.map(({ url }) => url)
    expect(tally(await callers.burst(urls, 20))).toEqual({ 200: 40 })
    expectTokenRequests(provider, 2, fleet)
    const agreed = provider.latest()
    answerFirst()
    frozen.signal('SIGCONT')
    expect((await late).status).toBe(200)
    // What came late has not taken the place of what the fleet agreed on meanwhile.
    const newcomer = await startReplica(config)
    const before = provider.calls.length
    expect(tally(await callers.burst([...urls, newcomer.url], 1))).toEqual({ 200: 3 })
    if (outagesOf([...fleet, newcomer]) > 0) return
    expect(provider.calls.slice(before).map(({ token }) => token)).toEqual([agreed, agreed, agreed])
    expectTokenRequests(provider, 2, fleet)
  }, 60_000)
})
