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

/** A source with the real protocol over an endpoint that accepts one secret at a time. */
function endpoint(keys: Readonly<Record<string, unknown>>) {
  const asked: string[] = []
  const log: string[] = []
  const state = {
    good: 'old',
    answer: undefined as { readonly status: number; readonly body: string } | undefined,
    refusal: '{"error":"invalid_client"}',
  }
  const send = async ({ body }: TokenRequest) => {
    const secret = new URLSearchParams(Buffer.from(body ?? []).toString()).get('client_secret') ?? ''
    asked.push(secret)
    if (secret !== state.good) return { status: 401, headers: {}, body: state.refusal }
    return await Promise.resolve({
      headers: {},
      ...(state.answer ?? { status: 200, body: `{"access_token":"token-${asked.length}","expires_in":60}` }),
    })
  }
  const clock = new FakeClock()
  const source = new TokenSource(credentialOf({ token_endpoint_auth_method: 'client_secret_post', ...keys }), {
    requestGrant: createGrantRequest({ send, close: async () => {} }, () => clock.epochMs()),
    revokeToken: async () => {},
    store: createMemoryStore({ clock, maxTokens: 100 }),
    clock,
    random: () => 0.5,
    metrics: new Metrics('test').forCredential('main'),
    log: createLog({ write: (line: string) => void log.push(line) }),
  })
  /** Which secrets the next token took. */
  const next = async (): Promise<string[]> => {
    await clock.advance(600_000)
    asked.length = 0
    await source.obtain().catch(() => {})
    return [...asked]
  }
  return { state, source, log, next }
}

function files(): { readonly path: (name: string) => string; readonly write: (name: string, value: string) => void } {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return { path: (name) => join(folder, name), write: (name, value) => writeFileSync(join(folder, name), value) }
}

const two = { client_secret: 'old', client_secret_next: 'new' }

test('the next secret is tried within the same request, once the first one is refused, and used from then on', async () => {
  const { state, next, log } = endpoint(two)
  expect(await next()).toEqual(['old'])
  state.good = 'new'
  expect(await next()).toEqual(['old', 'new'])
  expect(await next()).toEqual(['new'])
  expect(log.filter((line) => line.includes('other client secret'))).toHaveLength(1)
  expect(log.join()).not.toMatch(/"(old|new)"/)
})

test('a rotation that is taken back is followed too', async () => {
  const { state, next } = endpoint(two)
  state.good = 'new'
  await next()
  state.good = 'old'
  expect(await next()).toEqual(['new', 'old'])
  expect(await next()).toEqual(['old'])
})

test('the accepted secret stays in use when it moves to client_secret and another one is next', async () => {
  const { path, write } = files()
  write('secret', 'old')
  write('next', 'new')
  const { state, next } = endpoint({ client_secret: { file: path('secret') }, client_secret_next: { file: path('next') } })
  state.good = 'new'
  expect(await next()).toEqual(['old', 'new'])
  write('secret', 'new')
  write('next', 'newer')
  expect(await next()).toEqual(['new'])
  state.good = 'newer'
  expect(await next()).toEqual(['new', 'newer'])
})

test('two secrets that are the same are one', async () => {
  const { state, next } = endpoint({ client_secret: 'old', client_secret_next: 'old' })
  state.good = 'neither'
  expect(await next()).toEqual(['old'])
})

test('a bare 401 means the client too; any other refusal says nothing against the secret', async () => {
  const { state, next } = endpoint(two)
  state.good = 'new'
  state.refusal = ''
  expect(await next()).toEqual(['old', 'new'])
  state.refusal = '{"error":"invalid_scope"}'
  state.good = 'neither'
  expect(await next()).toEqual(['new'])
})

test('a secret that is recognised, though something else is refused, is remembered', async () => {
  const { state, next } = endpoint(two)
  state.good = 'new'
  state.answer = { status: 400, body: '{"error":"invalid_scope"}' }
  expect(await next()).toEqual(['old', 'new'])
  expect(await next()).toEqual(['new'])
})

test('both refused is one refusal to callers, and no loop', async () => {
  const { state, source, next } = endpoint(two)
  state.good = 'neither'
  expect(await next()).toEqual(['old', 'new'])
  expect(source.status().lastError?.code).toBe('invalid_client')
  await expect(source.obtain()).rejects.toMatchObject({ reason: 'refused' })
})

test('the second try counts against the budget', async () => {
  const { state, source, next } = endpoint({ ...two, token_requests: { limit: 10, window: '1h' } })
  state.good = 'new'
  await next()
  expect(source.status().budgetRemaining).toBe(8)
})

test('what is injected is the secret in use', async () => {
  const { state, source, next } = endpoint({
    ...two,
    inject: [
      { header: 'Authorization', value: '{access_token}' },
      { header: 'X-Secret', value: '{client_secret}' },
    ],
  })
  state.good = 'new'
  await next()
  expect((await source.obtain()).reveal().fields).toContain('new')
})

test('the pause after both were refused ends at once when the file of the next one changes', async () => {
  const { path, write } = files()
  write('next', 'not yet')
  const { state, source, next } = endpoint({ client_secret: 'old', client_secret_next: { file: path('next') } })
  state.good = 'new'
  expect(await next()).toEqual(['old', 'not yet'])
  await expect(source.obtain()).rejects.toMatchObject({ reason: 'refused' })
  write('next', 'new')
  expect((await source.obtain()).reveal().fields[1]).toMatch(/^Bearer token-/)
})
