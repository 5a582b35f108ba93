import { describe, expect, it } from 'vitest'
import { configOf, goodConfig, placesOf, problemsOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

const main = 'credentials.main'

describe('routes', () => {
  it('need an upstream when no preset has one', () => {
    expect(problemsOf(goodConfig.replace('    upstream: https://api.example.com/v1\n', ''))).toEqual([
      expect.stringMatching(/^f\.yaml:7:5: routes\[0\]\.upstream: this key is required; .+/),
    ])
    expect(placesOf('routes: [{path: /a}]')).toEqual([expect.stringContaining('routes[0].upstream')])
  })

  it('name credentials that exist', () => {
    expect(problemsOf(goodConfig.replace('credential: main', 'credential: mian'))).toEqual([
      'f.yaml:9:17: routes[0].credential: there is no credential of this name; did you mean "main"?',
    ])
    expect(problemsOf('routes: [{path: /a, upstream: "https://a.example", credential: x}]')).toHaveLength(1)
  })

  it('may go without a credential', () => {
    expect(configOf('routes: [{path: /a, upstream: "https://a.example"}]').routes[0]?.credential).toBeUndefined()
  })

  it('have paths of their own', () => {
    const also = (entry: string): string[] => placesOf(`${goodConfig}  - {${entry}, upstream: "https://b.example"}\n`)
    expect(also('path: /api')).toEqual(['10:12 routes[1].path'])
    expect(also('path: /api/')).toEqual(['10:12 routes[1].path'])
    expect(also('path: /api///')).toEqual(['10:12 routes[1].path'])
    expect(also('path: /API')).toEqual([])
    expect(also('path: /api/v2')).toEqual([])
    expect(also('path: /api, host: other.localhost')).toEqual([])
    expect(also('path: /')).toEqual([])
  })

  it('have hosts that do not depend on case', () => {
    expect(placesOf(`${withRoute('host: A.example')}  - {path: /api, host: a.EXAMPLE, upstream: "https://b.example"}\n`)).toEqual(
      ['11:12 routes[1].path'],
    )
  })

  it.each(['api', '', 'http://x', '/a b', '/a?b', '/a#b', '/a*', '/é', '/a/../b', '/a/%2e%2E/b', '/..', '/.', '"/a\\n"'])(
    'have no path like %s',
    (path) => {
      expect(placesOf(goodConfig.replace('path: /api', `path: ${path.startsWith('"') ? path : `"${path}"`}`))).toEqual([
        '7:11 routes[0].path',
      ])
    },
  )

  it.each([
    'api.example.com',
    '/relative',
    'ftp://a.example',
    'https://',
    'https://a.example/?b',
    'https://a.example/#b',
    'https://u:p@a.example',
    'https://a.example/../b',
    'https:a.example',
    'https://a.example:99999',
    'file:///etc',
    'https://a b',
    '',
  ])('have no upstream like %s', (upstream) => {
    expect(placesOf(goodConfig.replace('https://api.example.com/v1', `"${upstream}"`))).toEqual(['8:15 routes[0].upstream'])
  })

  it('do not set a field or a parameter that the credential sets', () => {
    expect(placesOf(withRoute('headers: {set: {authorization: x}}'))).toEqual([
      expect.stringContaining('routes[0].headers.set.authorization'),
    ])
    const query = withCredential('inject: {query: access_token, value: "{access_token}"}')
    expect(placesOf(`${query}    query: {set: {access_token: x}}\n`)).toHaveLength(1)
    expect(problemsOf(`${query}    headers: {set: {Authorization: x}}\n`)).toEqual([])
  })

  it.each([
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Connection',
    'TE',
    'Trailer',
    'Upgrade',
    'Via',
    'Expect',
    'Keep-Alive',
    'Proxy-Connection',
  ])('neither set nor remove %s, nor does a credential inject it', (name) => {
    expect(placesOf(withRoute(`headers: {set: {${name}: x}}`))).toHaveLength(1)
    expect(placesOf(withRoute(`headers: {remove: [${name.toUpperCase()}]}`))).toHaveLength(1)
    expect(placesOf(withCredential(`inject: {header: ${name}, value: "{access_token}"}`))).toHaveLength(1)
  })

  it('do not set one field twice in two spellings, nor set and remove it', () => {
    expect(placesOf(withRoute('headers: {set: {X-A: a, x-a: b}}'))).toHaveLength(1)
  })

  it('do not inject one field twice, in whatever spelling', () => {
    expect(
      placesOf(withCredential('inject: [{header: Authorization, value: "{access_token}"}, {header: authorization, value: x}]')),
    ).toHaveLength(1)
    expect(placesOf(withCredential('inject: [{query: t, value: "{access_token}"}, {query: t, value: x}]'))).toHaveLength(1)
  })

  it.each(['X Y', '', 'X:Y', 'é', 'X-A\\r\\nX-B'])('have no field named %j', (name) => {
    expect(placesOf(withRoute(`headers: {set: {"${name}": x}}`))).toHaveLength(1)
    expect(placesOf(withRoute(`headers: {remove: ["${name}"]}`))).toHaveLength(1)
    expect(placesOf(withCredential(`token_request: {headers: {"${name}": x}}`))).toHaveLength(1)
  })

  it('have no field value with a line break', () => {
    expect(placesOf(withRoute('headers: {set: {X-A: "a\\r\\nX-B: c"}}'))).toEqual([
      expect.stringContaining('routes[0].headers.set.X-A'),
    ])
  })

  it('must be there, at least one', () => {
    expect(placesOf(goodConfig.replace(/routes:[^]*/, ''))).toEqual(['1:1 routes'])
    expect(placesOf(goodConfig.replace(/routes:[^]*/, 'routes: []'))).toEqual(['6:9 routes'])
    expect(placesOf(goodConfig.replace(/routes:[^]*/, 'routes:'))).toEqual([expect.stringMatching(/^6:\d routes$/)])
  })
})

describe('addresses', () => {
  it('that other machines reach need a word on who may call', () => {
    for (const listen of ['0.0.0.0:8080', ':8080', '"[::]:8080"', '10.0.0.1:8080', 'gateway.internal:8080']) {
      expect(placesOf(withTop(`listen: ${listen}`)), listen).toEqual(['10:9 listen'])
      expect(problemsOf(withTop(`listen: ${listen}`, 'callers: anyone')), listen).toEqual([])
    }
    for (const listen of ['127.0.0.1:8080', '127.0.0.2:8080', '"[::1]:8080"', 'localhost:8080'])
      expect(problemsOf(withTop(`listen: ${listen}`)), listen).toEqual([])
  })

  it.each([
    '8080',
    'localhost',
    '127.0.0.1',
    '127.0.0.1:',
    '127.0.0.1:65536',
    '127.0.0.1:-1',
    '::1:8080',
    'http://127.0.0.1:8080',
    '127.0.0.1:80 ',
    'a b:80',
    '127.0.0.1:http',
    ':',
  ])('are refused when they are %j', (listen) => {
    expect(placesOf(withTop(`listen: "${listen}"`))).toEqual(['10:9 listen'])
    expect(placesOf(withTop(`admin: {listen: "${listen}"}`))).toEqual(['10:17 admin.listen'])
  })

  it.each([
    ['127.0.0.1:8080', '127.0.0.1:8080'],
    ['127.0.0.1:8080', 'localhost:8080'],
    ['127.0.0.1:8080', '0.0.0.0:8080'],
    ['127.0.0.1:8080', ':8080'],
    ['127.0.0.1:8080', '[::]:8080'],
    ['[::1]:8080', '[::1]:8080'],
  ])('of gateway %s and admin interface %s clash', (listen, admin) => {
    expect(placesOf(withTop(`listen: "${listen}"`, `admin: {listen: "${admin}"}`))).toEqual(['11:17 admin.listen'])
  })

  it('of gateway and admin interface may be any free port, or one port on two addresses', () => {
    expect(problemsOf(withTop('listen: 127.0.0.1:0', 'admin: {listen: 127.0.0.1:0}'))).toEqual([])
    expect(problemsOf(withTop('listen: 127.0.0.1:8080', 'admin: {listen: 127.0.0.2:8080}'))).toEqual([])
  })
})

describe('numbers', () => {
  it.each(['0', '-1', '1.5', 'many', '1e400', '99999999999999999999', '0x10g', '[]', '~'])(
    'that count something are whole and at least one: not %s',
    (value) => {
      expect(placesOf(withRoute(`max_connections: ${value}`))).toEqual([
        expect.stringMatching(/^10:\d+ routes\[0\]\.max_connections$/),
      ])
    },
  )

  it('of token requests make a budget, with a window that is not empty', () => {
    expect(placesOf(withCredential('token_requests: {limit: 0, window: 1h}'))).toEqual([`6:29 ${main}.token_requests.limit`])
    expect(placesOf(withCredential('token_requests: {limit: 1, window: 0s}'))).toEqual([`6:40 ${main}.token_requests.window`])
  })
})
