import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { refused, sourceUnderTest, unavailable, valueOf } from '../support/tokens-source.ts'
import { settled } from '../support/fake-clock.ts'

function secretFile(value: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bearerd-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'secret')
  writeFileSync(path, value)
  return path
}

test.each(['client_secret', 'client_id', 'variable', 'key'])(
  'the pause after a refusal ends at once when a secret file changes: %s',
  async (which) => {
    const file = secretFile('old')
    const keys: Readonly<Record<string, unknown>> = {
      variable: { variables: { key: { file } }, token_request: { headers: { 'X-Key': '{key}' } } },
      key: { token_request: { headers: { 'X-Jwt': '{assertion}' }, assertion: { alg: 'HS256', key: { file } } } },
    }
    const under = sourceUnderTest((keys[which] ?? { [which]: { file } }) as Readonly<Record<string, unknown>>)
    const failing = under.source.obtain()
    await under.fail(0, refused())
    await expect(failing).rejects.toMatchObject({ reason: 'refused' })
    await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'refused' })
    await settled()
    expect(under.requests).toHaveLength(1)
    writeFileSync(file, 'new\n')
    const next = under.source.obtain()
    await settled()
    expect(under.requests).toHaveLength(2)
    await under.grant(1, 'token-2')
    expect(valueOf(await next)).toBe('token-2')
  },
)

test('the pause of an outage does not end with a changed secret', async () => {
  const file = secretFile('old')
  const under = sourceUnderTest({ client_secret: { file } })
  const failing = under.source.obtain()
  await under.fail(0, unavailable('rate_limited', 60_000))
  await failing.catch(() => {})
  writeFileSync(file, 'new')
  await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  await settled()
  expect(under.requests).toHaveLength(1)
})

test('a secret that changed while the old one was being refused is tried at once', async () => {
  const file = secretFile('old')
  const under = sourceUnderTest({ client_secret: { file } })
  const failing = under.source.obtain()
  writeFileSync(file, 'new')
  await under.fail(0, refused())
  await failing.catch(() => {})
  void under.source.obtain().catch(() => {})
  await settled()
  expect(under.requests).toHaveLength(2)
})
