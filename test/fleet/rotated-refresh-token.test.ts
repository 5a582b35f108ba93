import { expect, it } from 'vitest'
import { callersForTest, tally } from '../support/fleet-load.ts'
import {
  at,
  dumpOf,
  expectServed,
  fleetConfig,
  kill,
  outagesOf,
  renew,
  startFleet,
  until,
  untilCalm,
} from '../support/fleet-processes.ts'
import { fleetProvider } from '../support/fleet-provider.ts'
import type { FleetProvider, ReceivedTokenRequest } from '../support/fleet-provider.ts'
import { describeWithRedis, redisForTest } from '../support/redis-server.ts'

const credential = { token_response: { refresh_token: '/refresh_token' } }
const refreshMark = 'canary-refresh-token'

/** What a provider that takes a refresh token used twice for theft saw. */
interface Families {
  /** Refresh tokens that came a second time. */
  readonly reused: string[]
  /** Grants without a refresh token. */
  started: number
  /** Grants with one. */
  renewed: number
}

/** Has a provider rotate refresh tokens: each may be used once, and who uses one twice ends all that came from the same start. */
function rotate(provider: FleetProvider): Families {
  const families: Families = { reused: [], started: 0, renewed: 0 }
  /** Each refresh token: its family, and whether it has been used. */
  const known = new Map<string, { readonly family: number; isUsed: boolean }>()
  const ended = new Set<number>()
  const next = (family: number): Readonly<Record<string, unknown>> => {
    const refresh_token = `${refreshMark}-${family}-${known.size + 1}`
    known.set(refresh_token, { family, isUsed: false })
    return { refresh_token }
  }
  provider.fields = ({ params }: ReceivedTokenRequest) => {
    const given = params.get('refresh_token')
    if (given === null) return next(++families.started)
    const found = known.get(given)
    if (found === undefined || ended.has(found.family)) throw new Error('invalid_grant')
    if (found.isUsed) {
      families.reused.push(given)
      ended.add(found.family)
      throw new Error('invalid_grant')
    }
    found.isUsed = true
    families.renewed++
    return next(found.family)
  }
  return families
}

describeWithRedis('a rotated refresh token that a fleet shares', () => {
  it('is used once each, over 20 renewals under load, of all kinds, though a process dies in between', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const families = rotate(provider)
    const fleet = [...(await startFleet(3, fleetConfig(provider, redis, { credential })))]
    expect(
      tally(
        await callers.burst(
          fleet.map(({ url }) => url),
          20,
        ),
      ),
    ).toEqual({ 200: 60 })
    const spared = fleet.slice(0, 2)
    const urls = spared.map(({ url }) => url)
    const load = callers.keepCalling(urls, { callers: 10, periodMs: 100 })
    const doomedLoad = callers.keepCalling([at(fleet, 2).url], { callers: 10, periodMs: 100 })
    for (let renewal = 1; renewal <= 20; renewal++) {
      if (renewal % 2 === 0) provider.revokeAll()
      else expect(await renew(at(spared, (renewal >> 1) % 2))).toBeLessThan(400)
      await until(`renewal ${renewal} is there`, () => families.renewed >= renewal)
      await untilCalm(spared, provider)
      if (renewal === 10) {
        await kill(at(fleet, 2))
        await doomedLoad.stop()
      }
    }
    const answers = await load.stop()
    expect(answers.length).toBeGreaterThan(400)
    expectServed(answers, fleet)
    // While Redis does not answer in time nobody can know who has used it.
    if (outagesOf(fleet) === 0) expect(families).toEqual({ reused: [], started: 1, renewed: 20 })
    // It is what a thief would want most.
    for (const replica of spared) expect(replica.output().stdout).not.toContain(refreshMark)
    const kept = await dumpOf(await redis.admin())
    expect(kept).toMatch(/:grant:/)
    expect(kept).not.toContain(refreshMark)
  }, 60_000)

  it('is got anew by the original grant when the one who had just got it died before it could say so', async () => {
    const [provider, redis, callers] = [await fleetProvider(), await redisForTest(), callersForTest()]
    const families = rotate(provider)
    const fleet = await startFleet(3, fleetConfig(provider, redis, { credential }))
    const [doomed, ...others] = fleet
    if (doomed === undefined) throw new Error('the fleet is empty')
    const urls = others.map(({ url }) => url)
    expect(tally(await callers.burst([doomed.url, ...urls], 5))).toEqual({ 200: 15 })
    // Rotated, but the answer never arrives.
    provider.after = async () => {
      if (families.renewed === 1) await new Promise(() => {})
    }
    provider.revokeAll()
    const lost = callers.call(doomed.url)
    await until('it has been rotated', () => families.renewed === 1)
    await kill(doomed)
    await lost
    provider.after = () => {}
    const answers = await callers.burst(urls, 20)
    expect(tally(answers)).toEqual({ 200: 40 })
    if (outagesOf(fleet) > 0) return
    expect(families).toMatchObject({ started: 2, renewed: 1 })
    await untilCalm(others, provider)
    // The new family is renewed as the old one was.
    provider.revokeAll()
    expect(tally(await callers.burst(urls, 20))).toEqual({ 200: 40 })
    expect(families).toMatchObject({ started: 2, renewed: 2 })
    expect(families.reused).toHaveLength(1)
  }, 60_000)
})
