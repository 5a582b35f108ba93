import type { Block, Page } from './pages.ts'

/** What is done with a block of a page. */
export type Coverage =
  /** Read by the loader of configurations, in test/docs/configurations.test.ts. */
  | { readonly kind: 'loaded' }
  /** Run in test/docs/commands.test.ts. */
  | { readonly kind: 'run' }
  /** Neither a command nor a configuration. */
  | { readonly kind: 'text' }
  | Elsewhere

/** One row of the table below. */
export type Elsewhere = {
  readonly page: string
  /** How the text of the block begins; any block of the page where nothing is said. */
  readonly start?: RegExp
  readonly kinds: readonly string[]
} & (
  | { readonly kind: 'tested'; /** The test that runs it. */ readonly by: string }
  | { readonly kind: 'not run'; readonly because: string }
)

/** Pages whose commands are run in their order, with what has to be there beforehand. */
export const pagesThatRun: readonly { readonly path: string; readonly files?: Readonly<Record<string, string>> }[] = [
  {
    path: 'README.md',
    files: {
      'call.txt': 'curl -d grant_type=client_credentials -d client_id=a -d client_secret=b https://auth.crm.example/oauth2/token',
    },
  },
  { path: 'docs/tutorial.md' },
  { path: 'docs/offline-tests.md' },
  { path: 'docs/fleet.md' },
  {
    path: 'docs/running.md',
    files: {
      'proxy.config.yaml': `credentials: {gett: {provider: gett, client_id: a, client_secret: b}}
routes: [{path: /gett, credential: gett}]
`,
    },
  },
]

/** Blocks that are tested elsewhere, or cannot be run by a test, and why. The only exceptions there are. */
export const elsewhere: readonly Elsewhere[] = [
  {
    page: 'README.md',
    kinds: ['sh'],
    start: /^npm ci/,
    kind: 'not run',
    because: 'installs, and runs the tests; npm run demo: test/cli/demo.test.ts',
  },
  {
    page: 'docs/tutorial.md',
    kinds: ['sh'],
    start: /^npm ci/,
    kind: 'not run',
    because: 'installs',
  },
  { page: 'docs/install.md', kinds: ['sh'], start: /^npx/, kind: 'tested', by: 'test/cli/package.test.ts' },
  { page: 'docs/install.md', kinds: ['sh'], start: /^docker/, kind: 'tested', by: 'test/image/image.test.ts' },
  {
    page: 'docs/install.md',
    kinds: ['sh'],
    start: /^npm install/,
    kind: 'not run',
    because: 'writes into /opt, /etc and systemd; the unit: test/examples/systemd.test.ts',
  },
  {
    page: 'docs/kubernetes.md',
    kinds: ['sh'],
    kind: 'not run',
    because: 'needs a cluster; the values below it: test/charts/documentation.test.ts',
  },
  {
    page: 'charts/bearerd/README.md',
    kinds: ['sh'],
    kind: 'not run',
    because: 'needs a cluster; the values above it: test/charts/documentation.test.ts',
  },
  { page: 'docs/kubernetes.md', kinds: ['yaml'], kind: 'tested', by: 'test/charts/documentation.test.ts' },
  { page: 'charts/bearerd/README.md', kinds: ['yaml'], kind: 'tested', by: 'test/charts/documentation.test.ts' },
  { page: 'charts/bearerd/README.md', kinds: ['helm'], kind: 'tested', by: 'test/charts/sidecar.test.ts' },
  { page: 'docs/callers.md', kinds: ['sh'], kind: 'tested', by: 'test/proxy/callers.test.ts' },
  { page: 'docs/doctor.md', kinds: ['console'], kind: 'tested', by: 'test/cli/doctor/doctor-page.test.ts' },
  { page: 'docs/fleet.md', kinds: ['sh'], start: /^bearerd doctor/, kind: 'tested', by: 'test/cli/doctor/gateway.test.ts' },
  { page: 'docs/getting-started.md', kinds: ['console', 'sh', 'yaml'], kind: 'tested', by: 'test/cli/init-page.test.ts' },
  { page: 'docs/monitoring.md', kinds: ['yaml'], start: /^rule_files/, kind: 'tested', by: 'test/docs/configurations.test.ts' },
  {
    page: 'docs/monitoring.md',
    kinds: ['yaml'],
    start: /^route:/,
    kind: 'not run',
    because: 'is for Alertmanager; its labels: test/docs/configurations.test.ts',
  },
  { page: 'docs/runbook.md', kinds: ['sh', 'promql'], kind: 'tested', by: 'test/monitoring/real-prometheus.test.ts' },
  { page: 'docs/running.md', kinds: ['console'], start: /^\$ bearerd token/, kind: 'tested', by: 'test/cli/token.test.ts' },
  { page: 'docs/running.md', kinds: ['dockerfile'], kind: 'tested', by: 'test/docs/configurations.test.ts' },
  { page: 'docs/simulator.md', kinds: ['sh'], kind: 'tested', by: 'test/simulator/documentation.test.ts' },
  { page: 'docs/simulator.md', kinds: ['ts'], kind: 'tested', by: 'test/docs/simulator-snippet.test.ts' },
  { page: 'docs/token-requests.md', kinds: ['yaml'], kind: 'tested', by: 'test/config/token-requests-page.test.ts' },
  { page: 'docs/token-service.md', kinds: ['http'], kind: 'tested', by: 'test/token-service/authorize.test.ts' },
  { page: 'docs/token-stores.md', kinds: ['redis'], kind: 'tested', by: 'test/tokens/store/redis/redis-connection.test.ts' },
  {
    page: 'docs/token-stores.md',
    kinds: ['json'],
    kind: 'not run',
    because: 'lines of a log; the reasons: test/tokens/store/redis/redis-connection.test.ts',
  },
  {
    page: 'docs/tracing.md',
    kinds: ['sh', 'js'],
    kind: 'not run',
    because: 'needs an SDK of OpenTelemetry; with one of ours: test/cli/tracing.test.ts',
  },
  { page: 'examples/token-service/README.md', kinds: ['nginx'], kind: 'tested', by: 'test/token-service/nginx.test.ts' },
]

/** What is done with a block; undefined when nobody has thought of it. */
export function coverageOf(page: Page, block: Block): Coverage | undefined {
  const row = elsewhere.find((candidate) => isAbout(candidate, page, block))
  if (row !== undefined) return row
  if (block.kind === 'text') return { kind: 'text' }
  if (block.kind === 'yaml') return { kind: 'loaded' }
  const isRun = pagesThatRun.some(({ path }) => path === page.path)
  return isRun && ['sh', 'console'].includes(block.kind) ? { kind: 'run' } : undefined
}

/** Whether a row of the table speaks of a block. */
export function isAbout({ page, start, kinds }: Elsewhere, { path }: Page, { kind, text }: Block): boolean {
  return page === path && kinds.includes(kind) && (start === undefined || start.test(text))
}
