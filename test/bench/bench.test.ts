import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openBench } from '../../bench/bench.ts'
import type { Bench, Size } from '../../bench/bench.ts'
import { bearerd } from '../../bench/contenders/bearerd.ts'
import type { Contender } from '../../bench/contenders/contender.ts'
import { direct } from '../../bench/contenders/direct.ts'
import { summarize } from '../../bench/report/summary.ts'
import type { Summary } from '../../bench/report/summary.ts'
import { tableOf } from '../../bench/report/table.ts'
import { exchanges } from '../../bench/upstream/answers.ts'
import { workloads } from '../../bench/workloads/workloads.ts'

/** Only the machinery is tested: no figure is judged, and nothing is pinned, so that other tests are not in the way. */
const size: Size = { firstWarmUpMs: 30, warmUpMs: 30, rounds: 2, ms: 150, steadyMs: 150, starts: 1, idleMs: 0 }
const cores = { proxy: undefined, others: undefined }

async function startBench(contenders: readonly Contender[]): Promise<Bench> {
  const bench = await openBench({ size, contenders, cores })
  onTestFinished(bench.close)
  return bench
}

async function run(bench: Bench, name: string): Promise<Summary> {
  const workload = workloads.find((each) => each.name === name)
  if (workload === undefined) throw new Error(`there is no workload ${name}`)
  return summarize(workload, await workload.run(bench))
}

/** A contender that never asks the upstream. */
function impostor(name: string, answer: RequestListener): Contender {
  return {
    name,
    about: '',
    version: () => '',
    start: async () => {
      const server = createServer(answer)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const { port } = server.address() as AddressInfo
      const stop = async (): Promise<void> => void (await new Promise((resolve) => server.close(resolve)))
      return { name, base: `http://127.0.0.1:${port}`, fields: {}, pid: undefined, stop }
    },
  }
}

describe.skipIf(process.platform !== 'linux')('the benchmark', { timeout: 60_000 }, () => {
  it('has figures for every round, and compares bearerd with the others', async () => {
    const bench = await startBench([direct, bearerd])
    const { rows, ...others } = await run(bench, 'small-get')
    const [withoutProxy, withBearerd] = rows
    expect(rows.map(({ contender, problem }) => [contender, problem])).toEqual([
      ['direct', undefined],
      ['bearerd', undefined],
    ])
    expect(withoutProxy?.readings).toEqual([
      { perSecond: expect.any(Number), failed: 0 },
      { perSecond: expect.any(Number), failed: 0 },
    ])
    expect(withBearerd?.readings).toHaveLength(2)
    for (const figure of ['cpuUs', 'perSecond', 'corePercent']) expect(withBearerd?.medians[figure]).toBeGreaterThanOrEqual(0)
    expect(withBearerd).toMatchObject({ bearerdToIt: 1, medians: { failed: 0 } })
    expect(tableOf({ rows, ...others })).toMatch(/^bearerd +\d+\.\d( +\d+){4} +1\.00$/m)

    const steady = await run(bench, 'fixed-rate')
    expect(steady.rows[0]?.medians).toMatchObject({ addedP50: 0, addedP99: 0, failed: 0 })
    expect(steady.rows[1]?.medians).toMatchObject({ addedP50: expect.any(Number), p99: expect.any(Number), failed: 0 })
  })

  it('counts one token request for 500 callers, and one more when the token is revoked', async () => {
    const { rows } = await run(await startBench([bearerd]), 'token-path')
    expect(rows[0]?.medians).toMatchObject({
      coldTokenRequests: 1,
      coldFailed: 0,
      revokedTokenRequests: 1,
      revokedFailed: 0,
    })
  })

  it('leaves out who answers wrongly, sends no token, asks nobody, does not start or is not installed', async () => {
    const { answer, contentType } = exchanges.small
    const tokenless: Contender = {
      ...direct,
      name: 'tokenless',
      start: async (setting) => ({ ...(await direct.start(setting)), fields: {} }),
    }
    const broken: Contender = { ...direct, name: 'broken', start: () => Promise.reject(new Error('no such option')) }
    const bench = await startBench([
      direct,
      impostor('wrong', (_request, response) => response.setHeader('content-type', contentType).end('{}')),
      impostor('from memory', (_request, response) => response.setHeader('content-type', contentType).end(answer)),
      tokenless,
      broken,
      { ...direct, name: 'absent', version: () => undefined },
    ])
    const summary = await run(bench, 'small-get')
    expect(summary.rows.map(({ contender, problem, readings }) => [contender, problem, readings.length])).toEqual([
      ['direct', undefined, 2],
      ['wrong', `answered with another body (2 bytes instead of ${answer.length})`, 0],
      ['from memory', 'sent "" to the upstream instead of "GET /v1/orders/o-1 HTTP/1.1"', 0],
      ['tokenless', expect.stringContaining('answered 401'), 0],
      ['broken', 'no such option', 0],
      ['absent', 'it is not installed', 0],
    ])
    expect(tableOf(summary)).toContain('left out: absent: it is not installed')
  })
})
