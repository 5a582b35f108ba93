import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { createExposition } from '../../src/telemetry/exposition.ts'
import { usedMetrics } from '../support/used-metrics.ts'

const openMetrics =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'

/** The contract's names, with their labels. */
const contract: Readonly<Record<string, readonly string[]>> = {
  bearerd_build_info: ['version'],
  bearerd_http_requests_total: ['route', 'method', 'code'],
  bearerd_http_request_duration_seconds: ['route'],
  bearerd_http_requests_in_flight: ['route'],
  bearerd_upstream_duration_seconds: ['route'],
  bearerd_replays_total: ['route', 'outcome'],
  bearerd_token_requests_total: ['credential', 'outcome'],
  bearerd_token_request_duration_seconds: ['credential'],
  bearerd_token_lookups_total: ['credential', 'result'],
  bearerd_token_expiry_timestamp_seconds: ['credential'],
  bearerd_token_rejections_total: ['credential', 'outcome'],
  bearerd_token_last_success_timestamp_seconds: ['credential'],
  bearerd_token_budget_remaining: ['credential'],
  bearerd_token_service_requests_total: ['credential', 'operation', 'code'],
  bearerd_token_service_request_duration_seconds: ['operation'],
  bearerd_token_store_up: ['store'],
  bearerd_config_last_reload_successful: [],
  bearerd_config_last_reload_success_timestamp_seconds: [],
  bearerd_token_renewal_timestamp_seconds: ['credential'],
  bearerd_token_budget_limit: ['credential'],
  bearerd_memory_limit_bytes: [],
}

const seriesOf = (body: string): string[] => body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
const typesOf = (body: string): Map<string, string> =>
  new Map([...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name ?? '', type ?? '']))

describe('both formats, alternately', () => {
  test('keep their names right, scrape after scrape', async () => {
    const expose = createExposition(usedMetrics())
    for (let round = 0; round < 3; round++) {
      const text = await expose(round === 0 ? undefined : '*/*')
      expect(text.contentType).toMatch(/^text\/plain; version=0\.0\.4/)
      expect(typesOf(text.body).get('bearerd_http_requests_total')).toBe('counter')
      expect(text.body).toContain('bearerd_http_requests_total{route="/api",method="GET",code="200"} 1\n')
      expect(text.body).not.toContain('# EOF')
      expect(text.body).not.toContain('_total_total')

      const open = await expose(openMetrics)
      expect(open.contentType).toMatch(/^application\/openmetrics-text; version=1\.0\.0/)
      expect(typesOf(open.body).get('bearerd_http_requests')).toBe('counter')
      expect(open.body).toContain('bearerd_http_requests_total{route="/api",method="GET",code="200"} 1\n')
      expect(open.body).not.toContain('_total_total')
      expect(open.body.endsWith('# EOF\n')).toBe(true)
      expect(open.body.match(/# EOF/g)).toHaveLength(1)
    }
  })

  test('have the same series of ours, at the same values', async () => {
    const expose = createExposition(usedMetrics())
    const ours = async (accept: string | undefined): Promise<string[]> =>
      seriesOf((await expose(accept)).body)
        .filter((line) => line.startsWith('bearerd_'))
        .sort()
    expect(await ours(openMetrics)).toEqual(await ours(undefined))
  })

  test('describe each family once, before its series', async () => {
    const expose = createExposition(usedMetrics())
    for (const accept of [undefined, openMetrics]) {
      const { body } = await expose(accept)
      const names = [...body.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name ?? '')
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) expect(body).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'))
      for (const line of seriesOf(body))
        expect(
          names.some((name) => line.startsWith(name)),
          line,
        ).toBe(true)
    }
  })

  test('see what was counted between two scrapes', async () => {
    const metrics = usedMetrics()
    const expose = createExposition(metrics)
    for (let count = 1; count <= 3; count++) {
      expect((await expose(count % 2 === 0 ? openMetrics : undefined)).body).toContain(`method="GET",code="200"} ${count}\n`)
      metrics.forRoute('/api').countRequest('GET', 200)
    }
  })
})

describe('the contract', () => {
  test.each(Object.entries(contract))('has %s with %j', async (name, labels) => {
    const { body } = await createExposition(usedMetrics())(undefined)
    expect(typesOf(body).has(name)).toBe(true)
    const own = seriesOf(body).filter((line) => new RegExp(`^${name}(_bucket|_sum|_count)?[{ ]`).test(line))
    expect(own.length).toBeGreaterThan(0)
    for (const line of own) {
      const found = [...line.matchAll(/[{,](\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le')
      expect(found).toEqual(labels)
    }
  })

  test('has no metric of ours besides', async () => {
    const { body } = await createExposition(usedMetrics())(undefined)
    expect([...typesOf(body).keys()].filter((name) => name.startsWith('bearerd_')).sort()).toEqual(Object.keys(contract).sort())
  })

  test('has the default metrics of the process and the runtime', async () => {
    const { body } = await createExposition(usedMetrics())(undefined)
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
      expect(typesOf(body).has(name)).toBe(true)
  })
})

describe('labels', () => {
  test('a method that a caller made up is "other", and any number of them is one series', async () => {
    const metrics = usedMetrics()
    for (let number = 0; number < 1_000; number++) metrics.forRoute('/api').countRequest(`M${number}`, 404)
    for (const method of ['get', 'Get', '__proto__', 'constructor', 'GET ', ''])
      metrics.forRoute('/api').countRequest(method, 404)
    const { body } = await createExposition(metrics)(undefined)
    const own = seriesOf(body).filter((line) => line.startsWith('bearerd_http_requests_total'))
    expect(own).toHaveLength(2)
    expect(body).toContain('bearerd_http_requests_total{route="/api",method="other",code="404"} 1006\n')
  })

  test.each(['HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s has its own', async (method) => {
    const metrics = usedMetrics()
    metrics.forRoute('/api').countRequest(method, 200)
    expect((await createExposition(metrics)(undefined)).body).toContain(`method="${method}",code="200"} 1\n`)
  })

  test('of odd configured names are escaped', async () => {
    const { body } = await createExposition(usedMetrics('/a"b\\c', 'line\nbreak'))(undefined)
    expect(body).toContain(String.raw`route="/a\"b\\c"`)
    expect(body).toContain(String.raw`credential="line\nbreak"`)
  })
})

test('the buckets of a histogram are cumulative, end with +Inf, and agree with its count', async () => {
  for (const accept of [undefined, openMetrics]) {
    const { body } = await createExposition(usedMetrics())(accept)
    const buckets = [
      ...body.matchAll(/^bearerd_http_request_duration_seconds_bucket\{route="\/api",le="([^"]+)"\} (\d+)$/gm),
    ].map(([, le, count]) => [le, Number(count)])
    expect(buckets[0]).toEqual(['0.005', 2])
    expect(buckets[1]).toEqual(['0.01', 3])
    expect(buckets.at(-2)).toEqual(['60', 4])
    expect(buckets.at(-1)).toEqual(['+Inf', 5])
    for (const [index, [, count]] of buckets.entries())
      expect(Number(count)).toBeGreaterThanOrEqual(Number(buckets[index - 1]?.[1] ?? 0))
    expect(body).toContain('bearerd_http_request_duration_seconds_count{route="/api"} 5\n')
    expect(Number(/_duration_seconds_sum\{route="\/api"\} (\S+)/.exec(body)?.[1])).toBeCloseTo(61.3101, 6)
  }
})

const hasPromtool = spawnSync('promtool', ['--version']).status === 0
const isCi = process.env['CI'] === 'true'

test.skipIf(!hasPromtool && !isCi)('promtool finds nothing wrong with the text', async () => {
  const { body } = await createExposition(usedMetrics())(undefined)
  const check = (text: string) => spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  const whole = check(body)
  expect(whole.error, 'promtool is needed on the build machine').toBeUndefined()
  // It exits with 1 when it cannot parse, with 3 when a name breaks a convention: the client library's own metrics do.
  expect(whole.status, whole.stderr).not.toBe(1)
  const ours = body.split('\n').filter((line) => /^(# \w+ )?bearerd_/.test(line))
  const { status, stdout, stderr } = check(`${ours.join('\n')}\n`)
  expect(`${stdout}${stderr}`.trim()).toBe('')
  expect(status).toBe(0)
})
