import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { chromiumForTests, describeWithChromium, keepPicture } from '../support/chromium.ts'
import { startTestGateway } from '../support/gateway.ts'
import type { TestGateway } from '../support/gateway.ts'
import { overflowPx, unnamedParts, unreadableTexts } from '../support/page-checks.ts'
import { answerJson, httpServer, readBody } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** A gateway in which there is something of everything: tokens in each state, errors, a replay, a budget, a token per identity. */
async function gatewayWithEverything(): Promise<TestGateway> {
  const endpoint = await tokenEndpoint()
  const refusing = await tokenEndpoint()
  refusing.answer = (response) => answerJson(response, { error: 'invalid_client' }, 401)
  const upstream = await httpServer((request, response) => {
    void readBody(request).then(() => {
      const isRefused = request.url?.startsWith('/refused') === true
      const status = request.url === '/broken' ? 500 : request.url === '/missing' ? 404 : 200
      answerJson(response, {}, endpoint.isLive(request.headers.authorization) && !isRefused ? status : 401)
    })
  })
  const client = { token_endpoint: endpoint.url, client_id: 'client', client_secret: canary }
  const gateway = await startTestGateway({
    credentials: {
      orders: { ...client, token_requests: { limit: 100, window: '1h' } },
      idle: client,
      users: { ...client, token_request: { params: { user: '{request.header.X-User}' } } },
      wrong: { ...client, token_endpoint: refusing.url },
    },
    routes: [
      { path: '/orders', upstream: upstream.url, credential: 'orders' },
      { path: '/users', upstream: upstream.url, credential: 'users' },
      { path: '/wrong', upstream: upstream.url, credential: 'wrong' },
      { path: '/idle', upstream: upstream.url, credential: 'idle' },
      { path: '/plain', upstream: upstream.url },
    ],
  })
  const get = async (path: string, headers: Record<string, string> = {}): Promise<void> =>
    void (await (await fetch(`${gateway.url}${path}`, { headers })).text())
  for (const path of ['/orders/1', '/orders/2', '/orders/missing', '/orders/broken', '/nothing', '/wrong/1', '/plain/1'])
    await get(path)
  await get('/users/1', { 'X-User': 'alice' })
  endpoint.revokeAll()
  await get('/orders/3')
  return gateway
}

const forms: readonly (readonly [name: string, options: BrowserContextOptions])[] = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 780 }, hasTouch: true }],
  ['phone-dark', { colorScheme: 'dark', viewport: { width: 360, height: 780 }, hasTouch: true }],
]

async function textOf(page: Page, selector: string): Promise<string> {
  return (await page.locator(selector).innerText()).replaceAll(/\s+/g, ' ')
}

describeWithChromium('the status page in a browser', () => {
  const open = chromiumForTests()

  it('shows each credential with its state, its last events and what to do', async () => {
    const { adminUrl } = await gatewayWithEverything()
    const { page } = await open(adminUrl)
    const orders = await textOf(page, '#credential-orders')
    expect(orders).toMatch(/^orders Fresh /)
    expect(orders).toMatch(/Issued \d\d:\d\d:\d\d just now Renews .* in 5\d min Expires .* in (60 min|1 h)/)
    expect(orders).toContain('98 of 100 token requests left in 1 h.')
    expect(orders).toMatch(/What happened last: renewed just now after a refusal on \/orders, took [\d.]+ ms/)
    expect(await textOf(page, '#credential-idle')).toMatch(
      /^idle No token yet .* The first one is asked for when a caller needs it\./,
    )
    expect(await textOf(page, '#credential-users')).toMatch(/^users 1 token .* One token for each x-user that callers send\./)
    expect(await page.locator('#credential-users button').count()).toBe(0)
    const wrong = await textOf(page, '#credential-wrong')
    expect(wrong).toMatch(
      /^wrong No token .* invalid_client .*Nothing is asked for .*, unless you renew it now\. Check client_id/,
    )
    expect(await textOf(page, '#notices')).toBe('1 credential needs a look wrong (No token)')
    await page.locator('#credential-orders summary').click()
    expect(await page.locator('#credential-orders details li').count()).toBe(2)
  })

  it('shows the bar of a token for who sees it and for who does not', async () => {
    const { adminUrl } = await gatewayWithEverything()
    const { page } = await open(adminUrl)
    const life = page.locator('#credential-orders').getByRole('img', { name: /^0 percent of the token's life is over$/ })
    expect((await life.boundingBox())?.width).toBeGreaterThan(200)
    const [due, past] = await Promise.all(
      ['.due', '.past'].map(async (part) => (await page.locator(`#credential-orders .life ${part}`).boundingBox())?.width ?? NaN),
    )
    expect(due).toBeGreaterThan(5)
    expect(past).toBeLessThan(5)
  })

  it('shows each route with its charts, and the last requests with their way', async () => {
    const { adminUrl } = await gatewayWithEverything()
    const { page } = await open(adminUrl)
    await page.getByRole('img', { name: '5 requests in the last hour, at most 5 in a minute; 1 with 4xx, 1 with 5xx' }).waitFor()
    await page
      .getByRole('img', { name: /^half of the answers within [\d.]+ ms, 95 of 100 within [\d.]+ ms$/ })
      .first()
      .waitFor()
    await page.getByRole('img', { name: '1 refused token in the last hour; 1 made up for by a replay, 0 passed on' }).waitFor()
    expect(await textOf(page, '#tiles')).toMatch(/Requests 9 .*Errors 5 3 with 4xx, 2 with 5xx .*Refused tokens 1 1 made up for/)
    await page.getByText('1 route without a request in the last hour').click()
    expect(await textOf(page, '.others')).toContain('/idle')
    const newest = page.locator('.requests tbody tr').first()
    const way = (await newest.innerText()).replaceAll(/\s+/g, ' ')
    expect(way).toMatch(
      /GET \/orders\/3 200 token was there; upstream refused it with 401 after [\d.]+ ms; other token after [\d.]+ ms; upstream 200 after [\d.]+ ms; replayed/,
    )
    expect(await newest.locator('.waterfall rect').count()).toBeGreaterThanOrEqual(4)
    expect(await page.locator('.requests').innerText()).not.toContain('alice')
    expect(await page.content()).not.toContain(canary)
  })

  it.each(forms)('is readable, named and not too wide: %s', async (name, options) => {
    const { adminUrl } = await gatewayWithEverything()
    const { page } = await open(adminUrl, options)
    for (const summary of await page.locator('summary').all()) await summary.click()
    expect(await overflowPx(page)).toBe(0)
    expect(await unreadableTexts(page)).toEqual([])
    expect(await unnamedParts(page)).toEqual([])
    await keepPicture(page, name)
  })

  it('has landmarks, headings and tables that say what they are, on a phone too', async () => {
    const { adminUrl } = await gatewayWithEverything()
    for (const [, options] of forms.filter(([name]) => !name.includes('dark'))) {
      const { page } = await open(adminUrl, options)
      const tree = await page.locator('body').ariaSnapshot()
      for (const part of [
        '- banner:',
        '- heading "bearerd Ready" [level=1]',
        '- status: Live',
        '- button "Pause"',
        '- navigation "Sections":',
        '- main:',
        '- region "Credentials":',
        '- heading "orders" [level=3]',
        '- button "Renew orders now"',
        '- table "What went through each route in the last hour, minute by minute":',
        '- search "Filter the requests":',
        '- combobox "Route":',
        '- searchbox "Text"',
        '- table "The last requests, newest first":',
        '- contentinfo:',
      ])
        expect(tree).toContain(part)
      expect(tree).toMatch(/- row "GET \/orders|- row "\d\d:\d\d:\d\d GET \/orders\/3 200/)
    }
  })

  it('says that there is nothing, where there is nothing', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const { adminUrl } = await startTestGateway({ routes: [{ path: '/', upstream: upstream.url }] })
    const { page } = await open(adminUrl)
    expect(await textOf(page, 'main')).toMatch(/There are none\..*No request in the last hour\..*No request yet\./)
    await keepPicture(page, 'empty')
  })

  it('says the same without its script', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { page } = await open(gateway.adminUrl, { javaScriptEnabled: false })
    expect(await textOf(page, '#credential-main')).toContain('Fresh')
    expect(await page.locator('#filter').isVisible()).toBe(false)
    expect(await page.locator('#pause').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Renew main now' }).click()
    await page.getByText('What happened last: renewed just now by hand').waitFor()
    expect(page.url()).toBe(`${gateway.adminUrl}/`)
    await page.getByRole('link', { name: 'Explain GET /api/x' }).click()
    await page.getByText('The gateway would forward it.').waitFor()
    expect(await unnamedParts(page)).toEqual([])
    await page.getByLabel('Path').fill('/nowhere')
    await page.getByRole('button', { name: 'Explain' }).click()
    await page.getByText('The gateway would refuse it with 404.').waitFor()
    await keepPicture(page, 'explain-without-script')
  })
})
