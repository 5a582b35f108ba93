import { describe, expect, test } from 'vitest'
import { settled } from '../support/fake-clock.ts'
import { FleetUnderTest } from '../support/tokens-fleet.ts'
import { refused, sourceUnderTest, unavailable } from '../support/tokens-source.ts'

describe('what happened last to a token', () => {
  test('says when, why and how long: for a caller, after a refusal of a route, ahead of expiry, by hand', async () => {
    const under = sourceUnderTest()
    const { source, clock } = under
    const first = under.get()
    await clock.advance(120)
    await under.grant(0, 'token-1', 60_000)
    const token = await first
    expect(source.status().history).toEqual([
      {
        type: 'obtained',
        atEpochMs: clock.epochMs(),
        count: 1,
        purpose: 'callers',
        route: undefined,
        tookMs: 120,
        error: undefined,
      },
    ])

    const rejecting = source.reject(token, true, '/gett')
    await clock.advance(212)
    await under.grant(1, 'token-2', 60_000)
    await rejecting
    expect(source.status().history[0]).toMatchObject({ type: 'obtained', purpose: 'rejection', route: '/gett', tookMs: 212 })

    await clock.advance(58_000)
    source.current()
    await under.grant(2, 'token-3', 60_000)
    await settled()
    const renewing = source.renew()
    await under.grant(3, 'token-4', 60_000)
    await renewing
    expect(source.status().history.map(({ purpose }) => purpose)).toEqual(['operator', 'renewal', 'rejection', 'callers'])
    expect(JSON.stringify(source.status())).not.toContain('token-')
  })

  test('counts a failure that repeats itself, and leaves room for others', async () => {
    const under = sourceUnderTest()
    const { source, clock } = under
    for (let count = 0; count < 30; count++) {
      const getting = under.get()
      await under.fail(-1, unavailable('http_503'))
      await expect(getting).rejects.toThrow('http_503')
      await clock.advance(10 * 60_000)
    }
    const failing = under.get()
    await under.fail(-1, refused())
    await expect(failing).rejects.toThrow('invalid_client')
    expect(source.status().history).toMatchObject([
      { type: 'failed', count: 1, error: { code: 'invalid_client' } },
      { type: 'failed', count: 30, error: { code: 'http_503' } },
    ])
  })

  test('says nothing of attempts that the back-off forbade', async () => {
    const under = sourceUnderTest()
    const getting = under.get()
    await under.fail(0, unavailable())
    await expect(getting).rejects.toThrow('http_503')
    await expect(under.get()).rejects.toThrow('http_503')
    expect(under.source.status().history).toMatchObject([{ type: 'failed', count: 1 }])
  })

  test('tells a spent budget as a failure', async () => {
    const under = sourceUnderTest({ token_requests: { limit: 1, window: '1h' } })
    const getting = under.get()
    await under.grant(0, 'token-1', 60_000)
    await getting
    await under.clock.advance(61_000)
    await expect(under.get()).rejects.toThrow('budget')
    expect(under.source.status().history[0]).toMatchObject({ type: 'failed', purpose: 'callers', error: { code: 'budget' } })
  })

  test('tells apart what another replica got', async () => {
    const fleet = new FleetUnderTest(2)
    const waiting = Promise.all(fleet.replicas.map(async (replica) => await fleet.get(replica)))
    await fleet.clock.advance(fleet.endpointMs)
    await waiting
    const [one, other] = fleet.replicas.map((replica) => replica.status().history[0])
    expect([one?.type, other?.type]).toEqual(['obtained', 'taken_over'])
    expect(other).toMatchObject({ purpose: 'callers', tookMs: fleet.endpointMs })
    const renewing = fleet.replicas[0]?.renew()
    await fleet.clock.advance(fleet.endpointMs)
    await renewing
    await settled()
    expect(fleet.replicas[1]?.status().history[0]).toMatchObject({ type: 'taken_over', purpose: undefined, tookMs: undefined })
  })

  test('is bounded', async () => {
    const under = sourceUnderTest()
    under.answer = (count) => ({
      accessToken: `token-${count}`,
      lifetime: { ms: 60_000, source: 'response', oddity: undefined },
      refreshToken: undefined,
      fields: {},
    })
    for (let count = 0; count < 20; count++) await under.source.renew()
    expect(under.source.status().history).toHaveLength(8)
  })
})
