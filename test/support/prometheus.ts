import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import { scratch } from './cli-scratch.ts'
import { describeWithProgram } from './describe-with.ts'
import { freePort } from './redis-server.ts'

/** Tests that need a real Prometheus; where there is none they are skipped and say so, but never in CI. */
export const describeWithPrometheus = describeWithProgram('prometheus', '--version')

/** A Prometheus of its own, on loopback, gone when the test ends. */
export interface Prometheus {
  /**
   * Evaluates an expression now.
   * @returns its series
   * @throws when Prometheus does not understand it
   */
  query(
    expr: string,
  ): Promise<readonly { readonly metric: Readonly<Record<string, string>>; readonly value: readonly [number, string] }[]>
  /** Its alerts, with their state. */
  rules(): Promise<readonly Rule[]>
}

/** What Prometheus says of an alert. */
export interface Rule {
  readonly name: string
  readonly health: 'ok' | 'err' | 'unknown'
  readonly lastError?: string
  readonly alerts: readonly { readonly state: string; readonly annotations: Readonly<Record<string, string>> }[]
}

/**
 * Starts a Prometheus that scrapes one target twice a second, under the job `bearerd`, and waits until it answers.
 * @param target host and port
 */
export async function startPrometheus(target: string, ruleFile: string): Promise<Prometheus> {
  const { folder, write } = scratch()
  const port = await freePort()
  const config = write(
    'prometheus.yml',
    JSON.stringify({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
      rule_files: [ruleFile],
      scrape_configs: [{ job_name: 'bearerd', static_configs: [{ targets: [target] }] }],
    }),
  )
  const options = [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`]
  const child = spawn('prometheus', [...options, '--log.level=warn'], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.on('error', (error) => void (said += error.message))
  child.stderr.setEncoding('utf8').on('data', (text: string) => void (said += text))
  // The scratch folder is removed after it: what is said last is done first.
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const api = `http://127.0.0.1:${port}`
  for (let attempt = 0; !(await isReady(api)); attempt++) {
    if (child.exitCode !== null || attempt > 200) throw new Error(`prometheus does not start:\n${said}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return {
    query: async (expr) => {
      const answer = await fetch(`${api}/api/v1/query`, { method: 'POST', body: new URLSearchParams({ query: expr }) })
      const { status, error, data } = (await answer.json()) as Answer<{ result: Awaited<ReturnType<Prometheus['query']>> }>
      if (status !== 'success') throw new Error(`${String(error)}\n${expr}`)
      return data.result
    },
    rules: async () => {
      const { data } = (await (await fetch(`${api}/api/v1/rules`)).json()) as Answer<{ groups: { rules: Rule[] }[] }>
      return data.groups.flatMap(({ rules }) => rules)
    },
  }
}

interface Answer<T> {
  readonly status: string
  readonly error?: string
  readonly data: T
}

async function isReady(api: string): Promise<boolean> {
  return await fetch(`${api}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}
