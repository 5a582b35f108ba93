import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway, until } from '../support/cli-admin-gateway.ts'
import { startApiGateway } from '../support/gateway.ts'
import { answerJson } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

describe('probes', () => {
  it.each(['/livez', '/healthz', '/readyz'])('GET %s is 200 while routes are served', async (path) => {
    const { gateway } = await apiGateway()
    await supertest(gateway.adminUrl)
      .get(path)
      .expect(200, 'ok\n')
      .expect('Content-Type', /^text\/plain/)
      .expect('Cache-Control', 'no-store')
    await supertest(gateway.adminUrl).head(path).expect(200)
  })

  it('GET /readyz?verbose lists the parts', async () => {
    const { gateway } = await apiGateway({ top: { admin: { listen: '127.0.0.1:0', ready_when: 'tokens' } } })
    await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200, 5_000)
    const { text } = await supertest(gateway.adminUrl).get('/readyz?verbose').expect(200)
    expect(text.split('\n')).toEqual(expect.arrayContaining(['[+]config ok', '[+]tokens ok', '[+]not_draining ok', 'ok']))
  })

  it('do not wait for tokens unless they are told to', async () => {
    const { gateway, endpoint } = await apiGateway()
    await supertest(gateway.adminUrl).get('/readyz').expect(200)
    expect(endpoint.requests).toHaveLength(0)
  })

  it('wait for tokens when they are told to, and come round when the token endpoint does, without any caller', async () => {
    const endpoint = await tokenEndpoint()
    const granted = endpoint.answer
    endpoint.answer = (response) => answerJson(response, { error: 'temporarily_unavailable' }, 503)
    const gateway = await startApiGateway('http://127.0.0.1:1', endpoint.url, {
      top: { admin: { listen: '127.0.0.1:0', ready_when: 'tokens' } },
    })
    await until(async () => endpoint.requests.length > 0, 5_000)
    const { text } = await supertest(gateway.adminUrl).get('/readyz?verbose').expect(503)
    expect(text).toContain('[-]tokens not ready')
    await supertest(gateway.adminUrl).get('/livez').expect(200)
    endpoint.answer = granted
    expect(
      await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200, 6_000),
      'ready after the token endpoint recovered',
    ).toBe(true)
  })

  it('that wait for tokens stay ready when nobody calls until a token expires: no caller would ever come again', async () => {
    const endpoint = await tokenEndpoint({ expiresIn: 1 })
    const gateway = await startApiGateway('http://127.0.0.1:1', endpoint.url, {
      top: { admin: { listen: '127.0.0.1:0', ready_when: 'tokens' } },
    })
    expect(await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200, 5_000)).toBe(true)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(
      await until(async () => (await fetch(`${gateway.adminUrl}/readyz`)).status === 200, 3_000),
      'ready after the first token expired',
    ).toBe(true)
  })

  it('say 503 while draining, while requests are still served', async () => {
    const { gateway } = await apiGateway({ top: { shutdown: { delay: '1s', grace: '1s' } } })
    const stopped = gateway.stop()
    const { text } = await supertest(gateway.adminUrl).get('/readyz?verbose').expect(503)
    expect(text).toContain('[-]not_draining not ready')
    await supertest(gateway.adminUrl).get('/livez').expect(200)
    expect((await fetch(`${gateway.url}/api/x`)).status).toBe(200)
    await stopped
  })
})
