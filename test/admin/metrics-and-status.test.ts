import supertest from 'supertest'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Status } from '../../src/admin/status.ts'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { startApiGateway } from '../support/gateway.ts'
import { answerJson } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

describe('GET /metrics', () => {
  it('is Prometheus text, or OpenMetrics when asked for, whichever was asked for first', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    const openMetrics = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
    for (const accept of ['*/*', openMetrics, 'text/plain', openMetrics, '*/*']) {
      const { text } = await supertest(gateway.adminUrl)
        .get('/metrics')
        .set('Accept', accept)
        .expect(200)
        .expect(
          'Content-Type',
          accept === openMetrics ? /^application\/openmetrics-text; ?version=1\.0\.0/ : /^text\/plain; ?version=0\.0\.4/,
        )
      expect(text).toMatch(/^bearerd_http_requests_total\{route="\/api",method="GET",code="200"\} 1$/m)
      expect(text).toMatch(
        accept === openMetrics ? /^# TYPE bearerd_http_requests counter$/m : /^# TYPE bearerd_http_requests_total counter$/m,
      )
      expect(text.endsWith('# EOF\n')).toBe(accept === openMetrics)
      expect(text).toContain('process_cpu_seconds_total')
    }
  })

  it('has every name of the contract', async () => {
    const { gateway } = await apiGateway({ credential: { token_requests: { limit: 5, window: '1h' } } })
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { text } = await supertest(gateway.adminUrl).get('/metrics')
    for (const name of [
      'build_info',
      'http_requests_total',
      'http_request_duration_seconds',
      'http_requests_in_flight',
      'upstream_duration_seconds',
      'replays_total',
      'token_requests_total',
      'token_request_duration_seconds',
      'token_lookups_total',
      'token_expiry_timestamp_seconds',
      'token_rejections_total',
      'token_last_success_timestamp_seconds',
      'token_budget_remaining',
      'token_store_up',
      'config_last_reload_successful',
      'config_last_reload_success_timestamp_seconds',
      'token_renewal_timestamp_seconds',
      'token_budget_limit',
      'memory_limit_bytes',
    ])
      expect(text, name).toMatch(new RegExp(`^# TYPE bearerd_${name} `, 'm'))
    expect(text).not.toMatch(/token-1|canary|127\.0\.0\.1/)
    expect(text).toMatch(/^bearerd_token_budget_remaining\{credential="main"\} 4$/m)
  })

  it.each([
    [256 * 1_048_576, '268435456'],
    [0, undefined],
    [2 ** 64, undefined],
  ])('says what memory there may be when the platform sets a limit: %d', async (constrained, shown) => {
    const asked = vi.spyOn(process, 'constrainedMemory').mockReturnValue(constrained)
    onTestFinished(() => asked.mockRestore())
    const { gateway } = await apiGateway()
    const { text } = await supertest(gateway.adminUrl).get('/metrics')
    expect(/^bearerd_memory_limit_bytes (\d+)$/m.exec(text)?.[1]).toBe(shown)
  })
})

describe('GET /status', () => {
  it('shows routes, credentials and the last requests, never a secret', async () => {
    const { gateway } = await apiGateway({ credential: { scope: 'order' } })
    await (await fetch(`${gateway.url}/api/orders?key=canary-query`, { headers: { 'x-key': 'canary-field' } })).text()
    const { body, text } = (await supertest(gateway.adminUrl)
      .get('/status')
      .expect(200)
      .expect('Content-Type', /^application\/json/)
      .expect('Cache-Control', 'no-store')) as unknown as { body: Record<string, unknown>; text: string }
    expect(body).toMatchObject({
      version: '0.0.0-test',
      ready: true,
      routes: [{ path: '/api', credential: 'main' }],
      credentials: [
        {
          name: 'main',
          provider: null,
          state: 'fresh',
          renewing: false,
          callers_waiting: 0,
          last_error: null,
          back_off_seconds: 0,
          cool_down_seconds: 0,
          budget_remaining: null,
        },
      ],
      recent_requests: [
        {
          method: 'GET',
          path: '/api/orders',
          status: 200,
          route: '/api',
          token: 'wait',
          upstream_status: 200,
          error: null,
          replay: null,
        },
      ],
    })
    expect(Object.keys(body).sort()).toEqual([
      'configuration',
      'credentials',
      'ready',
      'recent_requests',
      'routes',
      'uptime_seconds',
      'version',
    ])
    const [credential] = body['credentials'] as Record<string, string>[]
    const lifeMs = Date.parse(credential?.['expires'] ?? '') - Date.parse(credential?.['issued'] ?? '')
    expect(lifeMs).toBeGreaterThan(3_500_000)
    expect(lifeMs).toBeLessThanOrEqual(3_600_000)
    expect(Date.parse(credential?.['renews'] ?? '')).toBeLessThan(Date.parse(credential?.['expires'] ?? ''))
    expect(credential?.['fingerprint']).toMatch(/^\S{4,}$/)
    for (const leak of [canary, 'token-1', 'canary-query', 'canary-field']) expect(text).not.toContain(leak)
  })

  it('shows what went through each route in the last hour', async () => {
    const { gateway } = await apiGateway()
    for (const path of ['/api/a', '/api/b', '/nothing']) await (await fetch(`${gateway.url}${path}`)).text()
    const { body } = (await supertest(gateway.adminUrl).get('/status')) as unknown as { body: Status }
    expect(body.routes).toEqual([
      {
        path: '/api',
        upstream: expect.any(String) as unknown,
        credential: 'main',
        in_flight: 0,
        last_hour: {
          requests: 2,
          client_errors: 0,
          server_errors: 0,
          refusals: 0,
          replays: 0,
          p50_ms: expect.any(Number) as unknown,
          p95_ms: expect.any(Number) as unknown,
        },
      },
    ])
  })

  it('shows the way of a request that was replayed, and what it did to the token', async () => {
    const { gateway, endpoint } = await apiGateway({ credential: { token_requests: { limit: 5, window: '1h' } } })
    await (await fetch(`${gateway.url}/api/a`)).text()
    endpoint.revokeAll()
    expect((await fetch(`${gateway.url}/api/b`)).status).toBe(200)
    const { body } = (await supertest(gateway.adminUrl).get('/status')) as unknown as { body: Status }
    const [request, before] = body.recent_requests
    expect(request).toMatchObject({ replay: 'accepted', upstream_status: 200, first_attempt: { status: 401 } })
    const { sent_after_ms: first = 0, upstream_ms: refusedMs = 0 } = request?.first_attempt ?? {}
    expect(request?.sent_after_ms ?? 0).toBeGreaterThanOrEqual(first + refusedMs)
    expect((request?.sent_after_ms ?? 0) + (request?.upstream_ms ?? 0)).toBeLessThanOrEqual((request?.duration_ms ?? 0) + 0.2)
    expect(before).toMatchObject({ token: 'wait', first_attempt: null })
    expect(body.credentials[0]).toMatchObject({
      budget: { limit: 5, window_seconds: 3_600 },
      history: [
        { event: 'obtained', purpose: 'rejection', route: '/api', count: 1, code: null },
        { event: 'obtained', purpose: 'callers', route: null },
      ],
    })
  })

  it.each([
    [undefined, null],
    [{ query: false }, null],
    [{ query: true }, '?key=of-caller'],
  ])('shows queries where the access log may: %j', async (access_log, query) => {
    const { gateway } = await apiGateway({ top: access_log === undefined ? {} : { access_log } })
    await (await fetch(`${gateway.url}/api/a?key=of-caller`)).text()
    const { body, text } = (await supertest(gateway.adminUrl).get('/status')) as unknown as { body: Status; text: string }
    expect(body.recent_requests[0]).toMatchObject({ path: '/api/a', query })
    const page = await supertest(gateway.adminUrl).get('/')
    expect((text + page.text).includes('of-caller')).toBe(query !== null)
  })

  it('shows why there is no token', async () => {
    const { gateway, endpoint } = await apiGateway()
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client', error_description: canary }, 401)
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { body, text } = (await supertest(gateway.adminUrl).get('/status')) as unknown as {
      body: { credentials: Record<string, unknown>[] }
      text: string
    }
    expect(body.credentials[0]).toMatchObject({
      state: 'none',
      fingerprint: null,
      expires: null,
      last_error: { message: expect.stringContaining('invalid_client') as unknown },
    })
    expect(body.credentials[0]?.['back_off_seconds']).toBeGreaterThan(0)
    expect(text).not.toContain(canary)
  })

  it('does not show a key in the query of a token endpoint', async () => {
    const endpoint = await tokenEndpoint()
    const gateway = await startApiGateway('http://127.0.0.1:1', `${endpoint.url}?api_key=canary-query`)
    for (const path of ['/status', '/'])
      expect((await supertest(gateway.adminUrl).get(path)).text, path).not.toContain('canary-query')
    expect(JSON.stringify(gateway.log)).not.toContain('canary-query')
  })
})
