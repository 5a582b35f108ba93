import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import { parse } from 'yaml'
import { projectRoot } from '../support/cli-process.ts'
import { exampleFile, startExampleGateway } from '../support/other-proxy.ts'
import { ask } from '../support/token-service.ts'
import { tokenEndpoint } from '../support/token-endpoint.ts'

/**
 * Envoy and Traefik are not run here: that their files say to bearerd what bearerd understands is shown by asking it as the documentation of
 * either says that it asks.
 */

test('every example is one that a test knows of', () => {
  expect(readdirSync(join(projectRoot, 'examples/token-service')).sort()).toEqual([
    'Caddyfile',
    'README.md',
    'envoy.yaml',
    'nginx.conf',
    'proxy.config.yaml',
    'traefik-dynamic.yml',
    'traefik.yml',
  ])
})

test('the configuration of bearerd has no problems', () => {
  const env = { BEARERD_KEY: 'key', GETT_CLIENT_ID: 'client', GETT_CLIENT_SECRET: 'secret' }
  const { token_service, routes } = parseConfig('proxy.config.yaml', exampleFile('proxy.config.yaml'), env)
  expect(token_service).toMatchObject({ listen: { host: '127.0.0.1', port: 9180 }, callers: [{ credentials: ['gett'] }] })
  expect(routes).toEqual([])
})

test("Envoy's file is whole, and its questions are answered", async () => {
  const envoy = parse(exampleFile('envoy.yaml')) as {
    static_resources: {
      listeners: {
        filter_chains: { filters: { typed_config: { http_filters: { name: string; typed_config: object }[] } }[] }[]
      }[]
      clusters: { name: string }[]
    }
  }
  const { listeners, clusters } = envoy.static_resources
  const filters = listeners[0]?.filter_chains[0]?.filters[0]?.typed_config.http_filters ?? []
  expect(filters.map(({ name }) => name)).toEqual([
    'envoy.filters.http.ext_authz',
    'envoy.filters.http.lua',
    'envoy.filters.http.router',
  ])
  expect(clusters.map(({ name }) => name)).toEqual(['bearerd', 'gett'])
  expect(filters[0]?.typed_config).toMatchObject({
    http_service: {
      server_uri: { cluster: 'bearerd' },
      path_prefix: '/authorize/gett',
      authorization_response: { allowed_upstream_headers: { patterns: [{ exact: 'authorization' }] } },
    },
    failure_mode_allow: false,
  })

  const { tokenServiceUrl: url = '' } = await startExampleGateway(await tokenEndpoint())
  // The method and the path of the request, its Host and its Authorization, and the fields to be added.
  const fields = { host: '127.0.0.1:8081', authorization: 'Bearer habit', 'x-bearerd-key': 'canary-key-of-the-proxy' }
  const answer = await ask(url, '/authorize/gett/v1/orders?a=b', { method: 'POST', fields: { ...fields, 'content-length': '0' } })
  expect(answer).toMatchObject({ status: 200, headers: { authorization: 'Bearer token-1' } })
  const report = { host: 'localhost', authorization: 'Bearer token-1', 'x-bearerd-key': 'canary-key-of-the-proxy' }
  expect((await ask(url, '/reject/gett', { method: 'POST', fields: report })).headers.authorization).toBe('Bearer token-2')
})

test("Traefik's files are whole, and its questions are answered", async () => {
  expect(parse(exampleFile('traefik.yml'))).toMatchObject({ entryPoints: { gett: { address: '127.0.0.1:8081' } } })
  const { http } = parse(exampleFile('traefik-dynamic.yml')) as {
    http: Record<'middlewares' | 'routers' | 'services', Record<string, unknown>>
  }
  expect(Object.keys(http.middlewares)).toEqual((http.routers['gett'] as { middlewares: string[] }).middlewares)
  expect(Object.keys(http.services)).toEqual(['gett'])
  expect(http.middlewares['token-of-gett']).toMatchObject({
    forwardAuth: { address: 'http://127.0.0.1:9180/authorize/gett', authResponseHeaders: ['Authorization'] },
  })

  const { tokenServiceUrl: url = '' } = await startExampleGateway(await tokenEndpoint())
  // GET always, with the fields of the request that are listed, and its own.
  const forwarded = { 'x-forwarded-method': 'POST', 'x-forwarded-uri': '/v1/orders', 'x-forwarded-host': 'api.internal' }
  const answer = await ask(url, '/authorize/gett', { fields: { ...forwarded, 'x-bearerd-key': 'canary-key-of-the-proxy' } })
  expect(answer).toMatchObject({ status: 200, headers: { authorization: 'Bearer token-1' } })
})
