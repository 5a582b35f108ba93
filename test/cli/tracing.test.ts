import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { projectRoot, start } from '../support/cli-process.ts'
import { scratch } from '../support/cli-scratch.ts'
import { provider } from '../support/proxy-api.ts'
import type { Provider } from '../support/proxy-api.ts'

interface RecordedSpan {
  readonly name: string
  readonly kind: number
  readonly attributes: Readonly<Record<string, unknown>>
  readonly status: { readonly code: number }
  readonly scope: string
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | null
  readonly state: string | null
}

const server = 1
const client = 2
const failed = 2
const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callerSpan = '00f067aa0ba902b7'
const ofCaller = { traceparent: `00-${traceId}-${callerSpan}-01`, tracestate: 'vendor=1' }

interface Traced {
  readonly url: string
  /** Stops the gateway. @returns every span that it told of, in the order in which they ended */
  spans(): Promise<RecordedSpan[]>
}

/** A gateway with an OpenTelemetry SDK. */
async function serveTraced(api: Provider, more: object = {}, env: Readonly<Record<string, string>> = {}): Promise<Traced> {
  const place = scratch()
  const config = {
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    credentials: { main: { token_endpoint: `${api.tokens.url}?key=canary`, client_id: 'client', client_secret: 'canary' } },
    routes: [{ path: '/api', upstream: api.url, credential: 'main' }],
    ...more,
  }
  const sdk = join(projectRoot, 'test/support/span-recorder.ts')
  const gateway = start(['serve', '-c', place.write('proxy.config.yaml', stringify(config))], {
    env: { NODE_OPTIONS: `--import ${sdk}`, SPANS: place.path('spans'), ...env },
  })
  const [line] = await gateway.untilOutput(/^\{.*"bearerd is serving".*\}$/m)
  return {
    url: (JSON.parse(line) as { listen: string }).listen,
    spans: async () => {
      gateway.signal('SIGTERM')
      expect(await gateway.finished).toMatchObject({ code: 0, stderr: '' })
      const text = existsSync(place.path('spans')) ? readFileSync(place.path('spans'), 'utf8') : ''
      expect(text).not.toContain('canary')
      return text
        .split('\n')
        .filter((each) => each !== '')
        .map((each) => JSON.parse(each) as RecordedSpan)
    },
  }
}

it('a refused and repeated request is one trace: the request, both calls to the upstream, and the token requests beside it', async () => {
  const api = await provider()
  const gateway = await serveTraced(api)
  expect((await fetch(`${gateway.url}/api/orders?for=canary`, { headers: ofCaller })).status).toBe(200)
  api.tokens.revokeAll()
  expect((await fetch(`${gateway.url}/api/orders?for=canary`, { headers: ofCaller })).status).toBe(200)

  const spans = await gateway.spans()
  const [, received] = spans.filter(({ kind }) => kind === server)
  expect(received).toMatchObject({
    name: 'GET',
    scope: 'bearerd',
    traceId,
    parent: callerSpan,
    state: 'vendor=1',
    attributes: {
      'http.request.method': 'GET',
      'url.path': '/api/orders',
      'http.route': '/api',
      'http.response.status_code': 200,
    },
  })
  const calls = spans.filter(({ kind, traceId: id }) => kind === client && id === traceId).slice(1)
  const { hostname, port } = new URL(api.url)
  const common = {
    'http.request.method': 'GET',
    'url.full': `${api.url}/orders`,
    'server.address': hostname,
    'server.port': Number(port),
    'bearerd.route': '/api',
    'bearerd.credential': 'main',
  }
  expect(calls).toMatchObject([
    {
      parent: received?.spanId,
      attributes: { ...common, 'http.response.status_code': 401, 'error.type': '401' },
      status: { code: failed },
    },
    { parent: received?.spanId, attributes: { ...common, 'http.response.status_code': 200, 'http.request.resend_count': 1 } },
  ])
  // Each call is told under which span it is made, so that a provider that traces too can be found.
  expect(api.calls.slice(1).map(({ headers }) => headers['traceparent'])).toEqual(
    calls.map(({ spanId }) => `00-${traceId}-${spanId}-01`),
  )
  expect(api.calls.map(({ headers }) => headers['tracestate'])).toEqual(Array(3).fill('vendor=1'))

  const tokenRequests = spans.filter(({ name }) => name === 'token request')
  expect(tokenRequests).toHaveLength(2)
  expect(tokenRequests[0]).toMatchObject({
    kind: client,
    parent: null,
    attributes: {
      'bearerd.credential': 'main',
      'http.request.method': 'POST',
      'url.full': api.tokens.url,
      'bearerd.token.lifetime_seconds': 3600,
    },
  })
  expect(tokenRequests.every((span) => span.traceId !== traceId)).toBe(true)
})

it('says what went wrong, by code', async () => {
  const api = await provider()
  api.tokens.answer = (response) =>
    void response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"invalid_client"}')
  const gateway = await serveTraced(api, {
    routes: [
      { path: '/api', upstream: api.url, credential: 'main' },
      { path: '/gone', upstream: 'http://127.0.0.1:1' },
    ],
  })
  expect((await fetch(`${gateway.url}/api/orders`)).status).toBe(502)
  expect((await fetch(`${gateway.url}/gone`)).status).toBe(502)
  expect((await fetch(`${gateway.url}/nowhere`)).status).toBe(404)
  const errors = (await gateway.spans()).map(({ name, kind, attributes }) => [name, kind, attributes['error.type']])
  expect(errors).toEqual([
    ['token request', client, 'invalid_client'],
    ['GET', server, 'token_refused'],
    ['GET', client, 'upstream_unreachable'],
    ['GET', server, 'upstream_unreachable'],
    ['GET', server, undefined],
  ])
})

it('sends nothing of a trace that the caller has not begun, unless asked to', async () => {
  const api = await provider()
  const passing = await serveTraced(api)
  await fetch(`${passing.url}/api/orders`)
  expect(api.calls[0]?.headers).not.toHaveProperty('traceparent')
  expect((await passing.spans()).filter(({ kind }) => kind === server)).toMatchObject([{ parent: null }])

  const making = await serveTraced(api, { tracing: { traceparent: 'make' } })
  await fetch(`${making.url}/api/orders`)
  const call = (await making.spans()).find(({ attributes }) => attributes['bearerd.route'] === '/api')
  expect(api.calls[1]?.headers['traceparent']).toBe(`00-${call?.traceId}-${call?.spanId}-01`)

  const silent = await serveTraced(api, { tracing: { traceparent: 'off' } })
  await fetch(`${silent.url}/api/orders`, { headers: ofCaller })
  expect(api.calls[2]?.headers).not.toHaveProperty('traceparent')
  expect(api.calls[2]?.headers).not.toHaveProperty('tracestate')
  expect((await silent.spans()).filter(({ kind }) => kind === server)).toMatchObject([{ traceId, parent: callerSpan }])
})

it("joins the span of somebody else's instrumentation of the server", async () => {
  const gateway = await serveTraced(await provider(), {}, { CURRENT: 'yes' })
  await fetch(`${gateway.url}/api/orders`)
  const spans = await gateway.spans()
  const served = spans.find(({ name }) => name === 'served')
  expect(spans.filter(({ kind, scope }) => kind === server && scope === 'bearerd')).toEqual([])
  expect(spans.find(({ attributes }) => attributes['bearerd.route'] === '/api')).toMatchObject({ parent: served?.spanId })
})

it('traces in workers too, and flushes what they have to tell when they stop', async () => {
  const api = await provider()
  const gateway = await serveTraced(api, { workers: 2 })
  for (let count = 0; count < 4; count++) await fetch(`${gateway.url}/api/orders`, { headers: { connection: 'close' } })
  const spans = await gateway.spans()
  expect(spans.filter(({ attributes }) => attributes['bearerd.route'] === '/api')).toHaveLength(4)
  expect(spans.filter(({ name }) => name === 'token request')).toHaveLength(1)
})
