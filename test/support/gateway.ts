import { onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { startGateway } from '../../src/cli/start-gateway.ts'
import type { RunningGateway } from '../../src/cli/start-gateway.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load-config.ts'
import { createLog } from '../../src/telemetry/log.ts'

/** A gateway under test; stopped when the test ends. */
export interface TestGateway extends RunningGateway {
  readonly port: number
  /** Every line logged so far, parsed. */
  readonly log: Record<string, unknown>[]
  /**
   * The value of one series, as it is scraped: `bearerd_replays_total{route="/api",outcome="accepted"}`; undefined when absent.
   */
  metric(series: string): Promise<number | undefined>
}

/**
 * Starts a whole gateway, as `bearerd serve` would, on ports of its own.
 * @param config as in proxy.config.yaml; `listen` and `admin.listen` are filled in
 * @param env the environment that the configuration is read in
 */
export async function startTestGateway(
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>> = {},
): Promise<TestGateway> {
  const log: Record<string, unknown>[] = []
  const text = stringify({ listen: '127.0.0.1:0', admin: { listen: '127.0.0.1:0' }, shutdown: { grace: '1s' }, ...config })
  const destination = { write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }
  const { config: parsed, end } = endingQuickly(parseConfig('test.yaml', text, env))
  const gateway = await startGateway(parsed, createLog(destination), '0.0.0-test')
  onTestFinished(async () => {
    end()
    await gateway.stop()
  })
  return {
    ...gateway,
    port: Number(new URL(gateway.url).port),
    log,
    metric: async (series) => {
      const body = await (await fetch(`${gateway.adminUrl}/metrics`)).text()
      const line = body.split('\n').find((candidate) => candidate.startsWith(`${series} `))
      return line === undefined ? undefined : Number(line.slice(series.length + 1))
    },
  }
}

/** A gateway with one route, `/api`, and one credential, `main`. */
export function startApiGateway(
  upstream: string,
  tokenEndpoint: string,
  more: { route?: Record<string, unknown>; credential?: Record<string, unknown>; top?: Record<string, unknown> } = {},
): Promise<TestGateway> {
  return startTestGateway({
    credentials: {
      main: { token_endpoint: tokenEndpoint, client_id: 'client', client_secret: 'canary-client-secret', ...more.credential },
    },
    routes: [{ path: '/api', upstream, credential: 'main', ...more.route }],
    ...more.top,
  })
}

/**
 * A configuration that lets a gateway stop as it says until `end` is called, and at once from then on: when the test is over nobody is left to
 * wait for, and idle connections alone would be listened to for a quarter of a second.
 */
export function endingQuickly(config: Config): { readonly config: Config; readonly end: () => void } {
  let isOver = false
  return {
    config: {
      ...config,
      get shutdown() {
        return isOver ? { delay: 0, grace: 0 } : config.shutdown
      },
    },
    end: () => void (isOver = true),
  }
}
