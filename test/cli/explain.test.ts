import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { runHere } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { startTestGateway } from '../support/gateway.ts'
import { httpServer, readBody } from '../support/servers.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

interface Explained {
  readonly forwarded: boolean
  readonly route: string | null
  readonly url: string | null
  readonly set: readonly { readonly name: string; readonly value: string }[]
  readonly removed: readonly string[]
  readonly error: { readonly code: string; readonly status: number; readonly detail: string } | null
}

/** A configuration in which everything that explain says has a part. */
function configFor(upstream: string, tokens: string): Record<string, unknown> {
  const client = { token_endpoint: `${tokens}?key=canary`, client_id: 'client', client_secret: 'canary' }
  return {
    hosts: ['known.example'],
    credentials: {
      main: {
        ...client,
        variables: { tenant: 'canary' },
        inject: [
          { header: 'X-Token', value: 'Bearer {access_token}' },
          { header: 'X-Tenant', value: 'canary-{tenant}' },
          { query: 'key', value: '{access_token}' },
        ],
      },
      user: { ...client, token_request: { params: { user: '{request.header.X-User}' } } },
    },
    routes: [
      {
        path: '/api',
        upstream: `${upstream}/v1`,
        credential: 'main',
        methods: ['GET', 'POST'],
        headers: { set: { 'X-Key': 'canary' }, remove: ['Cookie'] },
        query: { set: { also: 'canary' } },
      },
      { path: '/api/deep', upstream: `${upstream}/deep`, credential: 'user', allow_paths: ['/good'] },
      { path: '/bare', upstream },
      { path: '/bare', host: 'known.example', upstream: `${upstream}/other` },
      { path: '/tokens', upstream: new URL(tokens).origin },
    ],
  }
}

const fixedConfig = configFor('http://localhost:1', 'http://localhost:2/token')

async function explain(config: object, ...args: readonly string[]) {
  return await runHere(['explain', '-c', scratch().write('c.yaml', stringify(config)), ...args])
}

async function explained(config: object, ...args: readonly string[]): Promise<Explained> {
  return JSON.parse((await explain(config, ...args, '--json')).stdout) as Explained
}

describe('explain', () => {
  it('says with --state what the gateway that runs knows of the token, or why nobody knows', async () => {
    const endpoint = await tokenEndpoint()
    const upstream = await httpServer((_request, response) => response.end('good'))
    const parts = {
      credentials: { main: { token_endpoint: endpoint.url, client_id: 'client', client_secret: 'canary' } },
      routes: [{ path: '/api', upstream: upstream.url, credential: 'main' }],
    }
    const gateway = await startTestGateway(parts)
    const config = { ...parts, admin: { listen: new URL(gateway.adminUrl).host } }
    const state = async (): Promise<unknown> => ((await explained(config, 'GET', '/api', '--state')) as { state?: unknown }).state
    expect(await state()).toBe('no token yet')
    await fetch(`${gateway.url}/api`)
    expect(await state()).toMatch(/^fresh, expires \d{4}-\d\d-\d\dT[\d:.]+Z$/)
    endpoint.answer = (response) => void response.writeHead(500).end()
    await fetch(`${gateway.adminUrl}/credentials/main/renew`, { method: 'POST' })
    expect(await state()).toMatch(/^fresh, expires \S+, last error http_500, next attempt in \d+ s$/)

    const shown = await explain(config, 'GET', '/api', '--state')
    expect(shown.stdout).toMatch(/\n {2}token {5}of main, .*\n {2}state {5}fresh, /)
    expect(shown.stdout).not.toContain('canary')
    const nobody = await explain({ ...parts, admin: { listen: '127.0.0.1:1' } }, 'GET', '/api', '--state')
    expect(nobody).toMatchObject({ code: 0, stderr: '' })
    expect(nobody.stdout).toContain('  state     not known: /status at 127.0.0.1:1 cannot be asked: nothing listens there\n')
  })

  it.each([
    ['pass', [], []],
    ['make', [{ name: 'traceparent', value: '***' }], []],
    ['off', [], ['traceparent', 'tracestate']],
  ] as const)('says what becomes of the trace fields with traceparent: %s', async (traceparent, set, removed) => {
    const said = await explained({ ...fixedConfig, tracing: { traceparent } }, 'GET', '/bare/x')
    expect(said.set.filter(({ name }) => name.startsWith('trace'))).toEqual(set)
    expect(said.removed.filter((name) => name.startsWith('trace'))).toEqual(removed)
  })

  it('says what would become of a request', async () => {
    const { code, stdout, stderr } = await explain(fixedConfig, 'POST', '/api/orders%2F1?a=1')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'POST /api/orders%2F1?a=1',
      '  route     /api',
      '  not       known.example/bare: it is for another host',
      '  not       /api/deep: the path is not below it',
      '  not       /tokens: the path is not below it',
      '  not       /bare: the path is not below it',
      '  upstream  http://localhost:1/v1/orders%2F1?a=1&also=***&key=***',
      '  token     of main, from http://localhost:2/token',
      '  sets      Host: localhost:1',
      '  sets      Via: 1.1 bearerd',
      '  sets      X-Key: ***',
      '  sets      X-Token: Bearer ***',
      '  sets      X-Tenant: ***',
      '  removes   Authorization, Proxy-Authorization, X-Bearerd-Key, Keep-Alive, TE, Upgrade, Cookie, X-Key, X-Token, X-Tenant',
      '  callers   anyone',
      '',
    ])
  })

  it('says which route is more exact, and for whom a token would be', async () => {
    const { code, stdout } = await explain(fixedConfig, 'GET', '/api/deep/good')
    expect(code).toBe(0)
    expect(stdout).toContain('  route     /api/deep\n')
    expect(stdout).toContain('  not       /api: the path is below it, but the route above is more exact\n')
    expect(stdout).toContain('one for each value of x-user in the request\n')
    expect((await explained(fixedConfig, 'GET', '/api/deep/good')).removed).toContain('x-user')
  })

  it('takes a URL of the gateway for what a program sends that is given it', async () => {
    expect(await explained(fixedConfig, 'GET', 'http://known.example/bare/x')).toMatchObject({
      url: 'http://localhost:1/other/x',
    })
    expect(await explained(fixedConfig, 'GET', '/bare/x', '--host', 'known.example')).toMatchObject({
      route: 'known.example/bare',
    })
    expect(await explained(fixedConfig, 'GET', 'http://localhost:8080/bare')).toMatchObject({ route: '/bare' })
  })

  it('exits 1 with what a request would be refused with, also when no caller may use the route', async () => {
    const { code, stdout, stderr } = await explain(fixedConfig, 'DELETE', '/api/x')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    expect(stdout).toContain('  route     /api\n')
    expect(stdout).toContain('  refused   405 method_not_allowed: this route lets through GET, POST\n')
    const callers = [{ name: 'orders', api_key: 'canary', routes: ['/bare'] }]
    expect((await explain({ ...fixedConfig, callers }, 'GET', '/bare')).stdout).toContain('  callers   orders\n')
    expect(await explained({ ...fixedConfig, callers }, 'GET', '/api')).toMatchObject({ error: { code: 'caller_forbidden' } })
  })

  it('says where the token decides on the upstream, and what the gateway answers itself', async () => {
    const upstream = '{token.instance_url}/data'
    const config = {
      credentials: { main: { token_endpoint: 'https://auth.example.com/token', client_id: 'a', client_secret: 'b' } },
      routes: [{ path: '/crm', upstream, credential: 'main', allowed_hosts: ['*.example.com'] }],
    }
    expect(await explained(config, 'GET', '/crm/x?y')).toMatchObject({ url: '{token.instance_url}/data/x?y' })
    expect(await explain(config, 'OPTIONS', '*')).toMatchObject({ code: 0, stdout: expect.stringContaining('204') as string })
  })

  it('never shows a secret', async () => {
    for (const more of [[], ['--json']]) {
      for (const path of ['/api/x', '/api/deep/good', '/bare', '/tokens/token', '/nothing']) {
        const { stdout, stderr } = await explain(fixedConfig, 'GET', path, ...more)
        expect(stdout + stderr, path).not.toContain('canary')
      }
    }
  })

  it('says what is wrong with the configuration as check does', async () => {
    const { code, stdout, stderr } = await explain({ ...fixedConfig, lisen: 'x' }, 'GET', '/api')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('did you mean "listen"?')
  })

  /** What is explained must be what happens. */
  it('says of every request what the gateway then does with it', async () => {
    const tokens = await tokenEndpoint()
    const seen: IncomingMessage[] = []
    const upstream = await httpServer(async (message, response) => {
      await readBody(message)
      seen.push(message)
      response.end()
    })
    const config = configFor(upstream.url, tokens.url)
    const gateway = await startTestGateway(config)
    const asked: readonly (readonly [method: string, target: string, host?: string])[] = [
      ['GET', '/api/a%2Fb?c=%zz'],
      ['POST', '/api'],
      ['DELETE', '/api/a'],
      ['GET', '/api/deep/good/x'],
      ['GET', '/api/deep/bad'],
      ['PUT', '/bare//x;y'],
      ['GET', '/bare', 'known.example:80'],
      ['GET', '/bare', 'evil.example'],
      ['GET', '/bare', 'a b'],
      ['GET', '/bare/%2e%2e/x'],
      ['GET', '/barely'],
      ['GET', `/tokens${new URL(tokens.url).pathname}`],
      ['GET', `/tokens/x/..${new URL(tokens.url).pathname}`],
      ['TRACE', '/bare'],
      ['GET', '*'],
      ['GET', '/bare#x'],
      ['OPTIONS', '*'],
      ['GET', `/bare/${'x'.repeat(9_000)}`],
    ]
    for (const [method, target, host = 'localhost'] of asked) {
      const told = await explained(config, method, target, '--host', host)
      seen.length = 0
      const { status, code } = await call(gateway.port, method, target, host)
      const what = `${method} ${target.slice(0, 40)} ${host}`
      expect({ status, code }, what).toEqual({
        status: told.error?.status ?? (told.forwarded ? 200 : 204),
        code: told.error?.code,
      })
      expect(seen.length, what).toBe(told.forwarded ? 1 : 0)
      for (const message of seen) {
        const masked = (told.url ?? '').slice(upstream.url.length)
        expect(message.url?.replace(/(also|key)=[^&]*/g, '$1=***'), what).toBe(masked)
        const sent = Object.entries(message.headers).filter(([name]) => !['content-length', 'connection'].includes(name))
        expect(sent.map(([name]) => name).sort(), what).toEqual(told.set.map(({ name }) => name.toLowerCase()).sort())
      }
    }
  })
})

/** Sends a request as it is, with what a caller might try to smuggle in. */
function call(port: number, method: string, path: string, host: string): Promise<{ status?: number; code?: string }> {
  const own = path.startsWith('/api/deep') ? { 'X-User': 'somebody' } : path.startsWith('/api') && { Cookie: 'a' }
  const headers = { Host: host, Authorization: 'Bearer mine', 'X-Bearerd-Key': 'x', ...own }
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, path, headers, agent: false }, (response) => {
      void readBody(response).then((body) => {
        const isProblem = response.headers['content-type'] === 'application/problem+json'
        const code = isProblem ? (JSON.parse(body.toString()) as { code: string }).code : undefined
        resolve({
          ...(response.statusCode !== undefined && { status: response.statusCode }),
          ...(code !== undefined && { code }),
        })
      }, reject)
    })
      .on('error', reject)
      .end()
  })
}
