import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lifetimeOf } from '../../src/oauth/lifetime.ts'
import type { Lifetime } from '../../src/oauth/lifetime.ts'
import { credentialOf } from '../support/tokens-credential.ts'

const now = Date.UTC(2026, 0, 1)
const hour = 3_600_000
const longest = 90 * 24 * hour

interface Given {
  readonly expires?: Readonly<Record<string, unknown>>
  readonly token?: string
  readonly previousMs?: number
}

function lifetime(body: unknown, { expires = {}, token = 'opaque', previousMs }: Given = {}): Lifetime {
  return lifetimeOf(credentialOf({ token_response: { expires } }).token_response, token, body, now, previousMs)
}

function jwt(claims: unknown): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`
}

describe('expires_in', () => {
  test.each([
    [3600, hour],
    ['3600', hour],
    [' 3600 ', hour],
    [3600.9, 3_600_900],
    ['3600.9', 3_600_900],
    [899, 899_000],
    [1, 1_000],
    [2_592_000, 30 * 24 * hour],
  ])('of %j is %i ms', (expires_in, ms) => {
    expect(lifetime({ expires_in })).toEqual({ ms, source: 'response', oddity: undefined })
  })

  test.each([[undefined], [null]])('that is absent (%j) is the default of five minutes, and nothing odd', (expires_in) => {
    expect(lifetime({ expires_in })).toEqual({ ms: 5 * 60_000, source: 'default', oddity: undefined })
    expect(lifetime(undefined)).toMatchObject({ ms: 5 * 60_000, source: 'default', oddity: undefined })
  })

  test.each([
    [0],
    ['0'],
    [-1],
    ['-1'],
    [-0],
    [true],
    [false],
    [[]],
    [[3600]],
    [{}],
    [{ valueOf: 3600 }],
    [''],
    [' '],
    ['abc'],
    ['NaN'],
    ['Infinity'],
    ['-Infinity'],
    ['1e3'],
    ['0x10'],
    ['1,000'],
    ['3600s'],
    ['٣٦٠٠'],
    [Infinity],
    [-Infinity],
    [NaN],
    [1e308],
    [-1e308],
    ['9'.repeat(400)],
  ])('of %j falls back, and is said to be odd without showing it', (expires_in) => {
    const { ms, oddity } = lifetime({ expires_in })
    expect([5 * 60_000, longest]).toContain(ms)
    expect(oddity).toMatch(/lifetime/)
    expect(oddity).not.toContain('3600')
    if (expires_in !== 1e308 && expires_in !== '9'.repeat(400))
      expect(lifetime({ expires_in }, { previousMs: hour })).toMatchObject({ ms: hour, source: 'previous' })
  })

  test('that is absurd but finite is cut to the maximum, and logged like every absurd one', () => {
    expect(lifetime({ expires_in: 1e300 }).ms).toBe(longest)
    expect(lifetime({ expires_in: 1e300 }).oddity).toMatch(/lifetime/)
  })

  test('is kept within min and max', () => {
    const expires = { min: '1m', max: '10m' }
    expect(lifetime({ expires_in: 5 }, { expires }).ms).toBe(60_000)
    expect(lifetime({ expires_in: 3600 }, { expires }).ms).toBe(600_000)
    expect(lifetime({}, { expires: { ...expires, default: '1h' } }).ms).toBe(600_000)
    expect(lifetime({}, { expires, previousMs: 5 }).ms).toBe(60_000)
  })

  test('shorter than a millisecond is not a life of nothing, even without a minimum', () => {
    expect(lifetime({ expires_in: 0.0004 }, { expires: { min: '0s' } }).ms).toBeGreaterThan(0)
  })
})

describe('other meanings', () => {
  test.each([
    ['milliseconds', 60_000, 60_000],
    ['milliseconds', '60000', 60_000],
    ['epoch', now / 1000 + 60, 60_000],
    ['epoch', String(now / 1000 + 60), 60_000],
    ['epoch_ms', now + 60_000, 60_000],
    ['epoch_ms', String(now + 60_000), 60_000],
    ['rfc3339', '2026-01-01T00:01:00Z', 60_000],
    ['rfc3339', '2026-01-01T02:01:00.000+02:00', 60_000],
  ])('%s: %j', (as, at, ms) => {
    expect(lifetime({ at }, { expires: { as, at: '/at' } })).toEqual({ ms, source: 'response', oddity: undefined })
  })

  test.each([
    ['milliseconds', 0],
    ['epoch', now / 1000],
    ['epoch', now / 1000 - 60],
    ['epoch', 'soon'],
    ['epoch_ms', now - 1],
    ['epoch_ms', true],
    ['rfc3339', '2025-12-31T23:59:59Z'],
    ['rfc3339', 'tomorrow'],
    ['rfc3339', 5],
    ['rfc3339', ''],
    ['rfc3339', '3600'],
  ])('%s: a moment that is past, or none, falls back and is odd: %j', (as, at) => {
    expect(lifetime({ at }, { expires: { as, at: '/at' } })).toMatchObject({
      ms: 5 * 60_000,
      source: 'default',
      oddity: expect.any(String) as string,
    })
  })
})

describe('a JWT', () => {
  const seconds = now / 1000

  test('says how long it lives when the response does not', () => {
    expect(lifetime({}, { token: jwt({ iat: seconds, exp: seconds + 900 }) })).toEqual({
      ms: 900_000,
      source: 'jwt',
      oddity: undefined,
    })
    expect(lifetime({}, { token: jwt({ exp: seconds + 900 }) })).toMatchObject({ ms: 900_000, source: 'jwt' })
    expect(lifetime({ expires_in: 0 }, { token: jwt({ exp: seconds + 900 }) })).toMatchObject({
      ms: 900_000,
      source: 'jwt',
      oddity: expect.any(String) as string,
    })
  })

  test('comes after the response and before the last lifetime seen', () => {
    expect(lifetime({ expires_in: 60 }, { token: jwt({ exp: seconds + 900 }) })).toMatchObject({ ms: 60_000, source: 'response' })
    expect(lifetime({}, { token: jwt({ exp: seconds + 900 }), previousMs: 5_000 })).toMatchObject({ ms: 900_000, source: 'jwt' })
  })

  test('jwt_exp never reads the response', () => {
    expect(lifetime({ expires_in: 60 }, { expires: { as: 'jwt_exp' }, token: jwt({ exp: seconds + 900 }) })).toMatchObject({
      ms: 900_000,
      source: 'jwt',
    })
  })

  test.each([[-24 * 3600], [24 * 3600]])('is believed although this machine is a day off (%i s)', (off) => {
    const issued = seconds + off
    expect(lifetime({}, { token: jwt({ iat: issued, exp: issued + 900 }) })).toMatchObject({ ms: 900_000, source: 'jwt' })
  })

  test('that was granted before and is granted again lives only for what is left of it', () => {
    expect(lifetime({}, { token: jwt({ iat: seconds - 3000, exp: seconds + 600 }) }).ms).toBe(600_000)
  })

  test.each([
    ['an exp in the past', jwt({ exp: seconds - 1 })],
    ['a text as exp', jwt({ exp: 'x' })],
    ['exp before iat', jwt({ iat: seconds, exp: seconds - 5 })],
    ['no object', jwt(null)],
    ['no JSON', 'a.b.c'],
    ['an empty payload', 'a..c'],
    ['an infinite exp', `a.${Buffer.from('{"exp":1e999}').toString('base64url')}.c`],
    ['two parts', `a.${Buffer.from(JSON.stringify({ exp: seconds + 900 })).toString('base64url')}`],
  ])('with %s says nothing', (_, token) => {
    expect(lifetime({}, { token })).toMatchObject({ source: 'default', ms: 5 * 60_000 })
  })
})

test('whatever the response says, the lifetime is a finite number above 0, within min and max', () => {
  const kinds = ['seconds', 'milliseconds', 'epoch', 'epoch_ms', 'rfc3339', 'jwt_exp'].map((as) =>
    credentialOf({ token_response: { expires: { as, min: '2s', max: '24h' } } }),
  )
  const value = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.string(),
    fc.jsonValue(),
    fc.double().map(String),
    fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
  )
  const token = fc.oneof(fc.string(), fc.record({ exp: fc.jsonValue(), iat: fc.jsonValue() }, { requiredKeys: [] }).map(jwt))
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      value,
      token,
      fc.option(fc.double({ min: 1, max: 1e15, noNaN: true }), { nil: undefined }),
      (credential, expires_in, accessToken, previous) => {
        const { ms } = lifetimeOf(credential.token_response, accessToken, { expires_in }, now, previous)
        expect(Number.isInteger(ms)).toBe(true)
        expect(ms).toBeGreaterThanOrEqual(2_000)
        expect(ms).toBeLessThanOrEqual(24 * hour)
      },
    ),
    { numRuns: 1_000, seed: 20_260_101 },
  )
})
