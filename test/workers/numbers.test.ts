import { expect, test } from 'vitest'
import type { RequestRecord } from '../../src/proxy/caller/recent-requests.ts'
import { createExposition } from '../../src/telemetry/exposition.ts'
import { Metrics } from '../../src/telemetry/metrics.ts'
import { WorkerNumbers } from '../../src/workers/worker-numbers.ts'
import type { WorkerReport } from '../../src/workers/vocabulary.ts'

/** What a worker tells that has served so many requests. */
function reportOf(
  route: string,
  durations: readonly number[],
  inFlight = 0,
  records: readonly RequestRecord[] = [],
): WorkerReport {
  const metrics = new Metrics('1.2.3')
  const numbers = metrics.forRoute(route)
  for (const seconds of durations) {
    numbers.countRequest('GET', 200)
    numbers.duration.observe(seconds)
  }
  numbers.inFlight.value = inFlight
  metrics.forCredential('main').lookups.hit.value = durations.length
  const samples = Object.fromEntries(metrics.ofRequests.map((instrument) => [instrument.name, instrument.samples()]))
  return JSON.parse(JSON.stringify({ samples, recentRequests: records, cpuSeconds: 1, memoryBytes: 1 })) as WorkerReport
}

async function scrape(numbers: WorkerNumbers): Promise<string> {
  return (await createExposition(numbers)(undefined)).body
}

test('counters, histograms and gauges of all workers add up, with those of the main process', async () => {
  const metrics = new Metrics('1.2.3')
  metrics.forCredential('main').lookups.wait.value = 4
  metrics.forCredential('main').lookups.hit.value = 1
  const numbers = new WorkerNumbers(metrics)
  numbers.take(1, reportOf('/a', [0.001, 0.02], 3))
  numbers.take(2, reportOf('/a', [0.002], 2))
  const body = await scrape(numbers)
  for (const line of [
    'bearerd_build_info{version="1.2.3"} 1',
    'bearerd_http_requests_total{route="/a",method="GET",code="200"} 3',
    'bearerd_http_request_duration_seconds_bucket{route="/a",le="0.005"} 2',
    'bearerd_http_request_duration_seconds_bucket{route="/a",le="+Inf"} 3',
    'bearerd_http_request_duration_seconds_count{route="/a"} 3',
    'bearerd_http_requests_in_flight{route="/a"} 5',
    'bearerd_token_lookups_total{credential="main",result="hit"} 4',
    'bearerd_token_lookups_total{credential="main",result="wait"} 4',
  ]) {
    expect(body.split('\n')).toContain(line)
  }
})

test('what a worker had counted still counts when it has ended, and what was under way with it is over', async () => {
  const numbers = new WorkerNumbers(new Metrics('1.2.3'))
  numbers.take(1, reportOf('/a', [0.1, 0.1], 7))
  numbers.take(2, reportOf('/b', [0.1], 1))
  numbers.leave(1)
  expect(await scrape(numbers)).toContain('bearerd_http_requests_total{route="/a",method="GET",code="200"} 2\n')
  numbers.take(1, reportOf('/a', [0.1, 0.1, 0.1]))
  numbers.leave(1)
  numbers.leave(1)
  const body = await scrape(numbers)
  expect(body).toContain('bearerd_http_requests_total{route="/a",method="GET",code="200"} 5\n')
  expect(body).toContain('bearerd_http_request_duration_seconds_count{route="/a"} 5\n')
  expect(body).not.toContain('bearerd_http_requests_in_flight{route="/a"}')
  expect(body).toContain('bearerd_http_requests_in_flight{route="/b"} 1\n')
})

test('the last requests of all workers come newest first, no more of them than one process would show', () => {
  const numbers = new WorkerNumbers(new Metrics('1.2.3'))
  const record = (id: string, atEpochMs: number): RequestRecord => ({
    id,
    atEpochMs,
    caller: undefined,
    route: '/a',
    method: 'GET',
    path: '/a',
    query: undefined,
    status: 200,
    durationMs: 5,
    token: 'hit',
    replay: undefined,
    upstreamStatus: 200,
    upstreamMs: 1,
    sentAfterMs: 1,
    refusedCall: undefined,
    error: undefined,
  })
  const even = Array.from({ length: 150 }, (_, index) => record(`even-${index}`, index * 2))
  const odd = Array.from({ length: 150 }, (_, index) => record(`odd-${index}`, index * 2 + 1))
  numbers.take(1, reportOf('/a', [], 0, even.toReversed()))
  numbers.take(2, reportOf('/a', [], 0, odd.toReversed()))
  const ids = numbers.recentRequests().map(({ id }) => id)
  expect(ids).toHaveLength(200)
  expect(ids.slice(0, 4)).toEqual(['odd-149', 'even-149', 'odd-148', 'even-148'])
})
