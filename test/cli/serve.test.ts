import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { run, start } from '../support/cli-process.ts'
import type { Started } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { answerJson, httpServer, tcpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const canary = 'canary-client-secret'

interface Serving extends Started {
  readonly url: string
  readonly adminUrl: string
}

/** Runs `bearerd serve` and waits until it says where. */
async function serve(upstream: string, tokenUrl: string, more = ''): Promise<Serving> {
  const file = scratch().write(
    'proxy.config.yaml',
    `
listen: 127.0.0.1:0
admin: {listen: "127.0.0.1:0"}
credentials:
  main: {token_endpoint: "${tokenUrl}", client_id: client, client_secret: "\${SECRET}"}
routes:
  - {path: /api, upstream: "${upstream}", credential: main}
${more}`,
  )
  const process = start(['serve', '-c', file], { env: { SECRET: canary } })
  const [line] = await process.untilOutput(/^\{.*"bearerd is serving".*\}$/m)
  const { listen, admin } = JSON.parse(line) as { listen: string; admin: string }
  return { ...process, url: listen, adminUrl: admin }
}

function linesOf({ stdout }: { readonly stdout: string }): Record<string, unknown>[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('bearerd serve', () => {
  it('puts the token on, logs JSON lines without a secret, and stops on SIGTERM with 0', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((request, response) =>
      answerJson(response, { authorization: request.headers.authorization, target: request.url }),
    )
    const gateway = await serve(upstream.url, endpoint.url)
    const answer = await fetch(`${gateway.url}/api/orders?businessId=personal-data`, {
      headers: { authorization: 'Bearer canary-of-the-caller' },
    })
    expect(await answer.json()).toEqual({ authorization: 'Bearer token-1', target: '/orders?businessId=personal-data' })
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(200)
    gateway.signal('SIGTERM')
    const end = await gateway.finished
    expect(end).toMatchObject({ code: 0, signal: null, stderr: '' })
    const request = linesOf(end).find(({ message }) => message === 'request')
    expect(request).toMatchObject({ route: '/api', method: 'GET', path: '/api/orders', status: 200, level: 'info' })
    for (const leak of [canary, 'token-1', 'canary-of-the-caller', 'personal-data']) expect(end.stdout).not.toContain(leak)
  })

  it('stops on SIGINT with 0 as well', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await serve(upstream.url, (await tokenEndpoint()).url)
    gateway.signal('SIGINT')
    expect((await gateway.finished).code).toBe(0)
  })

  it('lets an open request finish after SIGTERM, and takes no new connection', async () => {
    const endpoint = await tokenEndpoint()
    let finish = (): void => {}
    const isAsked = Promise.withResolvers<void>()
    const upstream = await httpServer((_request, response) => {
      response.writeHead(200).write('first ')
      finish = () => response.end('last')
      isAsked.resolve()
    })
    const gateway = await serve(upstream.url, endpoint.url)
    const answer = fetch(`${gateway.url}/api/slow`).then((response) => response.text())
    await isAsked.promise
    gateway.signal('SIGTERM')
    await gateway.untilOutput(/shutting down/)
    await refusesConnections(Number(new URL(gateway.url).port))
    expect((await fetch(`${gateway.adminUrl}/readyz`)).status).toBe(503)
    expect((await fetch(`${gateway.adminUrl}/livez`)).status).toBe(200)
    finish()
    expect(await answer).toBe('first last')
    expect((await gateway.finished).code).toBe(0)
  })

  it('ends at once on a second signal', async () => {
    const endpoint = await tokenEndpoint()
    const isAsked = Promise.withResolvers<void>()
    const upstream = await httpServer((_request, response) => {
      response.writeHead(200).write('never ends')
      isAsked.resolve()
    })
    const gateway = await serve(upstream.url, endpoint.url)
    const answer = fetch(`${gateway.url}/api/slow`)
      .then((response) => response.text())
      .catch(() => 'broken off')
    await isAsked.promise
    gateway.signal('SIGTERM')
    await gateway.untilOutput(/shutting down/)
    const secondMs = performance.now()
    gateway.signal('SIGTERM')
    const { code } = await gateway.finished
    expect(code).not.toBe(0)
    expect(performance.now() - secondMs).toBeLessThan(2_000)
    expect(await answer).toBe('broken off')
  })

  it('breaks off what is still open when the grace is over, and ends with 0', async () => {
    const isAsked = Promise.withResolvers<void>()
    const upstream = await httpServer((_request, response) => {
      response.writeHead(200).write('never ends')
      isAsked.resolve()
    })
    const gateway = await serve(upstream.url, (await tokenEndpoint()).url, 'shutdown: {grace: 200ms}')
    const answer = fetch(`${gateway.url}/api/slow`)
      .then((response) => response.text())
      .catch(() => 'broken off')
    await isAsked.promise
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
    expect(await answer).toBe('broken off')
  })

  it('stops although callers keep idle connections open', async () => {
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await serve(upstream.url, (await tokenEndpoint()).url)
    await (await fetch(`${gateway.url}/api/x`)).text()
    const idle = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    idle.on('error', () => {})
    await new Promise((resolve) => idle.once('connect', resolve))
    gateway.signal('SIGTERM')
    const started = performance.now()
    expect((await gateway.finished).code).toBe(0)
    expect(performance.now() - started).toBeLessThan(5_000)
    idle.destroy()
  })

  it('stays up with a wrong secret and says so, without the secret', async () => {
    const endpoint = await tokenEndpoint()
    endpoint.answer = (response) =>
      answerJson(response, { error: 'invalid_client', error_description: `unknown secret ${canary}` }, 401)
    const upstream = await httpServer((_request, response) => answerJson(response, {}))
    const gateway = await serve(upstream.url, endpoint.url)
    const answer = await fetch(`${gateway.url}/api/x`)
    expect(answer.status).toBe(502)
    const problem = (await answer.json()) as Record<string, unknown>
    expect(problem).toMatchObject({
      code: 'token_refused',
      status: 502,
      route: '/api',
      detail: expect.stringContaining('invalid_client') as unknown,
    })
    expect(JSON.stringify(problem)).not.toContain(canary)
    expect(await (await fetch(`${gateway.adminUrl}/status`)).text()).not.toContain(canary)
    gateway.signal('SIGTERM')
    const end = await gateway.finished
    expect(end.code).toBe(0)
    expect(end.stdout + end.stderr).not.toContain(canary)
  })

  it('stays up with a token endpoint and a provider that are down', async () => {
    const gone = await tcpServer((socket) => socket.destroy())
    const gateway = await serve(gone.url, `${gone.url}/token`)
    const answer = await fetch(`${gateway.url}/api/x`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
    expect(await answer.json()).toMatchObject({ code: 'token_unavailable' })
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
  })

  it('stays up with a provider that is down', async () => {
    const gone = await tcpServer((socket) => socket.destroy())
    const gateway = await serve(gone.url, (await tokenEndpoint()).url)
    const answer = await fetch(`${gateway.url}/api/x`, { method: 'POST', body: 'x' })
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'upstream_reset' })
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
  })

  it('is the command that runs without a name, with the simulator as its provider', async () => {
    const simulator = start(['simulate', '--port', '0'])
    const [, url = ''] = await simulator.untilOutput(/at (http:\/\/127\.0\.0\.1:\d+),/)
    const demo = (await run(['demo', '--print-config'])).stdout
      .replaceAll('http://127.0.0.1:9400', url)
      .replace('127.0.0.1:8080', '127.0.0.1:0')
      .replace('127.0.0.1:9090', '127.0.0.1:0')
    const gateway = start(['--config', scratch().write('demo.yaml', demo)])
    const [, listen = ''] = await gateway.untilOutput(/"listen":"([^"]+)"/)
    for (const name of ['uber', 'getnet']) {
      const answer = await fetch(
        name === 'uber' ? `${listen}/uber/v1/business/echo` : `${listen}/getnet/v1/offerings?channel=demo-channel&country=BR`,
      )
      expect(answer.status, name).toBe(200)
      await answer.text()
    }
    gateway.signal('SIGTERM')
    expect((await gateway.finished).code).toBe(0)
  })
})

/** Waits until a port refuses connections: closing a listener takes a moment after the signal. */
async function refusesConnections(port: number): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const isOpen = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (!isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('still takes connections')
}
