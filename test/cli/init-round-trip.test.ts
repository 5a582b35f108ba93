import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { presetNames } from '../../src/config/presets.ts'
import { buildTokenRequest } from '../../src/oauth/token-request.ts'
import { runHere } from '../support/cli-process.ts'
import { hasCurl, sentByBearerd, sentByCurl } from '../support/sent-request.ts'
import { calls } from '../support/token-calls.ts'
import type { DocumentedCall } from '../support/token-calls.ts'

const describeWithCurl = hasCurl
  ? describe
  : (name: string, tests: () => void) => describe.skip(`${name} (skipped: curl or bash is not installed)`, tests)

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

    for (const value of Object.values(env)) if (/^secret-/.test(value)) expect(said).not.toContain(value)
  })
})

describe('the calls that are tried', () => {
  it('are of every preset and of many kinds without one', () => {
    expect(calls.length).toBeGreaterThan(55)
    expect(new Set(calls.map(({ provider }) => provider))).toEqual(new Set([...presetNames(), undefined]))
    expect(calls.filter(({ provider }) => provider === undefined).length).toBeGreaterThan(20)
  })
})
