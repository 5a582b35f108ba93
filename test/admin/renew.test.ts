import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { answerJson } from '../support/servers.ts'

describe('POST /credentials/NAME/renew', () => {
  it('gets a new token and answers with what changed, never with the token', async () => {
    const { gateway, endpoint } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { body, text } = (await supertest(gateway.adminUrl)
      .post('/credentials/main/renew')
      .set('Accept', 'application/json')
      .expect(200)) as unknown as { body: Record<string, unknown>; text: string }
    expect(body).toMatchObject({
      credential: 'main',
      fingerprint: expect.any(String) as unknown,
      expires: expect.stringMatching(/Z$/) as unknown,
    })
    expect(text).not.toContain('token-2')
    expect(endpoint.requests).toHaveLength(2)
    await (await fetch(`${gateway.url}/api/x`)).text()
    expect(endpoint.requests).toHaveLength(2)
  })

  it('answers JSON to curl, and goes back to the page in a browser', async () => {
    const { gateway } = await apiGateway()
    await supertest(gateway.adminUrl)
      .post('/credentials/main/renew')
      .set('Accept', '*/*')
      .expect(200)
      .expect('Content-Type', /^application\/json/)
    await supertest(gateway.adminUrl)
      .post('/credentials/main/renew')
      .set('Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8')
      .set('Origin', gateway.adminUrl)
      .set('Sec-Fetch-Site', 'same-origin')
      .expect(303)
      .expect('Location', '/')
  })

  it('says 404 for a name that there is not', async () => {
    const { gateway } = await apiGateway()
    for (const name of ['other', '__proto__', 'constructor', '%3Cscript%3E', 'main%2Frenew', 'main%00']) {
      await supertest(gateway.adminUrl).post(`/credentials/${name}/renew`).expect(404)
    }
  })

  it('says 400 for a name that cannot be decoded', async () => {
    const { gateway } = await apiGateway()
    await supertest(gateway.adminUrl).post('/credentials/%ZZ/renew').expect(400)
  })

  it('says 502 with the reason when the token endpoint refuses, and keeps the old token', async () => {
    const { gateway, endpoint } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client', error_description: canary }, 401)
    const { body } = (await supertest(gateway.adminUrl).post('/credentials/main/renew').expect(502)) as unknown as {
      body: Record<string, unknown>
    }
    expect(body).toMatchObject({ credential: 'main', error: expect.stringContaining('invalid_client') as unknown })
    expect(JSON.stringify(body)).not.toContain(canary)
    expect((await fetch(`${gateway.url}/api/x`)).status).toBe(200)
    await supertest(gateway.adminUrl).post('/credentials/main/renew').set('Accept', 'text/html').expect(303)
  })

  it('makes one token request for many at once', async () => {
    const { gateway, endpoint } = await apiGateway()
    const granted = endpoint.answer
    endpoint.answer = async (response, next) => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      await granted(response, next)
    }
    await Promise.all(Array.from({ length: 10 }, () => supertest(gateway.adminUrl).post('/credentials/main/renew').expect(200)))
    expect(endpoint.requests).toHaveLength(1)
  })

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'http://localhost:1' },
    { origin: 'http://127.0.0.1', 'sec-fetch-site': 'same-site' },
  ])('is refused to pages of other sites: %j', async (headers) => {
    const { gateway, endpoint } = await apiGateway()
    await supertest(gateway.adminUrl)
      .post('/credentials/main/renew')
      .set(headers as Record<string, string>)
      .expect(403)
    expect(endpoint.requests).toHaveLength(0)
  })

  it('does nothing by GET', async () => {
    const { gateway, endpoint } = await apiGateway()
    const { status } = await supertest(gateway.adminUrl).get('/credentials/main/renew')
    expect([404, 405]).toContain(status)
    expect(endpoint.requests).toHaveLength(0)
  })
})
