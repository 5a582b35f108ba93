import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { demoConfig } from '../../src/cli/demo-config.ts'
import { configJsonSchema } from '../../src/config/config-schema.ts'
import { presetNames } from '../../src/config/presets.ts'
import { credentialSchema } from '../../src/config/schema/credential.ts'
import { gatewaySchema } from '../../src/config/schema/gateway.ts'
import { routeSchema } from '../../src/config/schema/route.ts'
import { projectRoot, runHere } from '../support/cli-process.ts'
import { goodConfig, problemsOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'
import { schemaProblems } from '../support/json-schema-check.ts'

type Node = Readonly<Record<string, unknown>>

const schema = configJsonSchema()

/** What the schema says of a text; as an editor reads it, before any variable is filled in. */
function findings(text: string): string[] {
  return schemaProblems(schema, parse(text, { merge: false }))
}

function at(...path: readonly string[]): Node {
  return path.reduce<Node>((node, key) => node[key] as Node, schema)
}

const credentialAt = ['properties', 'credentials', 'additionalProperties', 'properties']
const routeAt = ['properties', 'routes', 'items', 'properties']

describe('the JSON Schema of the configuration', () => {
  it('is what bearerd schema prints', async () => {
    const { code, stdout, stderr } = await runHere(['schema'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual(schema)
    expect(schema['$schema']).toBe('http://json-schema.org/draft-07/schema#')
  })

  it('is what the repository and the package have, to which the example refers (else: npm run docs)', () => {
    const file = readFileSync(join(projectRoot, 'bearerd.schema.json'), 'utf8')
    expect(file).toBe(`${JSON.stringify(schema, undefined, 2)}\n`)
    const [, name = ''] =
      /^# yaml-language-server: \$schema=(\S+)\n/.exec(readFileSync(join(projectRoot, 'proxy.config.yaml'), 'utf8')) ?? []
    expect(name).toBe('bearerd.schema.json')
  })

  it('has every key, with the description that the reference has', () => {
    for (const [path, keys] of [
      [['properties'], gatewaySchema({}).shape],
      [credentialAt, credentialSchema({}).shape],
      [routeAt, routeSchema({}).shape],
    ] as const) {
      const shown = at(...path) as Readonly<Record<string, Node>>
      expect(Object.keys(shown).sort()).toEqual(Object.keys(keys).sort())
      for (const [key, value] of Object.entries(keys)) expect(shown[key]?.['description'], key).toBe(value.description)
    }
  })

  it('shows defaults as they would be written, and the presets there are', () => {
    expect(at(...routeAt, 'timeouts', 'properties', 'connect')['default']).toBe('5s')
    expect(at(...credentialAt, 'token_request', 'properties', 'timeout')['default']).toBe('10s')
    expect(at('properties', 'replay_memory')['default']).toBe('64MiB')
    expect(at(...routeAt, 'max_connections')['default']).toBe(256)
    expect(JSON.stringify(at(...credentialAt, 'provider'))).toContain(JSON.stringify(presetNames()))
    expect(JSON.stringify(schema)).not.toContain('"unit"')
  })

  it('finds nothing wrong with the configurations of this project', () => {
    const readme = /```yaml\n(listen:[^]*?)```/.exec(readFileSync(join(projectRoot, 'README.md'), 'utf8'))?.[1] ?? ''
    expect(readme).toContain('routes:')
    const example = readFileSync(join(projectRoot, 'proxy.config.yaml'), 'utf8')
    const demo = demoConfig({ gateway: 8080, admin: 9090, simulatorUrl: 'http://127.0.0.1:9000' })
    for (const text of [goodConfig, readme, example, demo, example.replaceAll('# environment', 'environment')])
      expect(findings(text)).toEqual([])
  })

  it.each([
    withTop('listen: {address: "unix:/run/b.sock", mode: "0600"}', 'admin: {listen: "${ADMIN}", ready_when: "${READY}"}'),
    withTop('callers: [{name: a, api_key: {env: KEY}, routes: [/api]}, {name: b, cidr: [10.0.0.0/8]}]', 'workers: auto'),
    withTop(
      'token_store: {redis: {url: "redis://localhost", encryption_key: "${KEY}"}}',
      'access_log: {mode: errors, query: true}',
    ),
    withTop('token_store: memory', 'limits: {headers: 32KiB, connections: "${MOST:-5}", idle: 90s}', 'replay_memory: 0'),
    withCredential('token_endpoint_auth_method: "${METHOD:-none}"', 'insecure_http: "${YES}"', 'scope: [a, b]'),
    withCredential('token_request: {params: {a: null, b: {c: [1, true, "{client_id}"]}}, headers: {X-A: 1}, timeout: 5s}'),
    withCredential('inject: [{header: X-A, value: "{access_token}"}, {query: q, value: a}]', 'renew_before: 10%'),
    withCredential('rejected_when: [{status: "${STATUS}"}, {json: {/error/code: [1, "2"]}}, {header: {X-A: "^b"}}]'),
    withCredential('client_secret_next: {file: /run/secrets/next}', 'token_requests: {limit: 100, window: 1h}'),
    withCredential('token_response: {access_token: "header:X-Token", expires: {as: epoch, max: 1h}, ok_when: {/ok: true}}'),
    withRoute(
      'methods: [GET]',
      'headers: {set: {X-A: "${KEY}"}, remove: [Cookie]}',
      'replay: off',
      'tls: {server_name: API.example}',
    ),
    goodConfig.replace('https://api.example.com', '"{token.instance_url}/data"\n    allowed_hosts: ["*.example.com"] #'),
  ])('takes what bearerd takes: %#', (text) => {
    expect(findings(text)).toEqual([])
  })

  it.each([
    [withTop('lisen: x'), '.lisen: not known'],
    [withTop('token_service: {}'), '.token_service.listen: missing'],
    [withTop('token_service: {listen: 127.0.0.1:1, callers: []}'), '.callers: too few'],
    [goodConfig.replace('path: /api', 'host: a'), '.routes[0].path: missing'],
    [withCredential('token_endpoint_auth_method: client_secret'), 'token_endpoint_auth_method'],
    [withCredential('provider: get'), '.provider'],
    [withCredential('token_requests: {limit: 1}'), '.window: missing'],
    [withCredential('scope: 5'), '.scope'],
    [withTop('admin: {ready_when: token}'), '.ready_when'],
    [withTop('access_log: {modus: on}'), '.access_log'],
    [withRoute('path2: /b'), '.path2: not known'],
    [withRoute('headers: {set: {X A: b}}'), 'X A'],
  ])('finds what bearerd finds: %#', (text, place) => {
    expect(problemsOf(text)).not.toEqual([])
    expect(findings(text).join('\n')).toContain(place)
  })
})

describe('examples in the schema', () => {
  /** Every key, with what the schema says of it. */
  function* keysOf(node: Node, path = ''): Generator<[path: string, node: Node]> {
    const { properties = {}, items, additionalProperties, anyOf = [] } = node
    for (const [key, inner] of Object.entries(properties as Readonly<Record<string, Node>>)) {
      yield [`${path}.${key}`, inner]
      yield* keysOf(inner, `${path}.${key}`)
    }
    for (const inner of [items, additionalProperties, ...(anyOf as readonly Node[])])
      if (typeof inner === 'object' && inner !== null) yield* keysOf(inner as Node, path)
  }

  const keys = [...keysOf(schema)]
  const isText = (node: Node): boolean =>
    node['type'] === 'string' || ((node['anyOf'] ?? []) as readonly Node[]).some((inner) => isText(inner) && !isDigits(inner))
  const isDigits = (node: Node): boolean => JSON.stringify(node).includes('"^\\\\d+$"')
  const isSaid = (node: Node): boolean => /"(default|enum|const)"/.test(JSON.stringify(node))

  it('are there for every key that takes a text of its own', () => {
    const texts = keys.filter(([, node]) => isText(node) && !isSaid(node))
    expect(texts.length).toBeGreaterThan(50)
    expect(texts.filter(([, node]) => node['examples'] === undefined).map(([path]) => path)).toEqual([])
  })

  it('are right', () => {
    const shown = keys.flatMap(([path, node]) =>
      ((node['examples'] ?? []) as readonly unknown[]).map((example) => ({ path, node, example })),
    )
    expect(shown.length).toBeGreaterThan(80)
    for (const { path, node, example } of shown) expect(schemaProblems(schema, example, node), path).toEqual([])
  })
})
