import { describe, expect, it } from 'vitest'
import { callersForTest, tally } from '../support/fleet-load.ts'
import { until, untilCalm } from '../support/fleet-processes.ts'
import { fleetProvider, tokenMark } from '../support/fleet-provider.ts'
import { servedBy, startWithWorkers } from '../support/workers.ts'

interface ShownRequest {
  readonly id: string
  readonly at: string
  readonly duration_ms: number
}

describe('two workers behind one address', () => {
  it('make one token request for 200 callers, one after a revocation under load, and are one gateway to whoever looks', async () => {
    const provider = await fleetProvider()
    const mayGrant = Promise.withResolvers<void>()
    provider.before = () => mayGrant.promise
    const gateway = await startWithWorkers(provider)

    const burst = callersForTest().burst([gateway.url], 200)
    await until('all wait', async () => (await waitingAt(gateway)) === 200)
    mayGrant.resolve()
    expect(tally(await burst)).toEqual({ 200: 200 })
    expect(provider.tokenRequests).toHaveLength(1)

    // Connections of their own: of those that have served, callers would use the last ones again, whosever they are.
    const load = callersForTest().keepCalling([gateway.url], { callers: 20, periodMs: 20 })
    await until('the load runs', () => load.answers.length > 200)
    provider.revokeAll()
    await until('the load has gone on', () => load.answers.length > 600)
    await untilCalm([gateway], provider)
    const answers = await load.stop()
    expect(tally(answers)).toEqual({ 200: answers.length })
    expect(provider.tokenRequests).toHaveLength(2)

    const total = 200 + answers.length
    await until('every request is logged', () => requestsOf(gateway).length === total)
    expect(await gateway.metric('bearerd_http_requests_total{route="/api",method="GET",code="200"}')).toBe(total)
    expect(await gateway.metric('bearerd_http_request_duration_seconds_count{route="/api"}')).toBe(total)
    expect(await gateway.metric('bearerd_http_requests_in_flight{route="/api"}')).toBe(0)
    expect(await gateway.metric('bearerd_token_requests_total{credential="main",outcome="success"}')).toBe(2)
    const lookups = ['hit', 'wait', 'error'].map((result) => `bearerd_token_lookups_total{credential="main",result="${result}"}`)
    const [hits = 0, waits = 0, errors] = await Promise.all(lookups.map(async (series) => await gateway.metric(series)))
    expect(hits + waits).toBe(total)
    expect(waits).toBeGreaterThanOrEqual(200)
    expect(errors).toBe(0)
    expect(await gateway.metric('bearerd_workers')).toBe(2)
    expect(await gateway.metric('bearerd_build_info{version="0.1.0"}')).toBe(1)

    // Both have had their share, every line is whole, and no two requests have the same id.
    const shares = servedBy(gateway)
    expect(Object.keys(shares)).toEqual(['1', '2'])
    for (const share of Object.values(shares)) expect(share).toBeGreaterThan(total / 4)
    expect(new Set(requestsOf(gateway).map(({ request_id }) => request_id)).size).toBe(total)

    const status = (await (await fetch(`${gateway.adminUrl}/status`)).json()) as {
      readonly recent_requests: readonly ShownRequest[]
    }
    expect(status.recent_requests).toHaveLength(200)
    expect(new Set(status.recent_requests.map(({ id }) => id.split('-')[0])).size).toBe(2)
    const ends = status.recent_requests.map(({ at, duration_ms }) => Date.parse(at) + duration_ms)
    expect(ends).toEqual(ends.toSorted((a, b) => b - a))

    const page = await (await fetch(`${gateway.adminUrl}/`)).text()
    for (const text of [gateway.output().stdout, gateway.output().stderr, JSON.stringify(status), page]) {
      expect(text).not.toContain(tokenMark)
      expect(text).not.toContain('canary-client-secret')
    }
  }, 60_000)

  it('say the same as one process when there is no token', async () => {
    const provider = await fleetProvider()
    provider.fields = () => {
      throw new Error('invalid_client')
    }
    const gateway = await startWithWorkers(provider)
    const answers = await Promise.all(Array.from({ length: 4 }, async () => await fetch(gateway.url)))
    for (const answer of answers) {
      expect(answer.status).toBe(502)
      expect(await answer.json()).toMatchObject({
        code: 'token_refused',
        route: '/api',
        detail: expect.stringContaining('invalid_client') as string,
      })
    }
    expect(provider.tokenRequests).toHaveLength(1)
    expect(await gateway.metric('bearerd_token_lookups_total{credential="main",result="error"}')).toBe(4)
  })
})

/** How many callers wait for a token. */
async function waitingAt({ adminUrl }: { readonly adminUrl: string }): Promise<number | undefined> {
  const status = (await (await fetch(`${adminUrl}/status`)).json()) as {
    readonly credentials: readonly { readonly callers_waiting: number }[]
  }
  return status.credentials[0]?.callers_waiting
}

function requestsOf(gateway: {
  log(): readonly Readonly<Record<string, unknown>>[]
}): readonly Readonly<Record<string, unknown>>[] {
  return gateway.log().filter(({ message }) => message === 'request')
}
