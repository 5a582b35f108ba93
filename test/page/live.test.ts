import { expect, it } from 'vitest'
import { apiGateway } from '../support/cli-admin-gateway.ts'
import { chromiumForTests, describeWithChromium, keepPicture, untilInPage } from '../support/chromium.ts'
import { cuttableProxy } from '../support/cuttable-proxy.ts'
import { startTestGateway } from '../support/gateway.ts'
import { answerJson, httpServer } from '../support/servers.ts'

const newest = "(document.querySelector('.requests tbody tr .what')?.textContent ?? '')"

describeWithChromium('the status page, live', () => {
  const open = chromiumForTests()

  it('shows what happens without loading again, and leaves what somebody does there alone', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/api/first`)).text()
    const { page } = await open(gateway.adminUrl)
    await page.evaluate('globalThis.isSame = true')
    await page.locator('#credential-main summary').click()
    await page.getByLabel('Text').fill('api')
    const explain = page.getByRole('link', { name: 'Explain GET /api/first' })
    await explain.focus()
    const row = await page.locator('.requests tbody tr').first().elementHandle()

    await (await fetch(`${gateway.url}/api/second`)).text()
    await (await fetch(`${gateway.url}/elsewhere`)).text()
    await untilInPage(page, "document.querySelectorAll('.requests tbody tr').length === 3")
    expect(await page.evaluate('globalThis.isSame')).toBe(true)
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Explain GET /api/first')
    expect(await row?.evaluate((element) => (element as unknown as { rowIndex: number }).rowIndex)).toBe(3)
    expect(await page.locator('#credential-main details').getAttribute('open')).not.toBeNull()
    expect(await page.getByLabel('Text').inputValue()).toBe('api')
    // The filter holds for what comes in.
    expect(await page.locator('.requests tbody tr:visible').count()).toBe(2)
    expect(await page.locator('#filter-count').innerText()).toBe('2 of 3')
    expect(await page.locator('#tiles').innerText()).toMatch(/Requests\s+3/)
  })

  it('asks for nothing new while nothing is new', async () => {
    const { gateway } = await apiGateway()
    const { page } = await open(gateway.adminUrl)
    const statuses: number[] = []
    page.on('response', (response) => void statuses.push(response.status()))
    // Minutes go by all the same, and are news.
    await expect.poll(() => statuses.filter((status) => status === 304).length, { timeout: 30_000 }).toBeGreaterThanOrEqual(2)
  })

  it('can be paused, says so, and catches up', async () => {
    const { gateway } = await apiGateway()
    const { page } = await open(gateway.adminUrl)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('status').getByText('Paused').waitFor()
    expect(await page.getByRole('button', { name: 'Pause' }).getAttribute('aria-pressed')).toBe('true')
    let asked = 0
    page.on('request', () => asked++)
    await (await fetch(`${gateway.url}/api/x`)).text()
    await page.waitForTimeout(2_500)
    expect(asked).toBe(0)
    await page.getByRole('button', { name: 'Pause' }).click()
    await untilInPage(page, `${newest}.includes('/api/x')`)
    await page.getByRole('status').getByText('Live').waitFor()
  })

  it('says that the connection is lost, tries again, and resumes', async () => {
    const { gateway } = await apiGateway()
    const proxy = await cuttableProxy(Number(new URL(gateway.adminUrl).port))
    const { page, complaints } = await open(proxy.url)
    await page.evaluate('globalThis.isSame = true')
    proxy.cut()
    await page
      .getByRole('status')
      .getByText(/^Connection lost since \d\d:\d\d:\d\d, trying again$/)
      .waitFor()
    expect(await page.locator('#credential-main').isVisible()).toBe(true)
    await keepPicture(page, 'connection-lost')
    // Renewing now is said to have failed, not left hanging.
    await page.getByRole('button', { name: 'Renew main now' }).click()
    await page.locator('#credential-main .outcome').getByText('The gateway cannot be reached.').waitFor()
    await page.getByRole('link', { name: 'Credentials' }).click()
    await (await fetch(`${gateway.url}/api/meanwhile`)).text()
    proxy.mend()
    await untilInPage(page, `${newest}.includes('/api/meanwhile')`, 20_000)
    await page.getByRole('status').getByText('Live').waitFor()
    expect(await page.evaluate('globalThis.isSame')).toBe(true)
    expect(complaints.every((text) => /Failed to load resource: net::ERR_/.test(text))).toBe(true)
    complaints.length = 0
  })

  it('says so when it is not let in any more', async () => {
    let isLet = true
    const { gateway } = await apiGateway()
    const { url } = await httpServer((request, response) => {
      if (!isLet) response.writeHead(401).end()
      else
        void fetch(`${gateway.adminUrl}${request.url}`).then(async (answer) => {
          response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
          response.end(await answer.text())
        })
    })
    const { page, complaints } = await open(url)
    isLet = false
    await page
      .getByRole('status')
      .getByText(/^The gateway answers 401 since .*, trying again$/)
      .waitFor()
    isLet = true
    await page.getByRole('status').getByText('Live').waitFor()
    complaints.length = 0
  })

  it('loads again when another version of bearerd answers', async () => {
    const { gateway } = await apiGateway()
    let version = '1.0.0'
    const { url } = await httpServer((request, response) => {
      void fetch(`${gateway.adminUrl}${request.url}`).then(async (answer) => {
        response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
        response.end((await answer.text()).replaceAll('0.0.0-test', version))
      })
    })
    const { page } = await open(url)
    await page.evaluate('globalThis.isSame = true')
    version = '1.0.1'
    await untilInPage(page, 'globalThis.isSame === undefined')
    await page.getByText('version 1.0.1').waitFor()
  })

  it('does not keep the gateway from stopping', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await startTestGateway({ routes: [{ path: '/', upstream: upstream.url }], shutdown: { grace: '30s' } })
    const { page, complaints } = await open(gateway.adminUrl)
    const statuses: number[] = []
    page.on('response', (response) => void statuses.push(response.status()))
    await expect.poll(() => statuses.length, { timeout: 10_000 }).toBeGreaterThan(0)
    const startedMs = performance.now()
    await gateway.stop()
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    await page.getByRole('status').getByText('Connection lost').waitFor()
    complaints.length = 0
  })
})
