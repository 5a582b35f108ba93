import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/config/secret.ts'
import { Template } from '../../src/config/template.ts'
import { createLog } from '../../src/telemetry/log.ts'
import type { Log } from '../../src/telemetry/log.ts'
import { AccessToken } from '../../src/tokens/access-token.ts'
import { refused, sourceUnderTest, unavailable } from '../support/tokens-source.ts'

const canary = 'CANARY-VALUE'
const entry = { id: 'id', accessToken: canary, fields: {}, issuedAtEpochMs: 0, lifeMs: 1, isOnProbation: false }
const times = { issuedAtMs: 0, renewAtMs: 0, expiresAtMs: 1, issuedAtEpochMs: 0, expiresAtEpochMs: 1 }
const token = new AccessToken(entry, { fields: ['Authorization', `Bearer ${canary}`], query: [['t', canary]] }, times, true)

function capture(level?: string): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  return { log: createLog({ write: (line: string) => void lines.push(line) }, level), lines }
}

describe('a line', () => {
  test('is one JSON object with its level as a word, its time and its message', () => {
    const { log, lines } = capture()
    log.info({ route: '/api', status: 200 }, 'a\nmessage "with" everything \u2028')
    log.error({ err: new Error('broken') }, 'failed')
    expect(lines).toHaveLength(2)
    for (const line of lines) expect(line.trimEnd().split('\n')).toHaveLength(1)
    const [first, second] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(first).toMatchObject({ level: 'info', route: '/api', status: 200, message: 'a\nmessage "with" everything \u2028' })
    expect(String(first?.['time'])).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(second).toMatchObject({ level: 'error', err: { message: 'broken' } })
  })

  test('is not written below the level', () => {
    const { log, lines } = capture('warn')
    log.info('quiet')
    log.warn('loud')
    expect(lines).toHaveLength(1)
  })
})

describe.each([
  ['a secret', Secret.of(canary)],
  ['a template', new Template(`x-${canary}-{access_token}`)],
  ['an access token', token],
])('%s cannot print itself', (_, holder) => {
  // To the compiler a text, at run time the holder itself: that is the mistake that must be harmless.
  const text = holder as unknown as string
  const ways: readonly (readonly [string, () => string])[] = [
    ['a template literal', () => `<${text}>`],
    ['concatenation', () => ''.concat(text)],
    ['JSON', () => JSON.stringify({ holder, list: [holder] })],
    ['inspect', () => inspect({ holder })],
    ['inspect with everything', () => inspect(holder, { showHidden: true, depth: Infinity, getters: true })],
    ['inspect without its own way', () => inspect(holder, { showHidden: true, depth: Infinity, customInspect: false })],
    [
      'its members',
      () => JSON.stringify([Object.entries(holder), Object.getOwnPropertyNames(holder), Object.assign({}, holder)]),
    ],
    ['an error', () => inspect(new Error(`with ${text}`, { cause: holder }))],
    [
      'structured clone',
      () => {
        try {
          return inspect(structuredClone(holder))
        } catch {
          return ''
        }
      },
    ],
    [
      'the log',
      () => {
        const { log, lines } = capture('trace')
        log.info(
          { holder, deep: { list: [holder], map: new Map([['a', holder]]) } },
          `message ${text} %s %j %o`,
          holder,
          holder,
          holder,
        )
        log.error({ err: Object.assign(new Error('x', { cause: holder }), { holder }) })
        log.child({ holder }).warn(holder)
        return lines.join('')
      },
    ],
  ]

  test.each(ways)('by %s', (__, way) => {
    expect(way()).not.toContain(canary)
  })
})

test('a template does not show its configured text by its placeholders', () => {
  expect(new Template(`${canary}{access_token}`).placeholders).toEqual(['access_token'])
})

test('the whole life of a token leaves no trace of a secret in the log', async () => {
  const under = sourceUnderTest({
    client_secret: `${canary}-secret`,
    variables: { key: `${canary}-key` },
    token_request: { headers: { 'X-Key': `{key}-${canary}` } },
  })
  for (const error of [unavailable(), refused()]) {
    const failing = under.source.obtain()
    await under.fail(-1, error)
    await failing.catch(() => {})
    await under.clock.advance(600_000)
  }
  const waiting = under.source.obtain()
  await under.grant(-1, `${canary}-token`, 60_000, { refreshToken: `${canary}-refresh`, fields: { id_token: canary } })
  const held = await waiting
  const rejection = under.source.reject(held)
  await under.grant(-1, `${canary}-token`, 60_000)
  await rejection
  expect(under.log.length).toBeGreaterThanOrEqual(5)
  for (const shown of [
    JSON.stringify(under.log),
    inspect(under.source, { showHidden: true, depth: Infinity }),
    JSON.stringify(under.source.status()),
    inspect(under.credential, { depth: Infinity }),
  ]) {
    expect(shown).not.toContain(canary)
  }
})
