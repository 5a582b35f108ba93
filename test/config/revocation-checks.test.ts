import { describe, expect, it } from 'vitest'
import { problemsOf, withCredential } from '../support/cli-problems.ts'

const revocation_endpoint = 'revocation_endpoint: https://auth.example.com/revoke'

describe('handing tokens back', () => {
  it('takes a place to hand them to', () => {
    expect(problemsOf(withCredential('revoke_on_shutdown: true', revocation_endpoint))).toEqual([])
    expect(problemsOf(withCredential('revoke_on_shutdown: true'))).toEqual([
      'f.yaml:2:3: credentials.main.revocation_endpoint: this key is required; write it, because revoke_on_shutdown needs it',
    ])
  })

  it('is what a revocation endpoint is for', () => {
    expect(problemsOf(withCredential(revocation_endpoint))).toEqual([
      'f.yaml:6:26: credentials.main.revocation_endpoint: has no effect without revoke_on_shutdown: true; remove it or say that',
    ])
  })

  it('never sends a token in clear text, unless that is said', () => {
    const clear = ['revoke_on_shutdown: true', 'revocation_endpoint: http://auth.example.com/revoke']
    expect(problemsOf(withCredential(...clear))).toEqual([
      expect.stringContaining('the token would cross the network in clear text; use https, or say insecure_http: true'),
    ])
    expect(problemsOf(withCredential(...clear, 'insecure_http: true'))).toEqual([])
    expect(problemsOf(withCredential('revoke_on_shutdown: true', 'revocation_endpoint: http://127.0.0.1:1/r'))).toEqual([])
  })

  it('is impossible where other replicas go on using the token', () => {
    const key = Buffer.alloc(32).toString('base64')
    const redis = `token_store: {redis: {url: "redis://redis.example.com", encryption_key: ${key}}}`
    const text = `${withCredential('revoke_on_shutdown: true', revocation_endpoint)}${redis}\n`
    expect(problemsOf(text)).toEqual([
      'f.yaml:6:25: credentials.main.revoke_on_shutdown: with token_store: redis the other replicas go on using the token; remove it, or keep tokens in memory',
    ])
  })

  it('is impossible for tokens that are signed here', () => {
    const text = withCredential('revoke_on_shutdown: true', 'grant_type: self_signed')
    expect(problemsOf(text)).toContainEqual(expect.stringContaining('nobody can take back a token that is signed here'))
  })
})
