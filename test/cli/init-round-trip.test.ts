import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { presetNames } from '../../src/config/presets.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { runHere } from '../support/cli-process.ts'
import { describeIf } from '../support/describe-with.ts'
import { hasCurl, sentByBearerd, sentByCurl } from '../support/sent-request.ts'
import { calls } from '../support/token-calls.ts'
import type { DocumentedCall } from '../support/token-calls.ts'

const describeWithCurl = describeIf(hasCurl, 'curl or bash is not installed')

/** What init makes of a call, and everything it said. */
async function configurationFor({ call }: DocumentedCall): Promise<{ text: string; said: string }> {
  const { code, stdout, stderr } = await runHere(['init', '--stdout', '--from-curl', call])
  expect(stderr).toContain('Next:')
  expect(code).toBe(0)
  return { text: stdout, said: stdout + stderr }
}

describeWithCurl('a configuration that was made from a call', () => {
  it.each(calls)('sends what curl sends: $name', async (documented) => {
    const { call, env, shell, provider } = documented
    const { text, said } = await configurationFor(documented)
    const { credentials } = parseConfig('f.yaml', text, env)
    const [credential] = credentials.values()
    if (credential === undefined) throw new Error('no credential')
    expect(credential.provider).toBe(provider)
    expect(await sentByBearerd(await buildTokenRequest(credential))).toEqual(await sentByCurl(call, shell))

    for (const value of Object.values(env)) if (value.startsWith('secret-')) expect(said).not.toContain(value)
  })
})

describeWithCurl('any values', () => {
  const value = fc.string({ minLength: 1, unit: fc.constantFrom(...Array.from('aZ09 -_=&:/.?+%@\'"\\$`{}<>|;#!*~[](),^ä€😀')) })
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
  const styles: readonly ((id: string, secret: string, note: string) => string)[] = [
    (id, secret, note) =>
      `-u ${quoted(`${id}:${secret}`)} -d grant_type=client_credentials --data-urlencode ${quoted(`note=${note}`)}`,
    (id, secret, note) =>
      ['grant_type=client_credentials', `client_id=${id}`, `client_secret=${secret}`, `note=${note}`]
        .map((pair) => `--data-urlencode ${quoted(pair)}`)
        .join(' '),
    (id, secret, note) =>
      ['grant_type=client_credentials', `client_id=${id}`, `client_secret=${secret}`, `note=${note}`]
        .map((pair) => `--form-string ${quoted(pair)}`)
        .join(' '),
    (id, secret, note) =>
      `--json ${quoted(JSON.stringify({ grant_type: 'client_credentials', client_id: id, client_secret: secret, note, deep: [{ note }] }))}`,
    (id, secret, note) =>
      `-X POST -G ${['grant_type=client_credentials', `client_id=${id}`, `client_secret=${secret}`, `note=${note}`]
        .map((pair) => `--data-urlencode ${quoted(pair)}`)
        .join(' ')}`,
  ]

  it('are sent as curl sends them, and those of the client are written nowhere', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...styles),
        value.map((text) => `secret-${text.replaceAll(':', '')}`),
        value.map((text) => `secret-${text}`),
        value,
        async (style, id, secret, note) => {
          const call = `curl ${style(id, secret, note)} https://auth.crm.example/token`
          const { code, stdout, stderr } = await runHere(['init', '--stdout', '--from-curl', call])
          expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Next:') as string })
          expect(stdout + stderr).not.toContain('secret-')
          // A note that looks as if it stood for something is a variable, too.
          const names = [...stderr.matchAll(/export (?!CRM_CLIENT_)(\w+)=/g)].map(([, name = '']) => name)
          if (names.length > 0) return
          const { credentials } = parseConfig('f.yaml', stdout, { CRM_CLIENT_ID: id, CRM_CLIENT_SECRET: secret })
          const credential = credentials.get('crm')
          if (credential === undefined) throw new Error('no credential')
          expect(await sentByBearerd(await buildTokenRequest(credential))).toEqual(await sentByCurl(call))
        },
      ),
      { numRuns: 40 },
    )
  })
})

describe('the calls that are tried', () => {
  it('are of every preset and of many kinds without one', () => {
    expect(calls.length).toBeGreaterThan(55)
    expect(new Set(calls.map(({ provider }) => provider))).toEqual(new Set([...presetNames(), undefined]))
    expect(calls.filter(({ provider }) => provider === undefined).length).toBeGreaterThan(20)
  })
})
