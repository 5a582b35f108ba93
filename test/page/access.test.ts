import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { apiGateway } from '../support/cli-admin-gateway.ts'
import { chromiumForTests, describeWithChromium, untilInPage } from '../support/chromium.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer } from '../support/servers.ts'

const key = 'canary-key-of-ops'
const callers = [{ name: 'ops', api_key: key }]

describeWithChromium('the status page behind a door', () => {
  const open = chromiumForTests()

  it('works whole for who has a key: its files, the news, renewing and explaining', async () => {
    const { gateway, endpoint } = await apiGateway({ top: { admin: { listen: '127.0.0.1:0', callers } } })
    const { page } = await open(gateway.adminUrl, { httpCredentials: { username: 'ops', password: key } })
    await (await fetch(`${gateway.url}/api/x`)).text()
    await untilInPage(page, "document.querySelectorAll('.requests tbody tr').length === 1")
    await page.getByRole('button', { name: 'Renew main now' }).click()
    await page.locator('#credential-main .outcome').getByText('Renewed').waitFor()
    expect(endpoint.requests).toHaveLength(2)
    await page.getByRole('link', { name: 'Explain GET /api/x' }).click()
    await page.getByRole('dialog').getByText('The gateway would forward it.').waitFor()
    expect(await page.content()).not.toContain(key)
  })

  it.skipIf(!hasOpenssl)('works over TLS', async () => {
    const { cert, key: privateKey } = certificateAuthority().issue('admin')
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await startTestGateway({
      admin: { listen: '127.0.0.1:0', callers, tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(privateKey, 'utf8') } },
      routes: [{ path: '/api', upstream: upstream.url }],
    })
    expect(gateway.adminUrl).toMatch(/^https:/)
    const { page } = await open(gateway.adminUrl, {
      httpCredentials: { username: 'ops', password: key },
      ignoreHTTPSErrors: true,
    })
    await (await fetch(`${gateway.url}/api/x`)).text()
    await untilInPage(page, "document.querySelectorAll('.requests tbody tr').length === 1")
  })

  it('cannot be framed, and its buttons cannot be pressed by the page of another site', async () => {
    const { gateway, endpoint } = await apiGateway()
    const evil = await httpServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(
        `<html data-script><iframe src="${gateway.adminUrl}/"></iframe><form method="post" action="${gateway.adminUrl}/credentials/main/renew"><button>Win</button></form></html>`,
      )
    })
    const { page, complaints } = await open(evil.url)
    expect(await page.frameLocator('iframe').locator('#credential-main').count()).toBe(0)
    await page.getByRole('button', { name: 'Win' }).click()
    await page.getByText('Requests from pages of other sites are refused.').waitFor()
    expect(endpoint.requests).toHaveLength(0)
    expect(complaints.splice(0).join('\n')).toContain('frame-ancestors')
  })
})
