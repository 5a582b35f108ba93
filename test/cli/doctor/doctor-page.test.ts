import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { demoConfig } from '../../../src/cli/demo-config.ts'
import { startSimulator } from '../../../src/simulator/simulator.ts'
import { projectRoot, runHere } from '../../support/cli-process.ts'
import { scratch } from '../../support/cli-scratch.ts'

const page = readFileSync(join(projectRoot, 'docs/doctor.md'), 'utf8')

it('docs/doctor.md shows what is printed for the configuration of the demo with a wrong secret', async () => {
  const simulator = await startSimulator({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => simulator.close())
  const [, from = '', to = ''] = /\| sed s\/([\w-]+)\/([\w-]+)\//.exec(page) ?? []
  const config = demoConfig({ gateway: 0, admin: 0, simulatorUrl: simulator.url })
  expect(config).toContain(from)
  const file = scratch().write('proxy.config.yaml', config.replace(from, to))
  const [, names = ''] = /\$ bearerd doctor ([\w ]+)\n/.exec(page) ?? []
  const { code, stdout, stderr } = await runHere(['doctor', ...names.split(' '), '-c', file])
  expect({ code, stderr }).toEqual({ code: 1, stderr: '' })

  const shown = stdout.replace(file, './proxy.config.yaml').replaceAll(simulator.url.replace('http://', ''), '127.0.0.1:9400')
  const [, block = ''] = /<!-- doctor:.*-->\n```text\n([^]*?)```/.exec(page) ?? []
  expect(untimed(block)).toBe(untimed(shown))
})

it('docs/doctor.md names every check', () => {
  const sources = ['address', 'answer', 'callers', 'clock', 'credential', 'files', 'store', 'token', 'way'].map((name) =>
    readFileSync(join(projectRoot, `src/cli/doctor/examine-${name}.ts`), 'utf8'),
  )
  const checks = sources.flatMap((text) =>
    [...text.matchAll(/(?:check: |warning\(\s*|check: ')'?(\w+)'/g)].map(([, name = '']) => name),
  )
  expect(new Set(checks).size).toBeGreaterThan(12)
  for (const check of new Set(checks)) expect(page, check).toContain(`\`${check}\``)
})

function untimed(text: string): string {
  return text.replace(/\d+ ms/g, 'N ms')
}
