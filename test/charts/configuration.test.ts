import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { wordKeys } from '../../scripts/chart-reference.ts'
import { openSimulator } from '../../src/cli/simulate.ts'
import { configJsonSchema } from '../../src/config/config-schema.ts'
import { isGroup } from '../../src/config/groups.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { simulatedClients } from '../../src/simulator/clients.ts'
import { chart, gatewayValues, matrix, sidecarValues } from '../support/chart-values.ts'
import type { Values } from '../support/chart-values.ts'
import { projectRoot, runHere } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { problemsOf } from '../support/cli-problems.ts'
import type { KubernetesObject } from '../support/kubernetes-objects.ts'
import { at, containersOf, groupsAt } from '../support/kubernetes-structure.ts'
import { chartObjects, describeWithHelm, objectsIn } from '../support/kubernetes-tools.ts'
import { freePort } from '../support/redis-server.ts'
import { configTextOf, podNamed, runPod } from '../support/rendered-config.ts'

const env = { GETT_CLIENT_ID: 'client' }
const { gett } = simulatedClients
const deployment = 'Deployment/rel-bearerd'

/** The text of the rendered ConfigMap, with its files in a folder of this machine. */
function configText(objects: readonly KubernetesObject[]): string {
  const secret = scratch().write('secret', Buffer.alloc(32).toString('base64'))
  const text = objects.find(({ kind }) => kind === 'ConfigMap')?.data?.['proxy.config.yaml'] ?? ''
  return text.replaceAll(/\/run\/secrets\/[\w./-]+/g, secret)
}

/** Values whose provider is simulated. */
function simulated(url: string, paths: readonly string[], more: Values = {}): Values {
  const credential = {
    token_endpoint: `${url}/gett/oauth/token`,
    scope: 'order finance',
    ...gatewayValues.config.credentials.gett,
  }
  const routes = paths.map((path) => ({ path, credential: 'gett', upstream: `${url}/gett` }))
  return { ...gatewayValues, config: { ...gatewayValues.config, credentials: { gett: credential }, routes, ...more } }
}

/** Renders such values and runs their pod. */
async function runChart(secret: Readonly<Record<string, string>>, paths: readonly string[] = ['/gett']) {
  const simulator = await openSimulator(0)
  onTestFinished(() => simulator.close())
  const render = (...served: string[]) => chartObjects(chart, simulated(simulator.url, served))
  const objects = render(...paths)
  const pod = podNamed(objects, deployment)
  const ports = { data: await freePort(), admin: await freePort() }
  const exchange = { 'listen: :8080': `listen: 127.0.0.1:${ports.data}`, 'listen: :9090': `listen: 127.0.0.1:${ports.admin}` }
  const running = runPod(pod, configTextOf(objects, pod), { secret, exchange })
  return { running, objects, render, pod, url: `http://127.0.0.1:${ports.data}`, adminUrl: `http://127.0.0.1:${ports.admin}` }
}

const wholeSecret = { 'gett-client-id': gett.clientId, 'gett-client-secret': gett.clientSecret, 'orders-key': 'key-of-orders' }

describeWithHelm('the configuration that the chart makes', () => {
  const made = Object.entries(matrix).filter(
    ([, values]) => values['existingConfigMap'] === undefined && !JSON.stringify(values).includes('"tls"'),
  )

  it.each(made)('loads: %s', (_name, values) => {
    const objects = chartObjects(chart, values)
    const text = configText(objects)
    expect(problemsOf(text, env)).toEqual([])
    if (values['shape'] === 'sidecar') return
    const { listen, admin, token_service } = parseConfig('f.yaml', text, env)
    const pod = podNamed(objects, `Deployment/${values['nameOverride'] === undefined ? 'rel-bearerd' : 'rel-egress'}`)
    const [container] = containersOf(pod).filter(({ name }) => name === 'bearerd')
    const ports = groupsAt(container, 'ports').map(({ name, containerPort }) => [name, containerPort])
    expect(ports).toEqual([
      ['bearerd', at(listen, 'port')],
      ['bearerd-admin', at(admin.listen, 'port')],
      ...(token_service === undefined ? [] : [['bearerd-tokens', at(token_service.listen, 'port')]]),
    ])
  })

  it('is on 127.0.0.1 in a sidecar, but for what Prometheus asks', () => {
    const of = (values: Values) => parseConfig('f.yaml', configText(chartObjects(chart, values)), env)
    expect(of(sidecarValues)).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      admin: { listen: { host: '127.0.0.1', port: 9090 } },
    })
    expect(of({ ...sidecarValues, podMonitor: { enabled: true } })).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      admin: { listen: { host: '', port: 9090 } },
    })
  })

  it('keeps words that Helm takes for booleans, numbers that it takes for others, and null', () => {
    const file = scratch().write(
      'values.yaml',
      `config:
  access_log: off
  via: off
  callers: anyone
  credentials:
    a: {token_endpoint: https://a.example/token, client_id: "0123", scope: "1e5", client_secret: {file: /run/secrets/bearerd/a}, keep_warm: true, token_request: {proxy: off, params: {scope: null, deep: "off"}}}
  routes: [{path: /a, credential: a, upstream: https://a.example, replay: off, proxy: off, max_request_body: 10000000}]
`,
    )
    const text = configText(chartObjects(chart, {}, '-f', file))
    expect(problemsOf(text)).toEqual([])
    const config = parseConfig('f.yaml', text, {})
    expect(config.access_log.mode).toBe('off')
    expect(config.credentials.get('a')?.client_id?.reveal()).toBe('0123')
    expect(config.credentials.get('a')?.scope).toBe('1e5')
    expect(config.credentials.get('a')?.keep_warm).toBe(true)
    expect(objectsIn(text)).toMatchObject([
      {
        via: 'off',
        credentials: { a: { token_request: { proxy: 'off', params: { scope: null, deep: 'off' } } } },
        routes: [{ replay: 'off', proxy: 'off', max_request_body: 10_000_000 }],
      },
    ])
  })

  it('is a text of the user as it is, with its comments', () => {
    expect(configText(chartObjects(chart, matrix['a text as configuration'] ?? {}))).toBe(
      matrix['a text as configuration']?.['configFile'],
    )
  })

  it('rolls pods for every key that takes a restart', () => {
    const configuration = readFileSync(join(projectRoot, 'docs/configuration.md'), 'utf8')
    const [, sentence = ''] = /^(`listen`.*) cannot change while bearerd runs/m.exec(configuration) ?? []
    const keys = [...sentence.matchAll(/`([\w.]+)`/g)].map(([, key = '']) => key)
    expect(keys).toContain('token_store')
    const template = readFileSync(join(chart, 'templates/_config.tpl'), 'utf8')
    const [, list = ''] = /\{\{- list (.*) \| toJson \| sha256sum/.exec(template) ?? []
    const names = list
      .split(' ')
      .map((name) => name.replace('$config.', '').replace('$admin.', 'admin.').replace('$tokens.', 'token_service.'))
    expect(names.sort()).toEqual(keys.sort())
    const values = readFileSync(join(chart, 'values.yaml'), 'utf8')
    for (const key of keys) expect(values).toContain(`\`${key}\``)
  })

  it('rolls pods where a restart is needed, and at each change where that is wanted', () => {
    const annotations = (more: Values, values: Values = {}) =>
      podNamed(chartObjects(chart, { ...gatewayValues, ...values, config: { ...gatewayValues.config, ...more } }), deployment)
        .annotations
    const first = annotations({})
    expect(first).toHaveProperty('bearerd/config-for-restart')
    expect(annotations({ via: 'other' })).toEqual(first)
    expect(annotations({ workers: 2 })).not.toEqual(first)
    expect(annotations({ admin: { callers: [{ name: 'a', api_key: '${K}' }] } })).not.toEqual(first)
    const rolling = { rollOnConfigChange: true }
    expect(annotations({ via: 'other' }, rolling)).not.toEqual(annotations({}, rolling))
    expect(annotations({}, rolling)).toEqual(annotations({}, rolling))
  })

  it('starts a gateway that answers, whose probes answer, and that takes the next ConfigMap into use without a restart', async () => {
    const { running, objects, render, pod, url, adminUrl } = await runChart(wholeSecret)
    await running.untilOutput(/"bearerd is serving"/)
    const path = `/v1/reports?businessId=${gett.businessId}`
    const call = (prefix: string, key: string) => fetch(`${url}${prefix}${path}`, { headers: { 'x-bearerd-key': key } })
    expect((await call('/gett', 'key-of-orders')).status).toBe(200)
    expect((await call('/gett', 'wrong')).status).toBe(401)
    const [container] = containersOf(pod)
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe'])
      expect((await fetch(`${adminUrl}${String(at(container, `${probe}.httpGet.path`))}`)).status, probe).toBe(200)

    // helm test
    const test = podNamed(objects, 'Pod/rel-bearerd-test')
    const file = configTextOf(objects, test).replace('rel-bearerd:9090', `localhost:${new URL(adminUrl).port}`)
    const [program, ...args] = at(containersOf(test)[0], 'command') as string[]
    expect(program).toBe('bearerd')
    const place = scratch().write('proxy.config.yaml', file)
    expect(await runHere(args.map((arg) => arg.replace('/etc/bearerd/proxy.config.yaml', place)))).toMatchObject({ code: 0 })

    const next = render('/gett', '/more')
    expect(podNamed(next, deployment).annotations).toEqual(pod.annotations)
    running.replaceConfig(configTextOf(next, podNamed(next, deployment)))
    await expect.poll(async () => (await call('/more', 'key-of-orders')).status, { timeout: 10_000 }).toBe(200)
  })

  it.each([
    ['gett-client-id', /: the environment variable GETT_CLIENT_ID is not set; set it/],
    ['gett-client-secret', / file \S+\/gett-client-secret [^;]+; \w+ its path/],
    ['orders-key', / file \S+\/orders-key [^;]+; \w+ its path/],
  ])('has the first line of the log name a key that the Secret lacks: %s', async (missing, says) => {
    const { running } = await runChart(Object.fromEntries(Object.entries(wholeSecret).filter(([key]) => key !== missing)))
    const { code, stdout, stderr } = await running.finished
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`.split('\n')[0]).toMatch(says)
  })
})

describe('words that Helm takes for booleans', () => {
  it('are made words again by templates/_config.tpl where values.schema.json lets them pass', () => {
    const template = readFileSync(join(chart, 'templates/_config.tpl'), 'utf8')
    expect(template).toContain(`(list ${wordKeys.map((key) => `"${key}"`).join(' ')})`)
  })

  it('are those of every key that takes certain words, on or off among them', () => {
    const found = new Set<string>()
    const look = (schema: unknown, key: string): void => {
      if (Array.isArray(schema)) for (const inner of schema) look(inner, key)
      if (!isGroup(schema)) return
      const words = [schema['const'], schema['enum']].flat()
      if (words.includes('on') || words.includes('off')) found.add(key)
      for (const [name, inner] of Object.entries(schema)) {
        if (name !== 'properties' || !isGroup(inner)) look(inner, key)
        else for (const [property, its] of Object.entries(inner)) look(its, property)
      }
    }
    look(configJsonSchema(), '')
    expect([...found]).toEqual(expect.arrayContaining(['access_log', 'mode', 'replay']))
    expect(wordKeys).toEqual(expect.arrayContaining([...found]))
  })
})
