import { describe, expect, test } from 'vitest'
import { pointlessChallenge } from '../../src/oauth/challenge.ts'

describe('a challenge that a new token cannot satisfy', () => {
  test.each([
    ['Bearer error="insufficient_scope"', 'insufficient_scope'],
    ['Bearer realm="x", error="insufficient_scope", scope="a b"', 'insufficient_scope'],
    ['Bearer realm="x",error=insufficient_scope', 'insufficient_scope'],
    ['bearer Error = "INSUFFICIENT_SCOPE"', 'insufficient_scope'],
    ['Bearer error="insufficient_user_authentication", acr_values="mfa"', 'insufficient_user_authentication'],
    ['DPoP error="use_dpop_nonce", algs="ES256"', 'use_dpop_nonce'],
    ['Basic realm="a", Bearer error="insufficient_scope"', 'insufficient_scope'],
  ])('is recognised: %s', (challenge, code) => {
    expect(pointlessChallenge([challenge])).toBe(code)
    expect(pointlessChallenge(['Basic realm="other"', challenge])).toBe(code)
  })

  test.each([
    [''],
    ['Bearer'],
    ['Bearer error="invalid_token"'],
    ['Bearer error="invalid_request"'],
    ['Bearer error_description="insufficient_scope"'],
    ['Bearer xerror="insufficient_scope"'],
    ['Bearer error="insufficient_scope_x"'],
    ['Basic realm="insufficient_scope"'],
    ['Bearer error="invalid_token", error_description="not error=insufficient_scope"'],
  ])('is not seen where there is none: %s', (challenge) => {
    expect(pointlessChallenge([challenge])).toBeUndefined()
  })

  test('is not there without challenges', () => {
    expect(pointlessChallenge([])).toBeUndefined()
  })

  test('is looked for in time that does not explode with the length', () => {
    const started = performance.now()
    pointlessChallenge([`Bearer ${' '.repeat(16_000)}error${' '.repeat(16_000)}`, `Bearer ${'error ='.repeat(4_000)}`])
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})
