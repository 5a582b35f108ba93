import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { request } from 'node:https'
import type { ClientRequest, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, onTestFinished } from 'vitest'
import { certificateAuthority } from '../support/certificates.ts'
import { start } from '../support/cli-process.ts'
import type { Started } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { exampleText, itWith } from '../support/examples.ts'
import { freePort } from '../support/redis-server.ts'
import { httpServer } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

const name = 'egress.shop.internal'
const withNginx = itWith('nginx')

/** nginx with the example, a gateway with its configuration behind it, and behind that an upstream of the test. */
async function behindNginx(
  upstreamUrl: string,
): Promise<{ readonly port: number; readonly ca: Buffer; readonly gateway: Started }> {
  const { folder, write, path } = scratch()
  const ports = { nginx: await freePort(), gateway: await freePort() }
  const { url } = await tokenEndpoint()
  const config = exampleText('nginx/proxy.config.yaml', {
    '127.0.0.1:8080': `127.0.0.1:${ports.gateway}`,
    '127.0.0.1:9090': '127.0.0.1:0',
    '/run/secrets/shop-key': write('shop-key', `${'k'.repeat(40)}\n`),
    '/run/secrets/uber': write('uber', 'for a test'),
    'provider: uber': `token_endpoint: ${url}`,
    'credential: uber': `credential: uber\n    upstream: ${upstreamUrl}`,
  })
  const gateway = start(['serve', '-c', write('a.yaml', config)], { env: { UBER_CLIENT_ID: 'client' } })
  await gateway.untilOutput(/bearerd is serving/)

  const authority = certificateAuthority()
  const { cert, key } = authority.issue('nginx', `DNS:${name}`)
  const server = exampleText('nginx/bearerd.conf', {
    'listen 443': `listen 127.0.0.1:${ports.nginx}`,
    '127.0.0.1:8080': `127.0.0.1:${ports.gateway}`,
    [`/etc/nginx/tls/${name}.crt`]: cert,
    [`/etc/nginx/tls/${name}.key`]: key,
  })
  mkdirSync(path('temporary'))
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${folder}/temporary/${kind};`,
  )
  const whole = write(
    'nginx.conf',
    `daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log error;
events {}
http { access_log off; ${temporary.join(' ')}
${server}}
`,
  )
  const nginx = spawn('nginx', ['-e', path('error.log'), '-c', whole], { stdio: ['ignore', 'inherit', 'inherit'] })
  onTestFinished(async () => {
    nginx.kill('SIGQUIT')
    if (nginx.exitCode === null) await once(nginx, 'exit')
  })
  const ca = readFileSync(authority.cert)
  const proxy = { port: ports.nginx, ca }
  for (let attempt = 0; ; attempt++) {
    const isUp = await ask(proxy, '/').then(
      () => true,
      () => false,
    )
    if (isUp) return { ...proxy, gateway }
    if (attempt === 200) throw new Error('nginx does not start')
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

interface Proxy {
  readonly port: number
  readonly ca: Buffer
}

/** Begins a request, as an application that trusts the test's authority. */
function begin({ port, ca }: Proxy, path: string, headers: OutgoingHttpHeaders = {}, method = 'GET'): ClientRequest {
  return request({
    host: '127.0.0.1',
    port,
    ca,
    servername: name,
    path,
    method,
    headers: { host: name, ...headers },
    agent: false,
  })
}

async function ask(proxy: Proxy, path: string, headers: OutgoingHttpHeaders = {}): Promise<{ status: number; body: string }> {
  const response = await answerOf(begin(proxy, path, headers).end())
  return { status: response.statusCode ?? 0, body: await text(response) }
}

async function answerOf(sent: ClientRequest): Promise<IncomingMessage> {
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

const key = { 'x-bearerd-key': 'k'.repeat(40) }

describe('examples/nginx', () => {
  withNginx('lets in who has a key, and passes target, fields and status through as they are', async () => {
    const upstream = await httpServer((received, response) => {
      const { url, headers } = received
      // What it says to its own nginx is no order for this one.
      response.writeHead(209, { 'x-accel-redirect': '/uber/elsewhere' }).end(JSON.stringify({ url, headers }))
    })
    const proxy = await behindNginx(upstream.url)
    const fields = { ...key, 'x-request-id': 'of the caller', Some_Field: 'kept' }
    const { status, body } = await ask(proxy, '/uber/a%2Fb//c;d?e=%zz', fields)
    expect(status).toBe(209)
    expect(JSON.parse(body)).toMatchObject({
      url: '/a%2Fb//c;d?e=%zz',
      headers: { authorization: 'Bearer token-1', 'x-request-id': 'of the caller', some_field: 'kept' },
    })
    expect(body).not.toMatch(/forwarded|real-ip|x-bearerd-key/i)

    expect(await ask(proxy, '/uber/a')).toMatchObject({
      status: 401,
      body: expect.stringContaining('caller_unauthenticated') as unknown,
    })
    expect(await ask(proxy, '/uber/a', { ...key, host: 'rebound.example' })).toMatchObject({ status: 421 })
  })

  withNginx('streams both ways: each part arrives before the next is sent', async () => {
    const upstream = await httpServer((received, response) => {
      received.on('data', (part: Buffer) => response.write(`got ${part.toString()}`))
      received.on('end', () => response.end())
    })
    const sent = begin(await behindNginx(upstream.url), '/uber/a', key, 'POST')
    sent.write('one')
    const response = await answerOf(sent)
    const parts = response.setEncoding('utf8')[Symbol.asyncIterator]() as AsyncIterator<string>
    expect((await parts.next()).value).toBe('got one')
    sent.end('two')
    expect((await parts.next()).value).toBe('got two')
    expect((await parts.next()).done).toBe(true)
  })

  withNginx('sends a failed request once only, and says so itself when there is no gateway', async () => {
    let requests = 0
    const upstream = await httpServer((received) => {
      requests++
      received.socket.destroy()
    })
    const proxy = await behindNginx(upstream.url)
    const sent = begin(proxy, '/uber/a', key, 'POST').end('order')
    const response = await answerOf(sent)
    expect([response.statusCode, (JSON.parse(await text(response)) as { code: string }).code]).toEqual([502, 'upstream_reset'])
    expect(requests).toBe(1)
    proxy.gateway.signal('SIGTERM')
    await proxy.gateway.finished
    expect((await ask(proxy, '/uber/a', key)).status).toBe(502)
    expect(requests).toBe(1)
  })
})
