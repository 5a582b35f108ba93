import supertest from 'supertest'
import { describe, expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { answerJson, sendRaw } from '../support/servers.ts'

describe('the status page', () => {
  it('has a policy that lets nothing in, and no script', async () => {
    const { gateway } = await apiGateway()
    const { text, headers } = await supertest(gateway.adminUrl)
      .get('/')
      .expect(200)
      .expect('Content-Type', /^text\/html/)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/script-src|unsafe-eval|\*/)
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['x-powered-by']).toBeUndefined()
    expect(text).not.toMatch(/<script|javascript:| on\w+=/i)
    expect(text).not.toContain(canary)
  })

  it('escapes what callers send', async () => {
    const { gateway } = await apiGateway()
    const path = `/api/<script>alert(1)</script>"'&<img/src=x>`
    await sendRaw(gateway.port, `GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await sendRaw(gateway.port, `GET /<b>none</b> HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    const { text } = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;&lt;img/src=x&gt;')
    expect(text).not.toMatch(/<script|<img|<b>none/)
  })

  it('shows a credential that failed, with the reason escaped', async () => {
    const { gateway, endpoint } = await apiGateway()
    endpoint.answer = (response) => answerJson(response, { error: '<script>x</script>' }, 400)
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { text } = await supertest(gateway.adminUrl).get('/').expect(200)
    expect(text).not.toContain('<script')
    expect(text).toContain('class="bad"')
  })
})
