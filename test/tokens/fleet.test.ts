import { describe, expect, test } from 'vitest'
import type { AccessToken } from '../../src/tokens/access-token.ts'
import type { TokenSource } from '../../src/tokens/token-source.ts'
import { settled } from '../support/fake-clock.ts'
import { FleetUnderTest } from '../support/tokens-fleet.ts'
import { grantOf, refused, unavailable, valueOf } from '../support/tokens-source.ts'

/** Every replica of a fleet of `size` holds `token-1`. */
async function fleetWithToken(
  size: number,
  keys: Readonly<Record<string, unknown>> = {},
  lifetimeMs = 3_600_000,
): Promise<FleetUnderTest & { readonly tokens: readonly AccessToken[] }> {
  const fleet = new FleetUnderTest(size, keys)
  fleet.answer = (count) => grantOf(`token-${count}`, lifetimeMs)
  const waiting = Promise.all(fleet.replicas.map(async (replica) => await fleet.get(replica)))
  await fleet.clock.advance(fleet.endpointMs)
  return Object.assign(fleet, { tokens: await waiting })
}

async function values(fleet: FleetUnderTest): Promise<(string | undefined)[]> {
  return (await Promise.all(fleet.replicas.map(async (replica) => await fleet.get(replica)))).map(valueOf)
}

describe('a fleet without a token', () => {
  test('of 8 replicas with 100 callers each makes one token request', async () => {
    const fleet = new FleetUnderTest(8)
    const callers = fleet.replicas.flatMap((replica) => Array.from({ length: 100 }, async () => await fleet.get(replica)))
    await fleet.clock.advance(50)
    expect(new Set((await Promise.all(callers)).map(valueOf))).toEqual(new Set(['token-1']))
    expect(fleet.requests).toHaveLength(1)
  })

  test('waits for an endpoint that takes longer than those who wait look again', async () => {
    const fleet = new FleetUnderTest(8)
    fleet.endpointMs = 9_000
    const waiting = values(fleet)
    await fleet.clock.advance(9_000)
    expect(new Set(await waiting)).toEqual(new Set(['token-1']))
    expect(fleet.requests).toHaveLength(1)
  })

  test('is told of a failure together, and asks once more when the pause is over', async () => {
    const fleet = new FleetUnderTest(8)
    fleet.answer = () => {
      throw unavailable()
    }
    const waiting = Promise.allSettled(fleet.replicas.map(async (replica) => await fleet.get(replica)))
    await fleet.clock.advance(50)
    expect((await waiting).map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 'rejected'))
    expect(fleet.requests).toHaveLength(1)
    fleet.answer = (count) => grantOf(`token-${count}`)
    await fleet.clock.advance(500)
    const again = values(fleet)
    await fleet.clock.advance(50)
    expect(new Set(await again)).toEqual(new Set(['token-2']))
    expect(fleet.requests).toHaveLength(2)
  })

  test('does not hold up an operator who has mended what was wrong', async () => {
    const fleet = new FleetUnderTest(2)
    fleet.answer = () => {
      throw refused()
    }
    const failing = Promise.allSettled(fleet.replicas.map(async (replica) => await fleet.get(replica)))
    await fleet.clock.advance(50)
    await failing
    fleet.answer = () => grantOf('mended')
    const renewing = fleet.replicas[1]?.renew()
    await fleet.clock.advance(50)
    expect(valueOf(await renewing)).toBe('mended')
    expect(await values(fleet)).toEqual(['mended', 'mended'])
    expect(fleet.requests).toHaveLength(2)
  })
})

test('a replica that joins takes over the token that is there, with the rest of its life', async () => {
  const fleet = await fleetWithToken(1, {}, 60_000)
  await fleet.clock.advance(20_000)
  const late = fleet.join()
  expect(valueOf(await fleet.get(late))).toBe('token-1')
  expect(late.status().expiresAtEpochMs).toBe(fleet.replicas[0]?.status().expiresAtEpochMs)
  expect(fleet.requests).toHaveLength(1)
  await fleet.clock.advance(40_000)
  expect(late.current()).toBeUndefined()
})

test('a renewal ahead of expiry is made by one, and used by all without waiting', async () => {
  const fleet = await fleetWithToken(8, {}, 60_000)
  for (let step = 0; step < 590; step++) {
    for (const replica of fleet.replicas) expect(replica.current()).toBeDefined()
    await fleet.clock.advance(100)
  }
  expect(fleet.requests).toHaveLength(2)
  expect(new Set(await values(fleet))).toEqual(new Set(['token-2']))
})

test('renew now in one replica reaches the others', async () => {
  const fleet = await fleetWithToken(3)
  const renewing = fleet.replicas[2]?.renew()
  await fleet.clock.advance(50)
  await renewing
  expect(fleet.replicas.map((replica) => valueOf(replica.current()))).toEqual(['token-2', 'token-2', 'token-2'])
})

test('renew now asks for a new token even where another replica has just got one', async () => {
  const fleet = await fleetWithToken(1)
  const late = fleet.join()
  const renewing = late.renew()
  await fleet.clock.advance(50)
  expect(valueOf(await renewing)).toBe('token-2')
})

describe('a token that is refused', () => {
  test('in 100 replicas at once is renewed once', async () => {
    const fleet = await fleetWithToken(100)
    const rejections = fleet.replicas.map((replica, index) => replica.reject(fleet.tokens[index] as AccessToken))
    await fleet.clock.advance(50)
    const outcomes = (await Promise.all(rejections)).map(({ outcome, token }) => `${outcome} ${valueOf(token)}`)
    expect(outcomes.filter((outcome) => outcome === 'renewed token-2')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'newer token-2')).toHaveLength(99)
    expect(fleet.requests).toHaveLength(2)
  })

  test('in one replica is not used by the others any more, and their callers wait for the new one', async () => {
    const fleet = await fleetWithToken(3)
    void fleet.replicas[0]?.reject(fleet.tokens[0] as AccessToken)
    await settled()
    expect(fleet.replicas.map((replica) => replica.current())).toEqual([undefined, undefined, undefined])
    const waiting = values(fleet)
    const late = fleet.get(fleet.join())
    await fleet.clock.advance(50)
    expect(await waiting).toEqual(['token-2', 'token-2', 'token-2'])
    expect(valueOf(await late)).toBe('token-2')
    expect(fleet.requests).toHaveLength(2)
  })

  test('costs a straggler in another replica nothing', async () => {
    const fleet = await fleetWithToken(2)
    const renewal = fleet.replicas[0]?.reject(fleet.tokens[0] as AccessToken)
    await fleet.clock.advance(50)
    await renewal
    const straggler = await fleet.replicas[1]?.reject(fleet.tokens[1] as AccessToken)
    expect(straggler?.outcome).toBe('newer')
    expect(fleet.requests).toHaveLength(2)
  })

  test('is used again by all where its renewal fails', async () => {
    const fleet = await fleetWithToken(3)
    fleet.answer = () => {
      throw unavailable()
    }
    const rejection = fleet.replicas[0]?.reject(fleet.tokens[0] as AccessToken)
    await fleet.clock.advance(50)
    expect((await rejection)?.outcome).toBe('failed')
    expect(fleet.replicas.map((replica) => valueOf(replica.current()))).toEqual(['token-1', 'token-1', 'token-1'])
  })

  test('once more, before anybody has accepted the new one, is not renewed by the others either', async () => {
    const fleet = await fleetWithToken(2)
    const rejection = fleet.replicas[0]?.reject(fleet.tokens[0] as AccessToken)
    await fleet.clock.advance(50)
    await rejection
    const [, other] = fleet.replicas
    expect((await other?.reject(other.current() as AccessToken))?.outcome).toBe('cool_down')
  })

  test('is renewed by the others again once one of them has seen the new one accepted', async () => {
    const fleet = await fleetWithToken(2)
    const rejection = fleet.replicas[0]?.reject(fleet.tokens[0] as AccessToken)
    await fleet.clock.advance(50)
    const replacement = await rejection
    if (replacement?.token === undefined) throw new Error('there is no replacement')
    fleet.replicas[0]?.replayed(replacement, true)
    await settled()
    const [, other] = fleet.replicas
    const again = other?.reject(other.current() as AccessToken)
    await fleet.clock.advance(50)
    expect((await again)?.outcome).toBe('renewed')
    expect(fleet.requests).toHaveLength(3)
  })
})

test('a path that always answers 401 costs a fleet of 8 no more than it costs one replica', async () => {
  const fleet = await fleetWithToken(8)
  const call = async (replica: TokenSource): Promise<void> => {
    const rejection = await replica.reject(await fleet.get(replica))
    if (rejection.token !== undefined) replica.replayed(rejection, false)
  }
  for (let step = 0; step < 600; step++) {
    const replica = fleet.replicas[step % 8]
    if (replica !== undefined) void call(replica)
    await fleet.clock.advance(100)
  }
  expect(fleet.requests.length - 1).toBeLessThanOrEqual(5)
})

test('a refresh token that one replica was given is the one that the next replica uses', async () => {
  const fleet = new FleetUnderTest(3, { token_response: { refresh_token: '/refresh_token' } })
  fleet.answer = (count) => grantOf(`token-${count}`, 60_000, { refreshToken: `refresh-${count}` })
  for (const replica of [...fleet.replicas, ...fleet.replicas]) {
    const renewing = replica.renew()
    await fleet.clock.advance(50)
    await renewing
  }
  expect(fleet.requests.map(({ refreshToken }) => refreshToken)).toEqual([
    undefined,
    ...Array.from({ length: 5 }, (_, index) => `refresh-${index + 1}`),
  ])
})

describe('a budget', () => {
  const budget = { token_requests: { limit: 10, window: '1m' } }

  test('is shared: replicas together never make more token requests than it allows', async () => {
    const fleet = new FleetUnderTest(4, budget)
    const outcomes: string[] = []
    for (let step = 0; step < 16; step++) {
      const renewing = fleet.replicas[step % 4]?.renew().then(
        () => outcomes.push('renewed'),
        (error: { reason: string }) => outcomes.push(error.reason),
      )
      await fleet.clock.advance(100)
      await renewing
    }
    expect(fleet.requests).toHaveLength(10)
    expect(outcomes.slice(10)).toEqual(Array.from({ length: 6 }, () => 'budget'))
    await fleet.clock.advance(60_000)
    const renewing = fleet.replicas[0]?.renew()
    await fleet.clock.advance(100)
    expect(valueOf(await renewing)).toBe('token-11')
  })

  test('of which others have spent shows what is left', async () => {
    const fleet = new FleetUnderTest(2, budget)
    for (const replica of fleet.replicas) {
      const renewing = replica.renew()
      await fleet.clock.advance(100)
      await renewing
    }
    expect(fleet.replicas[1]?.status().budgetRemaining).toBe(8)
  })
})

test('a replica that takes over a token knows what it has cost', async () => {
  const fleet = await fleetWithToken(2, { token_requests: { limit: 5, window: '1h' } })
  await settled()
  expect(fleet.replicas.map((replica) => replica.status().budgetRemaining)).toEqual([4, 4])
})

test('while the store does not answer, each replica asks for itself and goes on', async () => {
  const fleet = new FleetUnderTest(3)
  Object.assign(fleet.store, { claim: async () => await Promise.resolve({ state: 'unavailable' }) })
  const waiting = values(fleet)
  await fleet.clock.advance(50)
  expect(new Set(await waiting)).toEqual(new Set(['token-1', 'token-2', 'token-3']))
})
