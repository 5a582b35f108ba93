import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { refused, sourceUnderTest, unavailable, valueOf } from '../support/tokens-source.ts'

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
    under.requests[0]?.fail(refused())
    await expect(failing).rejects.toMatchObject({ reason: 'refused' })
    await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'refused' })
    expect(under.requests).toHaveLength(1)
    writeFileSync(file, 'new\n')
    const next = under.source.obtain()
    expect(under.requests).toHaveLength(2)
    under.requests[1]?.grant('token-2')
    expect(valueOf(await next)).toBe('token-2')
  },
)

test('the pause of an outage does not end with a changed secret', async () => {
  const file = secretFile('old')
  const under = sourceUnderTest({ client_secret: { file } })
  const failing = under.source.obtain()
  under.requests[0]?.fail(unavailable('rate_limited', 60_000))
  await failing.catch(() => {})
  writeFileSync(file, 'new')
  await expect(under.source.obtain()).rejects.toMatchObject({ reason: 'unavailable' })
  expect(under.requests).toHaveLength(1)
})

test('a secret that changed while the old one was being refused is tried at once', async () => {
  const file = secretFile('old')
  const under = sourceUnderTest({ client_secret: { file } })
  const failing = under.source.obtain()
  writeFileSync(file, 'new')
  under.requests[0]?.fail(refused())
  await failing.catch(() => {})
  void under.source.obtain().catch(() => {})
  expect(under.requests).toHaveLength(2)
})
