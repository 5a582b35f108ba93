import { expect, it } from 'vitest'
import { chart, gatewayValues, sidecarValues } from '../support/chart-values.ts'
import type { Values } from '../support/chart-values.ts'
import { describeWithHelm, renderChart } from '../support/kubernetes-tools.ts'

const { config } = gatewayValues
const redis = { redis: { url: 'rediss://redis.example.com:6379', encryption_key: { file: '/run/secrets/bearerd/key' } } }

/** What the schema says, by the values that it refuses. */
const bySchema: readonly (readonly [string, Values, string])[] = [
  ['an unknown value', { ...gatewayValues, replicaCount: 3 }, "at '': additional properties 'replicaCount' not allowed"],
  [
    'an unknown value in a group',
    { ...gatewayValues, service: { prot: 80 } },
    "at '/service': additional properties 'prot' not allowed",
  ],
  ['a text for a number', { ...gatewayValues, replicas: 'three' }, "at '/replicas': got string, want integer"],
  ['a tag that YAML takes for a number', { ...gatewayValues, image: { tag: 1.1 } }, "at '/image/tag': got number, want string"],
  ['an unknown shape', { ...gatewayValues, shape: 'daemon' }, "at '/shape': value must be one of 'gateway', 'sidecar'"],
  [
    'an unknown key of the configuration',
    { ...gatewayValues, config: { ...config, lisen: ':1' } },
    "at '/config': additional properties 'lisen' not allowed",
  ],
  [
    'an unknown key of a credential',
    { ...gatewayValues, config: { ...config, credentials: { gett: { provider: 'gett', scpoe: 'order' } } } },
    "at '/config/credentials/gett': additional properties 'scpoe' not allowed",
  ],
  [
    'an unknown provider',
    { ...gatewayValues, config: { ...config, credentials: { gett: { provider: 'get' } } } },
    "at '/config/credentials/gett/provider': value must be one of",
  ],
  [
    'a route without a path',
    { ...gatewayValues, config: { ...config, routes: [{ credential: 'gett' }] } },
    "at '/config/routes/0': missing property 'path'",
  ],
  [
    'a peer of the NetworkPolicy that does not exist',
    { ...gatewayValues, networkPolicy: { callers: [{ podSelektor: {} }] } },
    "at '/networkPolicy/callers/0': additional properties 'podSelektor' not allowed",
  ],
]

/** What the chart says of values that are right by themselves but not together. */
const byCheck: readonly (readonly [string, Values, RegExp])[] = [
  ['nothing at all', {}, /config\.routes is missing: say which path goes to which provider, .*\n\nconfig:\n {2}callers:/],
  [
    'a gateway that says nothing of its callers',
    { config: { routes: config.routes } },
    /config\.callers is missing: whoever .* List who may call/,
  ],
  [
    'a gateway on 127.0.0.1',
    { ...gatewayValues, config: { ...config, listen: '127.0.0.1:8080' } },
    /listen is 127\.0\.0\.1:8080, which the Service cannot reach: write/,
  ],
  [
    'a gateway on a socket',
    { ...gatewayValues, config: { ...config, listen: { address: 'unix:/run/b.sock' } } },
    /listen is unix:\/run\/b\.sock/,
  ],
  [
    'probes that reach nothing',
    { ...gatewayValues, config: { ...config, admin: { listen: 'localhost:9090' } } },
    /admin\.listen is localhost:9090, which probes/,
  ],
  [
    'a port that cannot be told',
    { ...gatewayValues, config: { ...config, listen: ':${PORT}' } },
    /listen is :\$\{PORT\}: write its port as a number/,
  ],
  ['two configurations', { ...gatewayValues, configFile: 'routes: []' }, /config and configFile are both given: choose one/],
  ['two others', { configFile: 'routes: []', existingConfigMap: 'mine' }, /configFile and existingConfigMap are both given/],
  [
    'a configuration beside one of the user',
    { existingConfigMap: 'mine', config: { routes: config.routes } },
    /config\.routes has no effect: existingConfigMap has the configuration/,
  ],
  [
    'a sidecar for others that says nothing of its callers',
    { ...sidecarValues, config: { ...sidecarValues.config, listen: ':8080' } },
    /config\.callers is missing/,
  ],
  [
    'tokens for whoever asks',
    { ...gatewayValues, config: { ...config, token_service: { listen: ':9180', insecure_http: true } } },
    /config\.token_service\.callers is missing: .* List who may/,
  ],
  [
    'tokens in clear text',
    { ...gatewayValues, config: { ...config, token_service: { listen: ':9180', callers: config.callers.slice(0, 1) } } },
    /config\.token_service\.tls is missing: .* insecure_http: true/,
  ],
  ['a text that is no YAML', { configFile: 'routes: [' }, /configFile is no YAML: /],
  [
    'a text that listens on 127.0.0.1',
    { configFile: 'routes: [{path: /a, upstream: "https://a.example"}]\ncallers: anyone' },
    /listen is 127\.0\.0\.1:8080/,
  ],
  ['variables of no Secret', { ...gatewayValues, existingSecret: '' }, /secretEnv has no effect without existingSecret/],
  [
    'both monitors',
    { ...gatewayValues, serviceMonitor: { enabled: true }, podMonitor: { enabled: true } },
    /counted twice\. Choose one/,
  ],
  [
    'a ServiceMonitor of a sidecar',
    { ...sidecarValues, serviceMonitor: { enabled: true } },
    /serviceMonitor needs a Service, .* use podMonitor/,
  ],
  [
    'a PodMonitor that reaches nothing',
    { ...sidecarValues, podMonitor: { enabled: true }, config: { ...sidecarValues.config, admin: { listen: '127.0.0.1:9090' } } },
    /Prometheus cannot reach admin\.listen 127\.0\.0\.1:9090/,
  ],
  [
    'a Redis that the NetworkPolicy cuts off',
    { ...gatewayValues, config: { ...config, token_store: redis } },
    /networkPolicy\.redis\.to is missing: .* Say where it is/,
  ],
  [
    'a pod that is killed before it has stopped',
    { ...gatewayValues, terminationGracePeriodSeconds: 30 },
    /is 30, but a stop can take 55/,
  ],
  [
    'a time to stop that cannot be told',
    { ...gatewayValues, config: { ...config, shutdown: { delay: '${DELAY}' } } },
    /terminationGracePeriodSeconds is missing: .* no plain durations/,
  ],
]

describeWithHelm('helm refuses', () => {
  it.each(bySchema)('%s, by the schema', (_what, values, says) => {
    const run = renderChart(chart, values)
    expect(run.isGood).toBe(false)
    expect(run.says).toContain("values don't meet the specifications of the schema(s)")
    expect(run.says).toContain(says)
  })

  it.each(byCheck)('%s, and says what to do', (_what, values, says) => {
    const run = renderChart(chart, values)
    expect(run.isGood).toBe(false)
    expect(run.says).toMatch(says)
  })

  it.each([
    ['config.credentials.gett.client_secret', { credentials: { gett: { provider: 'gett', client_secret: 'canary' } } }],
    [
      'config.credentials.gett.variables.refresh_token',
      { credentials: { gett: { provider: 'gett', variables: { refresh_token: 'canary' } } } },
    ],
    [
      'config.credentials.gett.variables.password',
      { credentials: { gett: { provider: 'gett', variables: { username: 'u', password: 'canary' } } } },
    ],
    [
      'config.credentials.gett.token_request.assertion.key',
      { credentials: { gett: { provider: 'gett', token_request: { assertion: { alg: 'HS256', key: 'canary' } } } } },
    ],
    [
      'config.credentials.gett.token_request.proxy',
      { credentials: { gett: { provider: 'gett', token_request: { proxy: 'http://us:canary@proxy.example.com:3128' } } } },
    ],
    ['config.routes[0].proxy', { routes: [{ path: '/gett', proxy: 'http://us:canary@proxy.example.com:3128' }] }],
    ['config.credentials.gett.client_secret', { credentials: { gett: { provider: 'gett', client_secret: 'canary{' } } }],
    [
      'config.routes[0].headers.set.Authorization',
      { routes: [{ path: '/gett', headers: { set: { Authorization: 'Basic canary' } } }] },
    ],
    ['config.routes[0].tls.key', { routes: [{ path: '/gett', tls: { key: '-----BEGIN PRIVATE KEY-----\ncanary' } }] }],
    ['config.token_store.redis.url', { token_store: { redis: { ...redis.redis, url: 'redis://user:canary@redis:6379' } } }],
    ['config.callers[0].api_key', { callers: [{ name: 'orders', api_key: 'canary' }] }],
    ['config.admin.callers[0].api_key', { admin: { callers: [{ name: 'orders', api_key: 'canary' }] } }],
    ['config.token_store.redis.encryption_key', { token_store: { redis: { ...redis.redis, encryption_key: 'canary' } } }],
  ])('a secret that would stand in a ConfigMap, and does not print it: %s', (path, more) => {
    const { isGood, says } = renderChart(chart, { ...gatewayValues, config: { ...config, ...more } })
    expect(isGood).toBe(false)
    expect(says).toContain(`${path} would stand in a ConfigMap for all to read: put it into the Secret of existingSecret`)
    expect(says).not.toContain('canary')
  })

  it('no variable and no placeholder where a secret could be', () => {
    const token_request = {
      params: { client_secret: '{client_secret}' },
      headers: { Authorization: 'Basic {client_secret}' },
      proxy: 'http://user:${PASSWORD}@proxy.example.com:3128',
      tls: { key: '/run/secrets/tls/tls.key' },
    }
    const token_response = { refresh_token: '/refresh_token' }
    const gett = { ...config.credentials.gett, client_secret: '${SECRET}', token_request, token_response }
    const token_store = { redis: { url: 'rediss://user:${PASSWORD}@redis.example.com:6379', encryption_key: '${KEY}' } }
    const { isGood, says } = renderChart(chart, {
      ...gatewayValues,
      config: { ...config, credentials: { gett }, token_store },
      networkPolicy: { enabled: false },
    })
    expect(isGood, says).toBe(true)
  })
})
