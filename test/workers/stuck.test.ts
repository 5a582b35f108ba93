import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load-config.ts'
import { isSocketFile } from '../../src/config/schema/listen.ts'
import { createLog } from '../../src/telemetry/log.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { WorkerPool } from '../../src/workers/worker-pool.ts'
import { projectRoot } from '../support/cli-process.ts'
import { until } from '../support/fleet-processes.ts'
import { hasten } from '../support/hasten.ts'
import { identitiesUnderTest } from '../support/identity-sources.ts'
import { answerJson, httpServer } from '../support/servers.ts'

/** A pool of two workers. */
async function pool() {
  const upstream = await httpServer((_request, response) => answerJson(response, {}))
  const children: ChildProcess[] = []
  const log: Record<string, unknown>[] = []
  const workers = new WorkerPool({
    config: parseConfig(
      'f.yaml',
      stringify({ listen: '127.0.0.1:0', workers: 2, routes: [{ path: '/', upstream: upstream.url }] }),
      {},
    ),
    fork: () => {
      const options = { env: { PATH: process.env['PATH'] }, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] as const }
      const child = fork(join(projectRoot, 'bin/bearerd.js'), ['worker'], { ...options, stdio: [...options.stdio] })
      children.push(child)
      return child
    },
    tokens: identitiesUnderTest().tokens,
    metrics: new Metrics('0.0.0-test'),
    log: createLog({ write: (line: string) => void log.push(JSON.parse(line) as Record<string, unknown>) }),
  })
  const address = await workers.open()
  onTestFinished(async () => await workers.close(1_000))
  if (isSocketFile(address)) throw new Error('not what was asked for')
  const url = `http://127.0.0.1:${address.port}/`
  const call = async (): Promise<number> => (await fetch(url, { headers: { connection: 'close' } })).status
  return { children, log, call }
}

test('a worker that does not answer any more is replaced, and every later request is served', async () => {
  hasten({ 5_000: 100, 10_000: 300 })
  const { children, log, call } = await pool()
  const [stuck] = children
  stuck?.kill('SIGSTOP')
  await until('it is replaced', () => log.filter(({ message }) => message === 'a worker serves').length === 3)
  expect(log.find(({ message }) => message === 'a worker does not answer; it is ended')).toMatchObject({ pid: stuck?.pid })
  expect(stuck?.signalCode).toBe('SIGKILL')
  expect(await Promise.all(Array.from({ length: 8 }, call))).toEqual(Array(8).fill(200))
})

test('a worker that is only slow to answer is left alone', async () => {
  hasten({ 5_000: 50, 10_000: 3_000 })
  const { children, log, call } = await pool()
  // Longer than once the limit, shorter than twice.
  children[0]?.kill('SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, 3_700))
  children[0]?.kill('SIGCONT')
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(log.filter(({ level }) => level === 'error')).toEqual([])
  expect(await Promise.all(Array.from({ length: 8 }, call))).toEqual(Array(8).fill(200))
})
