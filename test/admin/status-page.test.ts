import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'

const pageFiles = ['page.js', 'actions.js', 'filter.js', 'live.js', 'morph.js', 'page.css', 'icon.svg']

describe('the status page', () => {
  it('has a policy that lets nothing in but its own files, and nothing inline that would need more', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { text, headers } = await supertest(gateway.adminUrl)
      .get('/')
      .expect(200)
      .expect('Content-Type', /^text\/html/)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("style-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['x-powered-by']).toBeUndefined()
    expect(text.match(/<script/g)).toHaveLength(1)
    expect(text).not.toMatch(/<style|\sstyle=|javascript:|\son\w+=/i)
    expect(text).not.toContain(canary)
  })

  it('loads its files from the same place, and nothing from any other', async () => {
    const { gateway } = await apiGateway()
    for (const name of pageFiles) {
      const { text, body, headers } = await supertest(gateway.adminUrl).get(`/page/${name}`).expect(200)
      expect(headers['content-type'], name).toMatch(/^(text\/javascript|text\/css|image\/svg\+xml)/)
      expect(text ?? String(body), name).not.toMatch(/(?:import|fetch|url)[^'"\n]{0,20}['"(]+(?:https?:)?\/\//)
    }
    for (const path of [
      '/page/',
      '/page/tsconfig.json',
      '/page/..%2fpackage.json',
      '/page/%2e%2e/package.json',
      '/page/toString',
    ])
      await supertest(gateway.adminUrl).get(path).expect(404)
  })

  it('says 304 to a page that has it already, and the whole again when something has happened', async () => {
    const { gateway } = await apiGateway()
    const { headers } = await supertest(gateway.adminUrl).get('/page/page.js')
    const etag = String(headers['etag'])
    await supertest(gateway.adminUrl).get('/page/page.js').set('If-None-Match', etag).expect(304)
    const page = await supertest(gateway.adminUrl).get('/')
    const again = await supertest(gateway.adminUrl).get('/').set('If-None-Match', String(page.headers['etag']))
    expect(again.status).toBe(304)
    expect(again.text).toBe('')
    await (await fetch(`${gateway.url}/api/x`)).text()
    const askAgain = () => supertest(gateway.adminUrl).get('/').set('If-None-Match', String(page.headers['etag']))
    await expect.poll(async () => (await askAgain()).status, { timeout: 5_000 }).toBe(200)
  })

  it('is put together anew for who comes or has done something', async () => {
    const { gateway } = await apiGateway()
    await supertest(gateway.adminUrl).get('/')
    await (await fetch(`${gateway.url}/api/x`)).text()
    expect((await supertest(gateway.adminUrl).get('/')).text).toContain('/api/x')
  })

  it('shows nothing of itself to who is not known', async () => {
    const { gateway } = await apiGateway({
      top: { admin: { listen: '127.0.0.1:0', callers: [{ name: 'ops', api_key: 'key' }] } },
    })
    for (const path of ['/', ...pageFiles.map((name) => `/page/${name}`)]) await supertest(gateway.adminUrl).get(path).expect(401)
  })

  it('escapes what callers send', async () => {
    const { gateway } = await apiGateway()
    const path = `/api/<script>alert(1)</script>"'&<img/src=x>`
    await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await sendRaw(gateway.port, `GET /<b>none</b> HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    const { text } = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img/src=x&gt;')
    expect(text).not.toMatch(/<script>|<img|<b>none/)
  })

  it('does not grow with what callers send', async () => {
    const { gateway } = await apiGateway()
    for (let count = 0; count < 110; count++) await (await fetch(`${gateway.url}/nothing/${'<'.repeat(2_500)}${count}`)).text()
    const { text } = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(text.match(/data-status="404"/g)).toHaveLength(100)
    expect(text.length).toBeLessThan(1_000_000)
  })

  it('explains a request to a route of a host as one to that host', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await startTestGateway({
      hosts: ['known.example'],
      routes: [{ host: 'known.example', path: '/api', upstream: upstream.url }],
    })
    await sendRaw(gateway.port, 'GET /api/x HTTP/1.1\r\nHost: known.example\r\nConnection: close\r\n\r\n')
    const { text } = await supertest(gateway.adminUrl).get('/')
    const [, link = ''] = /href="(\/explain[^"]*)"/.exec(text) ?? []
    const { body } = await supertest(gateway.adminUrl).get(link.replaceAll('&amp;', '&')).expect(200)
    expect(body).toMatchObject({ forwarded: true, route: 'known.example/api' })
  })

  it('shows a credential that failed, with the reason escaped and what to do', async () => {
    const { gateway, endpoint } = await apiGateway()
    endpoint.answer = (response) => answerJson(response, { error: '<script>x</script>' }, 400)
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { text } = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(text).not.toContain('<script>')
    expect(text).toContain('1 credential needs a look')
    expect(text).toContain('No token')
    expect(text).toContain('Check client_id, client_secret and scope')
  })
})
