import { writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { scratch } from '../support/cli-scratch.ts'
import { identitiesUnderTest } from '../support/identity-sources.ts'
import type { IdentitiesUnderTest } from '../support/identity-sources.ts'
import { grantOf, refused, unavailable, valueOf } from '../support/tokens-source.ts'

/** What becomes of one attempt: the token, or why there is none. */
async function attempt(under: IdentitiesUnderTest, who: string): Promise<unknown> {
  return await under.get(who).then(valueOf, ({ reason, retryAfterMs }: { reason: string; retryAfterMs: number }) => ({
    reason,
    retryAfterMs,
  }))
}

describe('a failure', () => {
  test.each([refused('invalid_grant'), refused('http_401'), unavailable()])(
    'of one identity stops no other: $code',
    async (why) => {
      const under = identitiesUnderTest()
      under.answer = ([who]) => {
        if (who === 'mallory') throw why
        return grantOf(`token-for-${who}`)
      }
      expect(await attempt(under, 'mallory')).toMatchObject({ reason: why.kind })
      expect(await attempt(under, 'alice')).toBe('token-for-alice')
      expect(await attempt(under, 'mallory')).toMatchObject({ reason: why.kind })
      expect(under.asked).toEqual([['mallory'], ['alice']])
    },
  )

  test('of the client stops all, and then one of them finds out for all', async () => {
    const under = identitiesUnderTest()
    under.answer = () => Promise.reject(refused('invalid_client'))
    const everybody = Array.from({ length: 50 }, (_, index) => `user-${index}`)
    const all = (): Promise<unknown[]> => Promise.all(everybody.map((who) => attempt(under, who)))

    expect(await attempt(under, 'alice')).toEqual({ reason: 'refused', retryAfterMs: 7_500 })
    expect(await all()).toEqual(everybody.map(() => ({ reason: 'refused', retryAfterMs: 7_500 })))
    expect(under.asked).toHaveLength(1)
    expect(under.tokens.identityStatus('main')).toMatchObject({ backOffMs: 7_500, lastError: { code: 'invalid_client' } })

    await under.clock.advance(7_500)
    await all()
    expect(under.asked).toHaveLength(2)
    await under.clock.advance(15_000)
    under.answer = ([who]) => grantOf(`token-for-${who}`)
    await all()
    expect(under.asked).toHaveLength(3)
    expect(await all()).toEqual(everybody.map((who) => `token-for-${who}`))
  })

  test('of the client counts once for those who asked together', async () => {
    const under = identitiesUnderTest()
    under.answer = () => Promise.reject(refused('invalid_client'))
    await Promise.all(['a', 'b', 'c', 'd'].map((who) => attempt(under, who)))
    expect(under.asked).toHaveLength(4)
    expect(await attempt(under, 'e')).toMatchObject({ retryAfterMs: 7_500 })
  })

  test('of the client is over when another secret is configured, or when the one that finds out cannot', async () => {
    const { write } = scratch()
    const file = write('secret', 'old')
    const under = identitiesUnderTest({ client_secret: { file } })
    under.answer = () => Promise.reject(refused('invalid_client'))
    await attempt(under, 'alice')
    await under.clock.advance(7_500)
    under.answer = () => Promise.reject(unavailable())
    await attempt(under, 'bob')
    await attempt(under, 'carol')
    expect(under.asked).toEqual([['alice'], ['bob'], ['carol']])
    under.answer = () => Promise.reject(refused('invalid_client'))
    await attempt(under, 'dave')
    writeFileSync(file, 'the new one')
    under.answer = ([who]) => grantOf(`token-for-${who}`)
    expect(await attempt(under, 'erin')).toBe('token-for-erin')
  })

  test.each([
    { token_endpoint_auth_method: 'none', client_secret: undefined },
    { token_request: { headers: { Authorization: '{request.header.Authorization}' } } },
    {
      token_endpoint_auth_method: 'client_secret_jwt',
      client_secret: 'a secret that is long enough to sign',
      token_request: { assertion: { claims: { sub: '{request.header.X-User}' } } },
    },
  ])('of a client that the identity is part of stops that identity only', async (keys) => {
    const under = identitiesUnderTest(keys)
    under.answer = ([who]) => {
      if (who === 'mallory') throw refused('invalid_client')
      return grantOf(`token-for-${who}`)
    }
    expect(await attempt(under, 'mallory')).toMatchObject({ reason: 'refused' })
    expect(await attempt(under, 'alice')).toBe('token-for-alice')
  })
})

describe('the budget', () => {
  test('is one for all identities, and a spent one costs those with a token nothing', async () => {
    const under = identitiesUnderTest({ token_requests: { limit: 3, window: '1h' } })
    for (const who of ['a', 'b', 'c']) await attempt(under, who)
    expect(await attempt(under, 'd')).toMatchObject({ reason: 'budget' })
    expect(await attempt(under, 'a')).toBe('token-for-a')
    expect(under.asked).toHaveLength(3)
    expect(under.tokens.identityStatus('main')).toMatchObject({ budgetRemaining: 0 })
  })
})
