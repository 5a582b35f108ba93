import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { providerNames, simulatedClients } from '../../src/simulator/clients.ts'
import { faultTable } from '../../src/simulator/fault-table.ts'
import type { FaultSwitch } from '../../src/simulator/fault-table.ts'
import { runningSimulator } from './running-simulator.ts'

const run = promisify(execFile)
const text = await readFile(new URL('../../docs/simulator.md', import.meta.url), 'utf8')

test.each(Object.entries<FaultSwitch<unknown>>(faultTable))('docs/simulator.md has the line of switch %s', (name, line) => {
  const { expects, byDefault, does, only } = line
  const initially = byDefault === undefined ? 'unset' : `\`${JSON.stringify(byDefault)}\``
  const effect = only === undefined ? does : `${only} only. ${does}`
  expect(text.split('\n')).toContain(`| \`${name}\` | ${expects} | ${initially} | ${effect} |`)
})

test('docs/simulator.md explains every token_fault and lists no switch that is not there', () => {
  const faults = [...faultTable.token_fault.expects.matchAll(/"(\w+)"/g)].map(([, fault]) => fault)
  expect(faults.length).toBeGreaterThan(10)
  for (const fault of faults) if (fault !== 'none') expect(text).toContain(`\`${fault}\``)
  const table = text.slice(text.indexOf('| switch |'), text.indexOf('The values of `token_fault`'))
  const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name)
  expect(listed).toEqual(Object.keys(faultTable))
})

test('docs/simulator.md has the credentials of every provider', () => {
  for (const name of providerNames) {
    for (const value of Object.values(simulatedClients[name])) expect(text).toContain(value)
  }
})

const hasCurl = await run('curl', ['--version']).then(
  () => true,
  () => false,
)

test.skipIf(!hasCurl)('every curl line of docs/simulator.md works', async () => {
  const simulator = await runningSimulator()
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? '')
  expect(blocks).toHaveLength(3)
  for (const block of blocks) {
    // --fail: an answer that is not 2xx ends the script, and with it the test.
    const script = `set -eu\ncurl() { command curl --fail --silent --show-error --noproxy '*' "$@"; echo; }\n${block}`
    const { stdout } = await run('sh', ['-c', script], { env: { ...process.env, SIM: simulator.url } })
    expect(stdout).toContain('{')
  }
  expect(providerNames.map((name) => simulator.provider(name).stats.tokenRequests)).toEqual([0, 0, 0, 0, 0])
})
