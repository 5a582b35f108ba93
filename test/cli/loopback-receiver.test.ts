import { describe, expect, it, onTestFinished } from 'vitest'
import { openLoopbackReceiver } from '../../src/cli/loopback-receiver.ts'
import { sendRaw, tcpServer } from '../support/servers.ts'

async function receiver(redirectUri = 'http://127.0.0.1:0/callback', page = { title: 'Title', text: 'Text' }) {
  const queries: string[] = []
  const opened = await openLoopbackReceiver(redirectUri, async (query) => {
    queries.push(query.toString())
    return await Promise.resolve({ status: 200, ...page })
  })
  onTestFinished(() => opened.close())
  return { ...opened, queries, port: Number(new URL(opened.redirectUri).port) }
}

describe('the address where a login waits', () => {
  it('gets the port that the system chose, and stays as it is written otherwise', async () => {
    expect((await receiver()).redirectUri).toMatch(/^http:\/\/127\.0\.0\.1:[1-9]\d*\/callback$/)
    expect((await receiver('http://localhost:0')).redirectUri).toMatch(/^http:\/\/localhost:[1-9]\d*$/)
    const { port } = await tcpServer(() => {})
    await expect(receiver(`http://127.0.0.1:${port}/x:0/y`)).rejects.toThrow(`at http://127.0.0.1:${port}/x:0/y: another program`)
  })

  it('answers for its own path with a page that does nothing and is kept nowhere', async () => {
    const { redirectUri, queries } = await receiver()
    const answer = await fetch(`${redirectUri}?code=a%26b&state=s`)
    expect({ status: answer.status, fields: Object.fromEntries(answer.headers) }).toMatchObject({
      status: 200,
      fields: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        connection: 'close',
      },
    })
    const html = await answer.text()
    expect(html).toContain('<h1>Title</h1>')
    expect(html).not.toMatch(/a&b|<script|<style|http/)
    expect(queries).toEqual(['code=a%26b&state=s'])
  })

  it('shows text as text', async () => {
    const { redirectUri } = await receiver(undefined, { title: '<b>&', text: `"'><script>alert(1)</script>` })
    expect(await (await fetch(redirectUri)).text()).not.toMatch(/<script|<b>/)
  })

  it.each([
    ['another path', 'GET /callback/ HTTP/1.1\r\nHost: 127.0.0.1', 404],
    ['the icon that browsers fetch', 'GET /favicon.ico HTTP/1.1\r\nHost: 127.0.0.1', 404],
    ['another spelling of the path', 'GET /%63allback?code=x HTTP/1.1\r\nHost: 127.0.0.1', 404],
    ['a POST', 'POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0', 405],
    ['a HEAD', 'HEAD /callback?code=x HTTP/1.1\r\nHost: 127.0.0.1', 405],
    ['a foreign host (DNS rebinding)', 'GET /callback?code=x HTTP/1.1\r\nHost: evil.example', 421],
    ['a host that is none', 'GET /callback?code=x HTTP/1.1\r\nHost: 127.0.0.1/@evil', 421],
    ['no host', 'GET /callback?code=x HTTP/1.1', 400],
  ])('refuses %s', async (_, head, status) => {
    const { port, queries } = await receiver()
    expect((await sendRaw(port, `${head}\r\n\r\n`)).status).toBe(status)
    expect(queries).toEqual([])
  })

  it('listens no longer once it is closed, and does not wait for connections that say nothing', async () => {
    const { redirectUri, port, close } = await receiver()
    const idle = sendRaw(port, 'GET /callback HTTP/1.1\r\n')
    await fetch(redirectUri)
    const before = performance.now()
    await close()
    expect(performance.now() - before).toBeLessThan(2_000)
    expect((await idle).status).toBe(0)
    await expect(fetch(redirectUri)).rejects.toThrow('fetch failed')
  })
})
