import { expect, it } from 'vitest'
import { chromiumForTests, describeWithChromium, keepPicture, untilInPage } from '../support/chromium.ts'
import { startTestGateway } from '../support/gateway.ts'
import { overflowPx, unnamedParts } from '../support/page-checks.ts'
import { answerJson, httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const long = 'a-name-that-somebody-found-descriptive-and-that-does-not-end-before-it-has-said-everything'

describeWithChromium('the status page of a large gateway', () => {
  const open = chromiumForTests()

  it('stays usable with 1,000 routes, 50 credentials and long names, on a phone too', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const names = Array.from({ length: 50 }, (_, index) => `${long}-${index}`)
    const client = { token_endpoint: endpoint.url, client_id: 'client', client_secret: 'secret' }
    const gateway = await startTestGateway({
      credentials: Object.fromEntries(names.map((name) => [name, client])),
      routes: Array.from({ length: 1_000 }, (_, index) => ({
        path: `/${long}/${index}`,
        upstream: `${upstream.url}/${long}`,
        credential: names[index % 50],
      })),
    })
    const get = async (path: string): Promise<unknown> => await (await fetch(`${gateway.url}${path}`)).text()
    for (let route = 0; route < 120; route++) await get(`/${long}/${route}/orders`)
    await get(`/${long}/7/${'long'.repeat(1_000)}`)

    const status = await (await fetch(`${gateway.adminUrl}/status`)).text()
    expect(status.length).toBeLessThan(1_000_000)
    const html = await (await fetch(`${gateway.adminUrl}/`)).text()
    expect(html.length).toBeLessThan(500_000)

    for (const viewport of [
      { width: 360, height: 780 },
      { width: 1280, height: 900 },
    ]) {
      const { page } = await open(gateway.adminUrl, { viewport })
      expect(await overflowPx(page)).toBe(0)
      expect(await page.locator('.routes tbody tr').count()).toBe(40)
      await page.getByText('960 routes with fewer or no requests in the last hour').click()
      await page.getByText('And 860 others').waitFor()
      expect(await overflowPx(page)).toBe(0)
      expect(await unnamedParts(page)).toEqual([])
      await get(`/${long}/3/new-${viewport.width}`)
      await untilInPage(page, `document.querySelector('.requests tbody').textContent.includes('new-${viewport.width}')`)
      await keepPicture(page, `many-${viewport.width}`, false)
    }
  })
})
