import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { scratch } from '../support/cli-scratch.ts'
import { describeWithProgram } from '../support/describe-with.ts'
import { exampleFile, proxyKey, startExampleGateway, startProgram, withAddresses } from '../support/other-proxy.ts'
import { provider, refusalBody } from '../support/proxy-api.ts'
import type { ReceivedCall } from '../support/proxy-api.ts'
import { freePort } from '../support/redis-server.ts'
import { ask } from '../support/token-service.ts'

/** nginx with the configuration of the example, an API and bearerd; only addresses differ, and where nginx keeps its files. */
async function startNginx(answer?: Parameters<typeof provider>[0], { key = proxyKey }: { key?: string } = {}) {
  const api = await provider(answer)
  const gateway = await startExampleGateway(api.tokens)
  const port = await freePort()
  const { folder, write } = scratch()
  write('bearerd-key.conf', `proxy_set_header X-Bearerd-Key "${key}";\n`)
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const places = kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')
  const config = withAddresses(exampleFile('nginx.conf'), {
    'http {\n': `http {\n  access_log off; ${places}\n`,
    '127.0.0.1:9180': `127.0.0.1:${gateway.servicePort}`,
    '127.0.0.1:8081': `127.0.0.1:${port}`,
    'business-api.gett.com:443': `127.0.0.1:${api.port}`,
    'https://gett': 'http://gett',
  })
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const global = `daemon off; pid ${folder}/nginx.pid; ${user}`
  const said = await startProgram({
    command: 'nginx',
    args: ['-p', folder, '-e', 'stderr', '-c', write('nginx.conf', config), '-g', global],
    port,
  })
  return { url: `http://127.0.0.1:${port}`, api, gateway, said }
}

const tokensOf = (calls: readonly ReceivedCall[]) => calls.map(({ headers }) => headers.authorization)

describeWithProgram('nginx', '-v')('nginx with tokens from bearerd', () => {
  it('puts the token onto a request, in place of what the caller sent, and changes nothing else', async () => {
    const { url, api } = await startNginx((call, response) => void response.end(`got ${call.body.toString()}`))
    const answer = await ask(url, '/v1/orders%2F7//x?q=a%20b', {
      method: 'PUT',
      fields: { authorization: 'Bearer habit', 'x-own': 'kept', 'x-bearerd-key': 'nonsense' },
      body: 'an order',
    })
    expect(answer).toMatchObject({ status: 200, body: 'got an order' })
    expect(api.calls).toMatchObject([
      { method: 'PUT', target: '/v1/orders%2F7//x?q=a%20b', headers: { authorization: 'Bearer token-1', 'x-own': 'kept' } },
    ])
    expect(JSON.stringify(api.calls[0]?.headers)).not.toMatch(/habit|canary/)
  })

  it.each([
    ['no body', undefined],
    ['a small body', 'an order'],
    ['a body that nginx keeps in a file', randomBytes(600_000).toString('base64')],
  ])('sends a refused request with %s once more, whole, with a new token', async (_, body) => {
    const { url, api } = await startNginx((call, response) => void response.end(`${call.method} ${call.body.length}`))
    const method = body === undefined ? 'GET' : 'POST'
    const send = () => ask(url, '/v1/orders?x=1', { method, ...(body !== undefined && { body }) })
    expect((await send()).status).toBe(200)
    api.tokens.revokeAll()
    expect(await send()).toMatchObject({ status: 200, body: `${method} ${body?.length ?? 0}` })
    expect(tokensOf(api.calls)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
    const [, refused, replayed] = api.calls
    expect(replayed?.body.equals(refused?.body ?? Buffer.of())).toBe(true)
    expect(replayed).toMatchObject({ method, target: '/v1/orders?x=1' })
    expect(api.tokens.requests).toHaveLength(2)
  })

  it('relays a second refusal as it came', async () => {
    const { url, api } = await startNginx()
    await ask(url, '/a')
    const { answer } = api.tokens
    // What is granted from now on is never taken.
    api.tokens.answer = async (response, next) => {
      await answer(response, next)
      api.tokens.revokeAll()
    }
    api.tokens.revokeAll()
    expect(await ask(url, '/a', { method: 'POST', body: 'x' })).toMatchObject({ status: 401, body: refusalBody })
    expect(tokensOf(api.calls)).toEqual(['Bearer token-1', 'Bearer token-1', 'Bearer token-2'])
    // And the next one is not even sent again: the renewal was fruitless.
    expect((await ask(url, '/a')).status).toBe(401)
    expect(tokensOf(api.calls).slice(3)).toEqual(['Bearer token-2'])
    expect(api.tokens.requests).toHaveLength(2)
  })

  it('answers 401 when bearerd is gone before it could be asked for another token', async () => {
    const { url, api, gateway } = await startNginx(async (_call, response) => {
      await gateway.stop()
      response.writeHead(401).end()
    })
    expect((await ask(url, '/a')).status).toBe(401)
    expect(api.calls).toHaveLength(1)
  })

  it('has what the API says come through, errors too', async () => {
    const { url } = await startNginx((call, response) => void response.writeHead(Number(call.target.slice(1))).end('of the API'))
    for (const status of [403, 404, 500, 502, 503])
      expect(await ask(url, `/${status}`)).toMatchObject({ status, body: 'of the API' })
  })

  it('sends nothing without a token, and says 503, when to come again and why', async () => {
    const { url, api } = await startNginx()
    api.tokens.answer = (response) => void response.writeHead(500).end()
    const answer = await ask(url, '/a')
    expect(answer.status).toBe(503)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
    expect(answer.headers['proxy-status']).toContain('token_unavailable')
    expect(api.begun()).toBe(0)
  })

  it('says 503 when bearerd does not know nginx: the caller is not to blame', async () => {
    const { url, api } = await startNginx(undefined, { key: 'wrong' })
    expect((await ask(url, '/a')).status).toBe(503)
    expect(api.begun()).toBe(0)
    expect(api.tokens.requests).toHaveLength(0)
  })

  it('refuses web pages, and hands nobody the tokens', async () => {
    const { url, api } = await startNginx()
    expect((await ask(url, '/a', { fields: { origin: 'https://evil.example' } })).status).toBe(403)
    expect((await ask(url, '/a', { fields: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403)
    for (const path of ['/_bearerd/authorize', '/_bearerd/reject']) {
      const answer = await ask(url, path, { method: 'POST' })
      expect(answer.status).toBe(404)
      expect(JSON.stringify(answer)).not.toContain('token-')
    }
    expect(api.begun()).toBe(0)
  })

  it.each(['/a', '/replayed'])('takes no order from the API to answer with a token: %s', async (path) => {
    const { url, api } = await startNginx(
      (_, response) => void response.writeHead(200, { 'x-accel-redirect': '/_bearerd/authorize' }).end('of the API'),
    )
    if (path === '/replayed') {
      await ask(url, '/a')
      api.tokens.revokeAll()
    }
    const answer = await ask(url, path)
    expect(JSON.stringify(answer)).not.toContain('token-')
    expect(answer).toMatchObject({ status: 200, body: 'of the API' })
  })

  it('with 50 requests refused at once costs one token request, and loses none', async () => {
    const { url, api } = await startNginx((call, response) => void response.end(call.body))
    await ask(url, '/a')
    api.tokens.revokeAll()
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => ask(url, '/a', { method: 'POST', body: `order ${index}` })),
    )
    expect(answers.map(({ status, body }) => `${status} ${body}`)).toEqual(
      Array.from({ length: 50 }, (_, index) => `200 order ${index}`),
    )
    expect(api.tokens.requests).toHaveLength(2)
  })
})
