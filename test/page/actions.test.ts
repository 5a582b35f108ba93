import { expect, it } from 'vitest'
import { apiGateway, canary } from '../support/cli-admin-gateway.ts'
import { chromiumForTests, describeWithChromium, keepPicture, untilInPage } from '../support/chromium.ts'
import { unnamedParts, unreadableTexts } from '../support/page-checks.ts'
import { reloadable } from '../support/reloadable-gateway.ts'
import { answerJson, httpServer } from '../support/servers.ts'

describeWithChromium('what the status page does', () => {
  const open = chromiumForTests()

  it('renews a token, says what came of it, and keeps the focus', async () => {
    const { gateway, endpoint } = await apiGateway()
    const { page } = await open(gateway.adminUrl)
    const renew = page.getByRole('button', { name: 'Renew main now' })
    await renew.focus()
    await page.keyboard.press('Enter')
    const outcome = page.locator('#credential-main .outcome')
    await outcome.getByText(/^Renewed: token [0-9a-f]{12}$/).waitFor()
    const fingerprint = (await outcome.innerText()).slice('Renewed: token '.length)
    await page.locator('#credential-main .facts code').getByText(fingerprint).waitFor()
    await page.locator('#announcements').getByText(`Renew main now: Renewed: token ${fingerprint}`).waitFor({ state: 'attached' })
    expect(endpoint.requests).toHaveLength(1)
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Renew main now')
    expect(page.url()).toBe(`${gateway.adminUrl}/`)
    expect(await page.content()).not.toContain('token-1')
  })

  it('asks once, however often the button is pressed meanwhile', async () => {
    const { gateway, endpoint } = await apiGateway()
    const granted = endpoint.answer
    const mayGrant = Promise.withResolvers<void>()
    endpoint.answer = async (response, next) => {
      await mayGrant.promise
      await granted(response, next)
    }
    const { page } = await open(gateway.adminUrl)
    const renew = page.getByRole('button', { name: 'Renew main now' })
    await renew.click()
    await page.locator('#credential-main .outcome').getByText('Asking for a new token …').waitFor()
    await page.locator('#credential-main').getByText('A token request is under way.').waitFor()
    await renew.click({ force: true })
    await renew.click({ force: true })
    mayGrant.resolve()
    await page.locator('#credential-main .outcome').getByText('Renewed').waitFor()
    expect(endpoint.requests).toHaveLength(1)
  })

  it('says why a token could not be renewed', async () => {
    const { gateway, endpoint } = await apiGateway()
    endpoint.answer = (response) => answerJson(response, { error: 'invalid_client', error_description: canary }, 401)
    const { page, complaints } = await open(gateway.adminUrl)
    await page.getByRole('button', { name: 'Renew main now' }).click()
    await page
      .locator('#credential-main .outcome')
      .getByText(/^no token for the credential main: .*invalid_client.*check its client_id/)
      .waitFor()
    await page.locator('#credential-main').getByText('No token', { exact: true }).waitFor()
    await page.locator('#notices').getByText('1 credential needs a look').waitFor()
    // What the news leave alone keeps its colour, too.
    expect(await page.locator('#credential-main .outcome').getAttribute('data-state')).toBe('bad')
    expect(await page.content()).not.toContain(canary)
    expect(complaints.splice(0)).toEqual([expect.stringContaining('502')])
  })

  it('explains a request that was made, and goes back to where it was asked', async () => {
    const { gateway, endpoint } = await apiGateway({ route: { headers: { set: { 'X-Key': canary } } } })
    await (await fetch(`${gateway.url}/api/orders`)).text()
    const { page } = await open(gateway.adminUrl)
    await page.getByRole('link', { name: 'Explain GET /api/orders' }).click()
    const dialog = page.getByRole('dialog', { name: 'GET /api/orders' })
    await dialog.getByText('The gateway would forward it.').waitFor()
    await dialog.getByText('Authorization: Bearer ***').waitFor()
    await dialog.getByText('X-Key: ***').waitFor()
    expect(await page.evaluate('document.activeElement.id')).toBe('explanation-title')
    expect(await unreadableTexts(page)).toEqual([])
    expect(await unnamedParts(page)).toEqual([])
    await keepPicture(page, 'explain')
    await page.keyboard.press('Escape')
    expect(await page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe('Explain GET /api/orders')
    expect(await page.content()).not.toContain(canary)
    expect(endpoint.requests).toHaveLength(1)
  })

  it('explains any request that somebody types', async () => {
    const { gateway } = await apiGateway({ route: { methods: ['GET'] } })
    const { page, complaints } = await open(gateway.adminUrl)
    await page.getByLabel('Method').selectOption('DELETE')
    await page.getByLabel('Path').fill('/api/x?a=1')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'DELETE /api/x?a=1' }).getByText('The gateway would refuse it with 405.').waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByLabel('Method').selectOption('GET')
    await page.getByLabel('Path').fill('/api/x')
    await page.getByRole('button', { name: 'Explain' }).click()
    const dialog = page.getByRole('dialog', { name: 'GET /api/x' })
    await dialog.getByRole('link', { name: 'main' }).click()
    expect(await page.getByRole('dialog').count()).toBe(0)
    await untilInPage(page, "location.hash === '#credential-main'")
    expect(complaints).toEqual([])
  })

  it('finds requests by route, status and text, and keeps in the address what was looked for', async () => {
    const { gateway } = await apiGateway()
    for (const path of ['/api/orders', '/api/users', '/nothing/here']) await (await fetch(`${gateway.url}${path}`)).text()
    const { page } = await open(gateway.adminUrl)
    const shown = async (): Promise<string[]> =>
      (await page.locator('.requests tbody tr:visible .what code').allInnerTexts()).map((text) => text.replace('GET ', ''))
    expect(await shown()).toEqual(['/nothing/here', '/api/users', '/api/orders'])
    await page.getByLabel('Status').selectOption('4xx')
    expect(await shown()).toEqual(['/nothing/here'])
    await page.locator('#filter').getByLabel('Route').selectOption('/api')
    expect(await shown()).toEqual([])
    await page.getByText('No request matches the filter.').waitFor()
    await page.getByLabel('Status').selectOption('all')
    await page.getByLabel('Text').fill('GET USERS')
    expect(await shown()).toEqual(['/api/users'])
    expect(await page.locator('#announcements').innerText()).toBe('1 of 3 requests')
    expect(new URL(page.url()).hash).toBe('#route=%2Fapi&text=GET+USERS')

    await page.reload()
    await page.locator('html[data-script]').waitFor({ state: 'attached' })
    expect(await shown()).toEqual(['/api/users'])
    expect(await page.locator('#filter').getByLabel('Route').inputValue()).toBe('/api')
    await page.getByLabel('Text').focus()
    await page.keyboard.press('Escape')
    expect(await shown()).toEqual(['/api/users', '/api/orders'])
    expect(new URL(page.url()).hash).toBe('#route=%2Fapi')
  })

  it('goes on looking for a route that has no request yet', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/nothing`)).text()
    const { page } = await open(`${gateway.adminUrl}/#route=%2Fapi`)
    await page.getByText('No request matches the filter.').waitFor()
    await (await fetch(`${gateway.url}/nothing/else`)).text()
    await untilInPage(page, "document.querySelectorAll('.requests tbody tr').length === 2")
    expect(await page.locator('.requests tbody tr:visible').count()).toBe(0)
    expect(await page.locator('#filter').getByLabel('Route').inputValue()).toBe('/api')
    await (await fetch(`${gateway.url}/api/x`)).text()
    await page.locator('.requests tbody tr:visible').waitFor()
    expect(await page.locator('.requests tbody tr:visible').count()).toBe(1)
  })

  it('reads the configuration again, and shows its problems until they are mended', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const keys: Record<string, unknown> = { routes: [{ path: '/a', upstream: upstream.url }] }
    const gateway = await reloadable(keys)
    const { page, complaints } = await open(gateway.adminUrl)
    keys['routes'] = [{ path: '/a', upstream: upstream.url, tiemouts: '<b>x</b>' }]
    const reload = page.getByRole('button', { name: 'Reload the configuration' })
    await reload.click()
    await page
      .locator('#configuration-facts .outcome')
      .getByText(/tiemouts/)
      .waitFor()
    const notice = page.getByRole('region', { name: 'The configuration has problems' })
    await notice.getByText(/test\.yaml:\d+:\d+.*did you mean "timeouts"/).waitFor()
    expect(await unreadableTexts(page)).toEqual([])
    await keepPicture(page, 'configuration-problems')
    expect(complaints.splice(0)).toEqual([expect.stringContaining('422')])
    keys['routes'] = [{ path: '/b', upstream: upstream.url }]
    await reload.click()
    await page.locator('#configuration-facts .outcome').getByText('In use').waitFor()
    await notice.waitFor({ state: 'detached' })
    await page.getByText('1 route without a request').click()
    await page.locator('.others').getByText('/b').waitFor()
  })

  it('can be walked through with the keyboard alone, and shows where one is', async () => {
    const { gateway } = await apiGateway()
    await (await fetch(`${gateway.url}/api/x`)).text()
    const { page } = await open(gateway.adminUrl)
    const stops: string[] = []
    for (let stop = 0; stop < 40; stop++) {
      await page.keyboard.press('Tab')
      const [name, outline] = await page.evaluate<[string, string]>(
        `(() => { const at = document.activeElement; return [at === document.body ? '' : at.getAttribute('aria-label') || at.name || at.textContent.trim(), getComputedStyle(at).outlineStyle] })()`,
      )
      if (name === '') break
      expect(outline, name).toBe('solid')
      stops.push(name.replace(/: .*/s, ''))
    }
    expect(stops).toEqual([
      'Skip to the content',
      'Pause',
      'Credentials',
      'Routes',
      'Explain',
      'Configuration',
      'Requests',
      'JSON',
      'Metrics',
      'What happened last',
      'Renew main now',
      'main',
      'method',
      'path',
      'Explain',
      'route',
      'status',
      'text',
      'Explain GET /api/x',
    ])
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
  })
})
