import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'

function asked(path: string, method = 'GET', more = ''): string {
  return `/explain?method=${encodeURIComponent(method)}&path=${encodeURIComponent(path)}${more}`
}

describe('GET /explain', () => {
  it('says as JSON what would become of a request, and sends none', async () => {
    const { gateway, endpoint } = await apiGateway({ route: { query: { set: { key: canary } } } })
    const { body, text } = (await supertest(gateway.adminUrl)
      .get(asked('/api/orders?limit=5', 'POST'))
      .expect(200)) as unknown as {
      body: Record<string, unknown>
      text: string
    }
    expect(body).toMatchObject({
      method: 'POST',
      target: '/api/orders?limit=5',
      forwarded: true,
      route: '/api',
      credential: 'main',
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/orders\?limit=5&key=\*\*\*$/) as unknown,
      set: expect.arrayContaining([{ name: 'Authorization', value: 'Bearer ***' }]) as unknown,
      error: null,
    })
    expect(text).not.toContain(canary)
    expect(endpoint.requests).toHaveLength(0)
    expect((await gateway.metric('bearerd_http_requests_total{route="/api",method="POST",code="200"}')) ?? 0).toBe(0)
  })

  it('says what the gateway would refuse it with', async () => {
    const { gateway } = await apiGateway({ route: { methods: ['GET'] } })
    for (const [path, method, code] of [
      ['/elsewhere', 'GET', 'no_route'],
      ['/api/x', 'DELETE', 'method_not_allowed'],
      ['/api/../x', 'GET', 'bad_request'],
      ['/api/x', 'TRACE', 'method_not_allowed'],
    ] as const) {
      const { body } = await supertest(gateway.adminUrl).get(asked(path, method)).expect(200)
      expect(body, path).toMatchObject({ forwarded: false, error: { code } })
    }
    const { body } = await supertest(gateway.adminUrl)
      .get(asked('/api/x', 'GET', '&host=evil.example'))
      .expect(200)
    expect(body).toMatchObject({ error: { code: 'wrong_host' } })
  })

  it.each([
    '/explain',
    '/explain?method=GET',
    '/explain?method=BREW&path=/api',
    '/explain?path=/a&path=/b',
    '/explain?path[x]=1',
  ])('says 400 and how to ask: %s', async (path) => {
    const { gateway } = await apiGateway()
    const { body } = await supertest(gateway.adminUrl).get(path).expect(400)
    expect(body).toEqual({ error: expect.any(String) as unknown })
  })

  it('is a page for a browser, in which nothing that is asked is markup', async () => {
    const { gateway } = await apiGateway()
    const html = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }
    const hostile = '/api/<script>alert(1)</script>"><img src=x onerror=alert(1)>'
    for (const path of [
      asked(hostile),
      asked('/api/x', hostile),
      asked('/api/x', 'GET', `&host=${encodeURIComponent(hostile)}`),
    ]) {
      const { text } = await supertest(gateway.adminUrl)
        .get(path)
        .set(html)
        .expect('Content-Type', /^text\/html/)
      expect(text).not.toMatch(/<script>|<img/)
    }
    const { text } = await supertest(gateway.adminUrl).get(asked('/api/x')).set(html).expect(200)
    expect(text).toContain('The gateway would forward it.')
    expect(text).toContain('Bearer ***')
  })

  it('is for those only who may see the rest', async () => {
    const { gateway } = await apiGateway({
      top: { admin: { listen: '127.0.0.1:0', callers: [{ name: 'ops', api_key: 'key' }] } },
    })
    await supertest(gateway.adminUrl).get(asked('/api/x')).expect(401)
    await supertest(gateway.adminUrl).get(asked('/api/x')).auth('ops', 'key').expect(200)
  })
})
