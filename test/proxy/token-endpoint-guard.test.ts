import { expect, test } from 'vitest'
import { parseConfig } from '../../src/config/load-config.ts'
import type { UpstreamUrl } from '../../src/config/schema/url.ts'
import { createTokenEndpointGuard } from '../../src/proxy/routing/token-endpoint-guard.ts'

test.each([
  ['an IPv6 address', 'https://[2001:db8::1]', 'https://[2001:db8::1]/token'],
  ['its default port, written out', 'https://api.example.com:443', 'https://api.example.com/token'],
  ['another name of this machine', 'http://localhost:8000', 'http://127.0.0.1:8000/token'],
])('a token endpoint on the host of the upstream is known by %s', (_, upstream, tokenEndpoint) => {
  const { routes, credentials } = parseConfig(
    'f.yaml',
    `credentials: {main: {token_endpoint: "${tokenEndpoint}", client_id: a, client_secret: b}}
routes: [{path: /api, upstream: "${upstream}", credential: main}]
`,
    {},
  )
  for (const route of routes) {
    const guard = createTokenEndpointGuard(route.upstream as UpstreamUrl, credentials)
    expect(() => guard('/token')).toThrow(expect.objectContaining({ code: 'token_endpoint_blocked' }))
    expect(() => guard('/tokens')).not.toThrow()
  }
})
