import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { callersForTest, quantile, tally } from '../support/fleet-load.ts'
import { fleetConfig, startFleet } from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import type { FleetProvider } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

const isFull = process.env['FULL'] === '1'
const seconds = isFull ? 60 : 6
const lifetimeMs = 2_000

describeWithRedis('tokens that live for 2 seconds', () => {
  it(
    `never reach the provider expired and take less than a token request a second, at 50 requests a second for ${seconds} s`,
    async () => {
      const callers = callersForTest()
      const redis = await redisForTest()
      const [alone, shared] = [await fleetProvider({ expiresIn: 2 }), await fleetProvider({ expiresIn: 2 })]
      const [one, two] = await Promise.all([
        startFleet(1, fleetConfig(alone, undefined)),
        startFleet(2, fleetConfig(shared, redis)),
      ])
      const loads = [
        callers.keepCalling(
          one.map(({ url }) => url),
          { callers: 10, periodMs: 200 },
        ),
        callers.keepCalling(
          two.map(({ url }) => url),
          { callers: 5, periodMs: 200 },
        ),
      ]
      await sleep(seconds * 1_000)
      const results = await Promise.all(loads.map(async (load) => await load.stop()))
      for (const [nth, provider] of [alone, shared].entries()) {
        const answers = results[nth] ?? []
        expect(tally(answers)).toEqual({ 200: answers.length })
        expect(answers.length).toBeGreaterThan(seconds * 50 * 0.5)
        // A request may be on its way when its token expires, but not longer than any answer took.
        const transitMs = quantile(answers, 1)
        expect(lateness(provider).filter((lateMs) => lateMs > transitMs)).toEqual([])
        expect(provider.tokenRequests.length).toBeLessThan(seconds)
        // Renewed ahead of time, in the background: after the first ones nobody waits for a token.
        if (isFull) {
          const late = lateness(provider)
          console.log(
            `${['memory, 1 process', 'Redis, 2 processes'][nth]}: ${answers.length} requests, ${provider.tokenRequests.length} token requests, ` +
              `${late.filter((lateMs) => lateMs > 0).length} with an expired token, the oldest token ${Math.round(lifetimeMs + Math.max(...late))} ms old, ` +
              `p50 ${quantile(answers, 0.5).toFixed(1)} ms, p99 ${quantile(answers, 0.99).toFixed(1)} ms, longest ${quantile(answers, 1).toFixed(0)} ms`,
          )
        }
      }
    },
    (seconds + 25) * 1_000,
  )
})

/** For each call, how long its token had been expired when it arrived, in milliseconds; negative: it had not. */
function lateness({ calls, granted }: FleetProvider): number[] {
  return calls.map(({ token, atMs }) => atMs - (granted.get(token)?.issuedMs ?? Number.NEGATIVE_INFINITY) - lifetimeMs)
}
