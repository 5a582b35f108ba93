import { describe, expect, it } from 'vitest'
import { goodConfig, placesOf, problemsOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

describe('the place of a problem', () => {
  it('is nowhere in a good configuration', () => {
    expect(problemsOf(goodConfig)).toEqual([])
  })

  it('is the value when the value is wrong', () => {
    expect(placesOf(goodConfig.replace('path: /api', 'path:   api'))).toEqual(['7:13 routes[0].path'])
    expect(placesOf(withTop('shutdown: {delay: 5s, grace: soon}'))).toEqual(['10:30 shutdown.grace'])
    expect(placesOf(withTop('replay_memory:', '    64MB'))).toEqual(['11:5 replay_memory'])
  })

  it('is the key when the key is wrong', () => {
    expect(placesOf(withTop('lisen: 127.0.0.1:1'))).toEqual(['10:1 lisen'])
    expect(placesOf(withCredential('token_request: {  encodng: form}'))).toEqual(['6:23 credentials.main.token_request.encodng'])
    expect(placesOf(withCredential('variables: {"a b": c}')).slice(0, 1)).toEqual(['6:17 credentials.main.variables.a b'])
    expect(placesOf(withRoute('headers: {set: {"X Y": z}}'))).toEqual(['10:21 routes[0].headers.set.X Y'])
  })

  it('is the key of the group around it when a key is missing', () => {
    expect(placesOf(goodConfig.replace('    upstream: https://api.example.com/v1\n', ''))).toEqual(['7:5 routes[0].upstream'])
    expect(placesOf(goodConfig.replace('    client_secret: secret\n', ''))).toEqual(['2:3 credentials.main.client_secret'])
    expect(placesOf(goodConfig.replace('    token_endpoint: https://auth.example.com/token\n', ''))).toEqual([
      '2:3 credentials.main.token_endpoint',
    ])
    expect(placesOf(withCredential('token_requests: {limit: 3}'))).toEqual(['6:5 credentials.main.token_requests.window'])
  })

  it('is the item when one item of a list is wrong', () => {
    expect(placesOf(withRoute('methods: [GET, post]'))).toEqual(['10:20 routes[0].methods[1]'])
    expect(placesOf(withTop('origins:', '  - https://app.example.com', '  - app.example.com'))).toEqual(['12:5 origins[1]'])
    expect(placesOf(withCredential('rejected_when:', '  - status: 401', '  - {}'))).toEqual([
      '8:9 credentials.main.rejected_when[1]',
    ])
  })

  it('is the value in an inject entry, not the whole of inject', () => {
    expect(
      placesOf(
        withCredential(
          'inject:',
          '  - header: Authorization',
          '    value: "{access_token}"',
          '  - header: X-Two',
          '    value: "{nothing}"',
        ),
      ),
    ).toEqual(['10:16 credentials.main.inject[1].value'])
  })

  it('counts lines the same with Windows line ends and after a byte order mark', () => {
    expect(placesOf(withTop('lisen: x').replaceAll('\n', '\r\n'))).toEqual(['10:1 lisen'])
    expect(placesOf(`\u{feff}${withTop('lisen: x')}`)).toEqual(['10:1 lisen'])
  })

  it('is shown as file:line:column: path: problem; remedy', () => {
    expect(problemsOf(withTop('lisen: x'))).toEqual(['f.yaml:10:1: lisen: there is no key "lisen" here; did you mean "listen"?'])
  })

  it('is the first line for a file without anything in it', () => {
    for (const text of ['', '\n', '# only a comment\n', '~']) expect(placesOf(text), JSON.stringify(text)).toEqual(['1:1 '])
  })

  it('is the place of an alias, when the value it stands for is wrong there', () => {
    const text = goodConfig.replace('path: /api', 'path: &p /api').replace('upstream: https://api.example.com/v1', 'upstream: *p')
    expect(placesOf(text)).toEqual(['8:15 routes[0].upstream'])
  })
})

describe('all problems at once', () => {
  it('come in the order of the file, whatever found them', () => {
    const text = `lisen: x
credentials:
  one:
    token_endpoint: http://auth.example.com/token
    client_id: \${MISSING}
    client_secret: secret
  two:
    token_endpoint: https://auth.example.com/token
    client_id: a
    client_secret: b
    renew_before: often
routes:
  - path: api
    upstream: https://api.example.com
  - path: /b
    upstream: ftp://api.example.com
  - path: /c
    upstream: https://api.example.com
    credential: three
`
    const places = placesOf(text)
    expect(places).toEqual(
      expect.arrayContaining([
        '1:1 lisen',
        '5:16 credentials.one.client_id',
        '11:19 credentials.two.renew_before',
        '13:11 routes[0].path',
        '16:15 routes[1].upstream',
        '19:17 routes[2].credential',
      ]),
    )
    const lines = places.map((place) => Number(place.split(':')[0]))
    expect(lines).toEqual([...lines].sort((a, b) => a - b))
  })

  it('include what concerns several keys of a credential, although another key of it is wrong', () => {
    const text = withCredential('colour: red').replace('    client_secret: secret\n', '').replace('https://auth', 'http://auth')
    expect(placesOf(text)).toEqual([
      '2:3 credentials.main.client_secret',
      '3:21 credentials.main.token_endpoint',
      '5:5 credentials.main.colour',
    ])
  })

  it('include what concerns several keys of a route, although another key of it is wrong', () => {
    expect(placesOf(withRoute('colour: red').replace('https://api', 'http://api'))).toEqual([
      '8:15 routes[0].upstream',
      '10:5 routes[0].colour',
    ])
    expect(placesOf(withRoute('headers: {set: {Host: x, "X Y": z}}'))).toEqual([
      '10:27 routes[0].headers.set.Host',
      '10:30 routes[0].headers.set.X Y',
    ])
  })

  it('include what concerns several keys of the top level, although another key of it is wrong', () => {
    expect(placesOf(withTop('listen: 0.0.0.0:8080', 'lisen: x'))).toEqual(['10:9 listen', '11:1 lisen'])
  })

  it('name one mistake once: a misspelt provider does not also lack the keys that its preset would have', () => {
    const text =
      'credentials: {gett: {provider: getttt, client_id: a, client_secret: b}}\nroutes: [{path: /gett, credential: gett}]\n'
    expect(placesOf(text)).toEqual(['1:32 credentials.gett.provider'])
  })

  it('name one mistake once: a missing variable does not also make its value wrong', () => {
    const text = goodConfig
      .replace('/api\n', '${A}\n')
      .replace('https://api.example.com/v1', '${B}')
      .replace('https://auth.example.com/token', '${C}')
    expect(placesOf(text)).toEqual(['3:21 credentials.main.token_endpoint', '7:11 routes[0].path', '8:15 routes[0].upstream'])
  })

  it('name one mistake once: an alias to nothing is not also a missing key', () => {
    expect(placesOf(goodConfig.replace('client_secret: secret', 'client_secret: *nothing'))).toEqual([
      '5:20 credentials.main.client_secret',
    ])
  })

  it.each([
    [
      'a provider whose variable is missing',
      'credentials: {gett: {provider: "${NOTHING}"}}\nroutes: [{path: /gett, credential: gett}]\n',
    ],
    [
      'a credential that is misspelt',
      'credentials: {gett: {provider: gett, client_id: a, client_secret: b}}\nroutes: [{path: /gett, credential: get}]\n',
    ],
    [
      'an unknown authentication method',
      withCredential('token_endpoint_auth_method: what').replace('    client_secret: secret\n', ''),
    ],
    ['an unknown key beside {file: ...}', goodConfig.replace('client_secret: secret', 'client_secret: {flie: /nowhere}')],
    [
      'a template that is wrong, the only one to name a variable',
      withCredential('variables: {shop: x}', 'token_request: {headers: {X-A: "{shop"}}'),
    ],
    ['a required key that is misspelt', goodConfig.replace('client_secret:', 'client_secrets:')],
    ['a required key of a group that is misspelt', withCredential('token_requests: {limt: 3, window: 1h}')],
    ['routes that are misspelt', goodConfig.replace('routes:', 'rutes:')],
    ['credentials that are a list', goodConfig.replace(/credentials:[^]*routes:/, 'credentials: [main]\nroutes:')],
  ])('name one mistake once: %s', (_what, text) => {
    expect(placesOf(text)).toHaveLength(1)
  })

  it('all have a remedy, never an untranslated message of a library', () => {
    const texts = [
      withCredential('scope: [order, 3]'),
      withCredential('token_request: {params: {a: "{x"}}'),
      withCredential('token_request: {params: {a: 2020-01-01, b: "}"}}'),
      goodConfig.replace('client_secret: secret', 'client_secret: ""'),
      goodConfig.replace('client_secret: secret', 'client_secret: {file: /nowhere, other: 1}'),
      goodConfig.replace('client_secret: secret', 'client_secret: {file: 3}'),
      withCredential('variables: {a: true}'),
      withCredential('token_response: {ok_when: {/a: [1]}}'),
      withCredential('scope_delimiter: 3'),
      withCredential('inject: 3'),
      withCredential('token_request: {query: {a: [1]}}'),
      withRoute('query: {set: {a: 1}}'),
      withRoute('query: {set: {"": x}}'),
      withRoute('methods: GET'),
      withRoute('allow_paths: /a'),
      withRoute('headers: {remove: X-A}'),
      withRoute('headers: {set: [a]}'),
      withTop('hosts: a'),
      withTop('origins: [3]'),
      withTop('token_store: redis'),
      goodConfig.replace(/credentials:[^]*routes:/, 'credentials: []\nroutes:'),
    ]
    const untranslated = texts.flatMap((text) => {
      const problems = problemsOf(text)
      expect(problems, text).not.toEqual([])
      return problems.filter((line) =>
        /Invalid input|Too small|Unrecognized|see the documentation|see docs|expected \w+, received/.test(line),
      )
    })
    expect(untranslated).toEqual([])
  })
})
