import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { examineClock } from '../../../src/cli/doctor/examine-clock.ts'
import type { Credential } from '../../../src/config/config.ts'
import { credentialOf } from '../../support/tokens-credential.ts'

const there = Date.parse('2026-03-01T10:00:00Z')
const date = new Date(there).toUTCString()
const seconds = 1_000

/** What is found when our clock says so much more than theirs. */
function found(aheadMs: number, credential: Credential | undefined = credentialOf(), tookMs = 0) {
  const { verdict, message, facts } =
    examineClock({ date, sentEpochMs: there + aheadMs, answeredEpochMs: there + aheadMs + tookMs }, credential) ?? {}
  return { verdict, message, ahead: facts?.['ahead_s'] }
}

describe('the clock', () => {
  it('is as there within what Date can tell, and within what the answer took', () => {
    expect(found(0)).toEqual({ verdict: 'ok', message: 'as there', ahead: 0 })
    expect(found(900)).toEqual({ verdict: 'ok', message: 'as there', ahead: 0 })
    expect(found(-20 * seconds, undefined, 60 * seconds)).toEqual({ verdict: 'ok', message: 'as there', ahead: 0 })
  })

  it('is said to be off, and is a warning from half a minute on', () => {
    expect(found(20 * seconds)).toMatchObject({ verdict: 'ok', message: '19 s ahead of that there' })
    expect(found(-30 * seconds)).toMatchObject({ verdict: 'ok', message: '30 s behind that there' })
    expect(found(-31 * seconds)).toMatchObject({ verdict: 'warning', ahead: -31 })
    expect(found(181 * seconds)).toEqual({
      verdict: 'warning',
      message:
        'the clock of this machine is 180 s ahead of that of the answer; have the clock here set by NTP, or tell those who run the other one',
      ahead: 180,
    })
  })

  it('says nothing where there is no date', () => {
    for (const odd of [undefined, '', 'canary'])
      expect(examineClock({ date: odd, sentEpochMs: there, answeredEpochMs: there }, undefined)).toBeUndefined()
  })

  it('has failed where assertions would be refused for it', () => {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' })
    const signed = credentialOf({
      token_endpoint_auth_method: 'private_key_jwt',
      client_secret: undefined,
      token_request: { assertion: { alg: 'ES256', key, lifetime: '2m' } },
    })
    expect(found(180 * seconds, signed)).toMatchObject({ verdict: 'failed', message: expect.stringContaining('(iat)') as string })
    // Within its life it is taken.
    expect(found(-60 * seconds, signed)).toMatchObject({ verdict: 'warning' })
    expect(found(-121 * seconds, signed)).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('(exp)') as string,
    })
    const shared = credentialOf({ token_endpoint_auth_method: 'client_secret_jwt' })
    expect(found(-61 * seconds, shared)).toMatchObject({ verdict: 'failed' })
  })

  it('has failed where the answer names a moment at which the token ends', () => {
    const moments = credentialOf({ token_response: { expires: { at: '/expires_at', as: 'epoch' } } })
    expect(found(60 * seconds, moments)).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('too early') as string,
    })
    expect(found(-60 * seconds, moments)).toMatchObject({
      verdict: 'failed',
      message: expect.stringContaining('used for longer') as string,
    })
  })
})
