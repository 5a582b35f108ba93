import { join } from 'node:path'
import { projectRoot } from './cli-process.ts'

/** The chart. */
export const chart = join(projectRoot, 'charts/bearerd')

/** Values for the chart, as a user writes them. */
export type Values = Readonly<Record<string, unknown>>

const credentials = {
  gett: {
    provider: 'gett',
    client_id: '${GETT_CLIENT_ID}',
    client_secret: { file: '/run/secrets/bearerd/gett-client-secret' },
  },
}
const routes = [{ path: '/gett', credential: 'gett' }]
const callers = [{ name: 'orders', api_key: { file: '/run/secrets/bearerd/orders-key' } }]

/** The least that a gateway needs. */
export const gatewayValues = {
  config: { callers, credentials, routes },
  existingSecret: 'providers',
  secretEnv: { GETT_CLIENT_ID: 'gett-client-id' },
}

/** The least that a sidecar needs. */
export const sidecarValues = {
  shape: 'sidecar',
  config: { credentials, routes },
  existingSecret: 'providers',
  secretEnv: { GETT_CLIENT_ID: 'gett-client-id' },
}

const redis = { redis: { url: 'rediss://redis.example.com:6379', encryption_key: { file: '/run/secrets/bearerd/key' } } }
const inRedis = { ...gatewayValues.config, token_store: redis }
const tls = { cert: '/run/secrets/tls/tls.crt', key: '/run/secrets/tls/tls.key' }
const tlsVolume = {
  extraVolumes: [{ name: 'tls', secret: { secretName: 'gateway-tls' } }],
  extraVolumeMounts: [{ name: 'tls', mountPath: '/run/secrets/tls', readOnly: true }],
}
const text = `# kept as it is\nlisten: "[::]:8000"\nadmin: {listen: 0.0.0.0:9000}\naccess_log: off\ncallers: anyone\nroutes:\n  - {path: /open, upstream: https://api.example.com}\n`

/** What the chart is rendered with, by what is special about it. */
export const matrix: Readonly<Record<string, Values>> = {
  'the least': gatewayValues,
  'one pod and nothing that can be left out': {
    ...gatewayValues,
    replicas: 1,
    podDisruptionBudget: { enabled: false },
    topologySpread: { enabled: false },
    networkPolicy: { enabled: false },
    serviceAccount: { create: false },
    rollOnConfigChange: true,
  },
  'a ServiceMonitor, with a key': {
    ...gatewayValues,
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' }, interval: '30s', scrapeTimeout: '10s' },
    metrics: { auth: { existingSecret: 'metrics' } },
  },
  'a PodMonitor': {
    ...gatewayValues,
    metrics: { auth: { existingSecret: 'metrics' } },
    podMonitor: { enabled: true, relabelings: [{ action: 'labeldrop', regex: 'pod' }] },
  },
  'a dashboard': { ...gatewayValues, dashboard: { enabled: true, annotations: { grafana_folder: 'Egress' } } },
  alerts: { ...gatewayValues, prometheusRule: { enabled: true, labels: { release: 'prometheus' } } },
  'an autoscaler': {
    ...gatewayValues,
    autoscaling: { enabled: true, maxReplicas: 4, behavior: { scaleDown: { stabilizationWindowSeconds: 60 } } },
  },
  'tokens in Redis': {
    ...gatewayValues,
    config: inRedis,
    networkPolicy: { redis: { to: [{ podSelector: { matchLabels: { app: 'redis' } } }] } },
  },
  'TLS on both listeners': {
    ...gatewayValues,
    ...tlsVolume,
    config: { ...gatewayValues.config, listen: ':8443', tls, admin: { listen: ':9443', tls } },
    serviceMonitor: { enabled: true, tlsConfig: { serverName: 'bearerd', ca: { secret: { name: 'ca', key: 'ca.crt' } } } },
  },
  'a token service for other proxies': {
    ...gatewayValues,
    config: {
      ...gatewayValues.config,
      token_service: {
        listen: ':9180',
        insecure_http: true,
        callers: [{ name: 'nginx', api_key: { file: '/run/secrets/bearerd/nginx-key' } }],
      },
    },
  },
  'a text as configuration': { configFile: text },
  'a ConfigMap and a ServiceAccount of the user': {
    existingConfigMap: 'mine',
    existingConfigMapKey: 'gateway.yaml',
    config: { listen: ':8000', shutdown: { delay: '10s', grace: '1m' } },
    serviceAccount: { create: false, name: 'mine' },
  },
  'everything that users add': {
    ...gatewayValues,
    nameOverride: 'egress',
    commonLabels: { team: 'payments' },
    image: { repository: 'images.example.com/bearerd', digest: `sha256:${'0'.repeat(64)}`, pullPolicy: 'Always' },
    imagePullSecrets: [{ name: 'pull' }],
    extraEnv: [{ name: 'TZ', value: 'UTC' }],
    extraEnvFrom: [{ secretRef: { name: 'more', optional: true } }],
    ...tlsVolume,
    extraContainers: [{ name: 'shell', image: 'busybox:1.37', command: ['sleep', 'infinity'] }],
    initContainers: [{ name: 'wait', image: 'busybox:1.37', command: ['true'] }],
    podAnnotations: { 'example.com/note': 'yes' },
    podLabels: { tier: 'egress' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    tolerations: [{ key: 'egress', operator: 'Exists' }],
    extraPodSpec: { hostAliases: [{ ip: '10.0.0.9', hostnames: ['auth.internal'] }], runtimeClassName: 'gvisor' },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: {
          nodeSelectorTerms: [{ matchExpressions: [{ key: 'egress', operator: 'Exists' }] }],
        },
      },
    },
    priorityClassName: 'high',
    terminationGracePeriodSeconds: 90,
    podDisruptionBudget: { minAvailable: '50%' },
    service: { type: 'LoadBalancer', port: 80, annotations: { 'example.com/internal': 'true' } },
    serviceAccount: { name: 'egress', annotations: { 'example.com/role': 'egress' } },
    networkPolicy: { extraEgress: [{ to: [{ ipBlock: { cidr: '10.9.0.0/16' } }], ports: [{ port: 3128, protocol: 'TCP' }] }] },
    extraObjects: [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: '{{ include "bearerd.fullname" . }}-more' }, data: { a: 'b' } },
      'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: "{{ .Release.Name }}-text"}\n',
    ],
  },
  'a sidecar': sidecarValues,
  'a sidecar with a PodMonitor for its pods': { ...sidecarValues, podMonitor: { enabled: true }, dashboard: { enabled: true } },
}
