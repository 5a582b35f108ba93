import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createGrantRequest } from '../../src/oauth/request-grant.ts'
import type { TokenRequest } from '../../src/oauth/token-request.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { createMemoryStore } from '../../src/tokens/store/memory-store.ts'
import { TokenSource } from '../../src/tokens/token-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { credentialOf } from '../support/tokens-credential.ts'

/** An endpoint that knows nothing but refresh tokens, takes each once, and rotates them unless told otherwise. */
function refreshing(keys: Readonly<Record<string, unknown>> = {}) {
  const asked: string[] = []
  const state = { live: 'first', rotates: true, error: undefined as string | undefined }
  let count = 0
  const send = async ({ body }: TokenRequest) => {
    const params = new URLSearchParams(Buffer.from(body ?? []).toString())
    expect(params.get('grant_type')).toBe('refresh_token')
    asked.push(params.get('refresh_token') ?? '')
    const error = state.error ?? (params.get('refresh_token') === state.live ? undefined : 'invalid_grant')
    if (error !== undefined) return { status: 400, headers: {}, body: JSON.stringify({ error }) }
    count++
    if (state.rotates) state.live = `rotated-${count}`
    const answer = { access_token: `token-${count}`, expires_in: 60, ...(state.rotates && { refresh_token: state.live }) }
    return await Promise.resolve({ status: 200, headers: {}, body: JSON.stringify(answer) })
  }
  const clock = new FakeClock()
  const source = new TokenSource(credentialOf({ grant_type: 'refresh_token', variables: { refresh_token: 'first' }, ...keys }), {
    requestGrant: createGrantRequest({ send, close: async () => {} }, () => clock.epochMs()),
    revokeToken: async () => {},
    store: createMemoryStore({ clock, maxTokens: 100 }),
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: () => {} }),
  })
  /** Which refresh tokens the next access token took. */
  const next = async (): Promise<string[]> => {
    await clock.advance(600_000)
    asked.length = 0
    await source.obtain().catch(() => {})
    return [...asked]
  }
  return { state, source, next }
}

test('the configured refresh token is the first one, and each rotated one the next, without being asked for', async () => {
  const { next } = refreshing()
  expect([await next(), await next(), await next()]).toEqual([['first'], ['rotated-1'], ['rotated-2']])
})

test('a refresh token that is not rotated is used again', async () => {
  const { state, next } = refreshing()
  state.rotates = false
  expect([await next(), await next()]).toEqual([['first'], ['first']])
})

test('after a rotated one that is not good any more the configured one is tried again, once', async () => {
  const { state, source, next } = refreshing()
  await next()
  state.live = 'first'
  expect(await next()).toEqual(['rotated-1', 'first'])
  state.live = 'none of them'
  expect(await next()).toEqual(['rotated-2', 'first'])
  expect(source.status().lastError?.code).toBe('invalid_grant')
  expect(await next()).toEqual(['first'])
})

test('a rotated one survives every other refusal: it may be the only one that is still good', async () => {
  const { state, next } = refreshing()
  await next()
  for (const error of ['invalid_client', 'invalid_scope', 'temporarily_unavailable']) {
    state.error = error
    expect(await next()).toEqual(['rotated-1'])
  }
  state.error = undefined
  expect(await next()).toEqual(['rotated-1'])
})

test('another configured one is meant to be used, in place of what followed from the old one', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'refresh-token')
  writeFileSync(file, 'first')
  const { state, next } = refreshing({ variables: { refresh_token: { file } } })
  await next()
  writeFileSync(file, 'consented again')
  state.live = 'consented again'
  expect(await next()).toEqual(['consented again'])
  expect(await next()).toEqual(['rotated-2'])
})
