import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { storeKeysOf } from '../../src/tokens/store/store-keys.ts'
import { createExposition } from '../../src/telemetry/exposition.ts'
import { identitiesUnderTest, perTenantAndUser } from '../support/identity-sources.ts'
import { settled } from '../support/fake-clock.ts'
import { grantOf, valueOf } from '../support/tokens-source.ts'

describe('a token for each identity', () => {
  test('is asked for once, however many callers of it wait, and used by it alone', async () => {
    const under = identitiesUnderTest()
    const gate = Promise.withResolvers<void>()
    under.answer = async ([who]) => {
      await gate.promise
      return grantOf(`token-for-${who}`)
    }
    const waiting = ['alice', 'bob', 'alice', 'alice', 'bob'].map((who) => under.get(who))
    await settled()
    expect(under.asked).toEqual([['alice'], ['bob']])
    gate.resolve()
    const tokens = await Promise.all(waiting)
    expect(tokens.map(valueOf)).toEqual(['alice', 'bob', 'alice', 'alice', 'bob'].map((who) => `token-for-${who}`))
    expect(valueOf(await under.get('bob'))).toBe('token-for-bob')
    expect(under.asked).toHaveLength(2)
  })

  test('is never shared by two that differ, also not in names built to collide (property)', async () => {
    const value = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', '"', ',', '\\', '\n', ' ', '[', ']'), minLength: 1, maxLength: 4 }),
      fc.constantFrom('a', 'ab', 'bc', 'c', 'a","b', 'main', '__proto__', 'constructor'),
    )
    const identity = fc.tuple(value, value)
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(identity, { selector: ([a, b]) => JSON.stringify([a, b]), maxLength: 30 }), async (all) => {
        const under = identitiesUnderTest({ token_request: perTenantAndUser })
        under.answer = () => grantOf(`token-${under.asked.length}`)
        const first = await Promise.all(all.map((who) => under.get(...who)))
        expect(new Set(first.map(valueOf)).size).toBe(all.length)
        expect(under.asked).toEqual(all)
        const again = await Promise.all(all.map((who) => under.get(...who)))
        expect(again).toEqual(first)
        const keys = all.map((who) => storeKeysOf(under.credential, who))
        expect(new Set(keys.map(({ token }) => token)).size).toBe(all.length)
        expect(new Set(keys.map(({ grant }) => grant)).size).toBe(all.length)
      }),
      {
        numRuns: 50,
        examples: [
          [
            [
              ['a', 'bc'],
              ['ab', 'c'],
            ],
          ],
          [
            [
              ['a', 'a","b'],
              ['a","a', 'b'],
            ],
          ],
        ],
      },
    )
  })

  test('is renewed ahead of its expiry while that identity is in use, and replaced when it is refused', async () => {
    const under = identitiesUnderTest()
    let count = 0
    under.answer = ([who]) => grantOf(`${who}-${++count}`, 100_000)
    const alice = await under.get('alice')
    await under.get('bob')
    await under.clock.advance(95_000)
    await under.get('alice')
    await settled()
    expect(valueOf(await under.get('alice'))).toBe('alice-3')
    expect(under.asked).toEqual([['alice'], ['bob'], ['alice']])
    expect(await under.tokens.of(under.credential, ['alice']).reject(alice)).toMatchObject({ outcome: 'newer' })
    expect(under.asked).toHaveLength(3)
  })
})

describe('room for a bounded number of identities', () => {
  test('is made by the one used longest ago: its timers end, and it asks again when it comes back', async () => {
    const under = identitiesUnderTest({}, 2)
    for (const who of ['alice', 'bob', 'bob', 'carol']) await under.get(who)
    expect(under.clock.pendingTimers).toBe(2)
    await under.get('bob')
    expect(under.asked).toEqual([['alice'], ['bob'], ['carol']])
    await under.get('alice')
    expect(under.asked).toHaveLength(4)
    expect(under.tokens.identityStatus('main')).toMatchObject({ tokens: 2, waiting: 0, isRenewing: false })
  })

  test('costs nobody who waits anything: what is under way goes on, and leaves no timer behind', async () => {
    const under = identitiesUnderTest({}, 1)
    const gate = Promise.withResolvers<void>()
    under.answer = async ([who]) => {
      await gate.promise
      return grantOf(`token-for-${who}`)
    }
    const waiting = ['alice', 'bob', 'carol'].map((who) => under.get(who))
    gate.resolve()
    expect((await Promise.all(waiting)).map(valueOf)).toEqual(['token-for-alice', 'token-for-bob', 'token-for-carol'])
    expect(under.clock.pendingTimers).toBe(1)
  })

  test('makes nobody ask twice: who comes back joins the token request that is still under way', async () => {
    const under = identitiesUnderTest({}, 1)
    const gate = Promise.withResolvers<void>()
    under.answer = async ([who]) => {
      if (who === 'alice') await gate.promise
      return grantOf(`token-for-${who}`)
    }
    const first = under.get('alice')
    await under.get('bob')
    const second = under.get('alice')
    await settled()
    gate.resolve()
    expect([await first, await second].map(valueOf)).toEqual(['token-for-alice', 'token-for-alice'])
    expect(under.asked).toEqual([['alice'], ['bob']])
  })

  test('is given back at the end', async () => {
    const under = identitiesUnderTest()
    for (const who of ['alice', 'bob']) await under.get(who)
    under.tokens.close()
    expect(under.clock.pendingTimers).toBe(0)
  })
})

describe('handing tokens back at the end', () => {
  const handsBack = { revocation_endpoint: 'https://idp.example/revoke', revoke_on_shutdown: true }

  test('concerns those of all identities, a few at a time', async () => {
    const under = identitiesUnderTest(handsBack)
    const everybody = Array.from({ length: 40 }, (_, index) => `user-${index}`)
    for (const who of everybody) await under.get(who)
    await under.tokens.handBack(1_000)
    expect(under.mostRevoking).toBe(16)
    expect(new Set(under.revoked.map(String))).toEqual(new Set(everybody.map((who) => `token-for-${who},${who}`)))
    expect(under.revoked).toHaveLength(40)
  })

  test('ends when the time is over', async () => {
    const under = identitiesUnderTest(handsBack)
    for (let index = 0; index < 40; index++) await under.get(`user-${index}`)
    const ending = under.tokens.handBack(0)
    await under.clock.advance(0)
    await ending
    await settled()
    await settled()
    expect(under.revoked.length).toBeLessThan(40)
  })
})

describe('what is told of identities', () => {
  test('adds up under the name of the credential, and names nobody', async () => {
    const under = identitiesUnderTest({ token_requests: { limit: 10, window: '1h' } })
    under.answer = ([who]) => grantOf(`token-for-${who}`, who === 'alice' ? 7_200_000 : 3_600_000)
    for (const who of ['alice', 'bob', 'alice']) await under.get(who)
    const { body } = await createExposition(under.metrics)(undefined)
    expect(body).toContain('bearerd_token_requests_total{credential="main",outcome="success"} 2')
    expect(body).toContain('bearerd_token_lookups_total{credential="main",result="hit"} 1')
    expect(body).toContain('bearerd_token_budget_remaining{credential="main"} 8')
    // The latest of all: that of the token granted last would seem to run out while others are in use.
    const expiry = (under.clock.epochMs() + 7_200_000) / 1000
    expect(body).toContain(`bearerd_token_expiry_timestamp_seconds{credential="main"} ${expiry}`)
    const renewal = Number(/bearerd_token_renewal_timestamp_seconds\{credential="main"\} (\S+)/.exec(body)?.[1])
    expect(renewal).toBeGreaterThan(expiry - 3_600)
    expect(renewal).toBeLessThan(expiry)
    expect(body + under.log.join('')).not.toMatch(/alice|bob/)
  })

  test('is a word in each log line that tells them apart', async () => {
    const under = identitiesUnderTest({}, 1)
    for (const who of ['alice', 'bob', 'alice']) await under.get(who)
    const words = under.log.map((line) => (JSON.parse(line) as { identity: string }).identity)
    expect(words).toEqual([words[0], expect.stringMatching(/^[0-9a-f]{12}$/), words[0]])
    expect(words[0]).not.toBe(words[1])
  })

  test('of a request that began before a reload stays with the credential that it began with', async () => {
    const { tokens, credential: before } = identitiesUnderTest()
    const { credential: after } = identitiesUnderTest({ client_secret: 'canary-other-secret' })
    const first = tokens.of(before, ['alice'])
    tokens.use(new Map([['main', after]]))
    const renewed = tokens.of(after, ['alice'])
    expect(renewed).not.toBe(first)
    expect(tokens.of(before, ['alice'])).not.toBe(renewed)
    await renewed.obtain()
    expect(tokens.of(before, ['alice']).current()).toBeUndefined()
    expect(tokens.identityStatus('main')).toMatchObject({ tokens: 1 })
  })

  test('does not count as having a token, nor is it found by its name alone', () => {
    const { tokens } = identitiesUnderTest()
    expect([...tokens.entries()]).toEqual([])
    expect(tokens.named('main')).toBeUndefined()
    expect(tokens.identityStatus('main')).toMatchObject({ tokens: 0, lastError: undefined, backOffMs: 0 })
    expect(tokens.identityStatus('other')).toBeUndefined()
  })
})
