import { expect, it } from 'vitest'
import { canary } from '../support/cli-admin-gateway.ts'
import { chromiumForTests, describeWithChromium, keepPicture, untilInPage } from '../support/chromium.ts'
import { startTestGateway } from '../support/gateway.ts'
import { overflowPx } from '../support/page-checks.ts'
import { answerJson, httpServer, sendRaw } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/** Each would show itself as an element, as a dialog, or as an error of the policy. */
const attacks = [
  '<script>alert(1)</script>',
  '"><img/src=x/onerror=alert(1)>',
  "'-alert(1)-'",
  '</td></table><iframe/src=javascript:alert(1)>',
  '<svg/onload=alert(1)>',
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '${alert(1)}{{alert(1)}}',
]

describeWithChromium('what callers and providers say, on the status page', () => {
  const open = chromiumForTests()

  it('is text wherever it stands: paths, queries, methods, fields and errors', async () => {
    const endpoint = await tokenEndpoint()
    const failing = await tokenEndpoint()
    failing.answer = (response) => answerJson(response, { error: attacks[0], error_description: attacks[1] }, 400)
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const client = { client_id: 'client', client_secret: canary }
    const gateway = await startTestGateway({
      access_log: { query: true },
      credentials: {
        good: { ...client, token_endpoint: endpoint.url },
        failing: { ...client, token_endpoint: failing.url },
      },
      routes: [
        { path: '/ok', upstream: upstream.url, credential: 'good' },
        { path: '/failing', upstream: upstream.url, credential: 'failing' },
      ],
    })
    for (const prefix of ['/ok/', '/failing/', '/'])
      for (const attack of attacks)
        await sendRaw(
          gateway.port,
          `GET ${prefix}${attack}?q=${attack} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: ${attack}\r\nReferer: ${attack}\r\nConnection: close\r\n\r\n`,
        )
    await sendRaw(gateway.port, `<script> / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)

    const { page, complaints } = await open(gateway.adminUrl)
    await untilInPage(page, "document.querySelectorAll('.requests tbody tr').length >= 21")
    for (const attack of attacks) expect(await page.locator('.requests').innerText()).toContain(`/${attack}?q=${attack}`)
    await page.locator('#credential-failing .trouble').waitFor()
    // From here on they come in by the script.
    await sendRaw(gateway.port, `GET /ok/late${attacks[1]} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
    await untilInPage(page, "document.querySelector('.requests').textContent.includes('/ok/late')")
    await page.locator('.requests tbody tr .more a').first().click()
    await page.getByRole('dialog', { name: attacks[1] as string }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Renew failing now' }).click()
    await page.locator('#credential-failing .outcome').getByText('no token for the credential failing').waitFor()

    for (const tag of ['script', 'img', 'iframe', 'svg[onload]', 'b']) {
      // Methods are bold, and the page has its one script.
      const own = tag === 'script' ? 1 : tag === 'b' ? await page.locator('.requests .what code > b').count() : 0
      expect(await page.locator(tag).count(), tag).toBe(own)
    }
    expect(await overflowPx(page)).toBe(0)
    await keepPicture(page, 'hostile')
    expect(await page.content()).not.toContain(canary)
    expect(complaints.splice(0)).toEqual([expect.stringContaining('502')])
  })

  it('cannot become a secret: what callers send as proof is nowhere', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((_request, response) => answerJson(response, { secret: 'canary-answer' }))
    const gateway = await startTestGateway({
      credentials: { main: { token_endpoint: endpoint.url, client_id: 'client', client_secret: canary } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main', headers: { set: { 'X-Key': 'canary-set' } } }],
    })
    await (
      await fetch(`${gateway.url}/api/x?key=canary-query`, {
        method: 'POST',
        headers: { Authorization: 'Bearer canary-authorization', Cookie: 'canary-cookie', 'X-Api-Key': 'canary-key' },
        body: 'canary-body',
      })
    ).text()
    const { page } = await open(gateway.adminUrl)
    await page.getByRole('link', { name: 'Explain POST /api/x' }).click()
    await page.getByRole('dialog').waitFor()
    const everything = `${await page.content()}${await (await fetch(`${gateway.adminUrl}/status`)).text()}`
    expect(everything).not.toMatch(/canary|token-1/)
  })
})
