import { describe, expect, it } from 'vitest'
import { configOf, goodConfig, placesOf, problemsOf, withCredential, withRoute } from '../support/cli-problems.ts'

const main = 'credentials.main'

describe('plain http', () => {
  it('to another machine must be allowed on the credential or route itself', () => {
    expect(placesOf(goodConfig.replaceAll('https:', 'http:'))).toEqual([`3:21 ${main}.token_endpoint`, '8:15 routes[0].upstream'])
    const allowed = withCredential('insecure_http: true').replaceAll('https:', 'http:')
    expect(placesOf(allowed)).toEqual(['9:15 routes[0].upstream'])
    expect(problemsOf(`${allowed}    insecure_http: true\n`)).toEqual([])
  })

  it.each(['localhost', 'LOCALHOST', 'api.localhost', '127.0.0.1', '127.9.9.9', '[::1]', '127.1', '0x7f000001'])(
    'to this machine needs no permission: %s',
    (host) => {
      expect(
        problemsOf(
          goodConfig
            .replace('https://api.example.com', `http://${host}:1234`)
            .replace('https://auth.example.com', `http://${host}`),
        ),
      ).toEqual([])
    },
  )

  it.each([
    '127.0.0.1.example.com',
    'localhost.example.com',
    'notlocalhost',
    '128.0.0.1',
    '0.0.0.0',
    '[::]',
    '10.0.0.1',
    '[::ffff:10.0.0.1]',
    '127.0.0.1@evil.example',
    'localhost%2eexample.com',
  ])('is not taken for this machine: %s', (host) => {
    expect(placesOf(goodConfig.replace('https://api.example.com', `http://${host}`))).toEqual(['8:15 routes[0].upstream'])
  })

  it('is not allowed where no permission is needed', () => {
    expect(placesOf(withCredential('insecure_http: true'))).toEqual([`6:20 ${main}.insecure_http`])
    expect(placesOf(withRoute('insecure_http: true'))).toEqual(['10:20 routes[0].insecure_http'])
    expect(placesOf(withRoute('insecure_http: true').replace('https://api.example.com', 'http://localhost'))).toEqual([
      '10:20 routes[0].insecure_http',
    ])
  })

  it('may be said to be forbidden, which changes nothing', () => {
    expect(problemsOf(withRoute('insecure_http: false'))).toEqual([])
  })
})

describe('client authentication', () => {
  it('needs an identifier and a secret, and says how to write them', () => {
    const problems = problemsOf(goodConfig.replace('    client_id: client\n    client_secret: secret\n', ''))
    expect(problems).toHaveLength(2)
    expect(problems[0]).toContain('client_id: ${MAIN_CLIENT_ID}')
    expect(problems[1]).toContain('client_secret: ${MAIN_CLIENT_SECRET}')
  })

  it('suggests variables that a shell can set, whatever the name of the credential', () => {
    const text = goodConfig
      .replace('  main:', '  1.my-shop:')
      .replace('credential: main', 'credential: 1.my-shop')
      .replace('    client_id: client\n', '')
    const suggested = /\$\{([^}]*)\}/.exec(problemsOf(text).join())?.[1] ?? ''
    expect(suggested).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/)
  })

  it('needs no secret when there is none', () => {
    const text = withCredential('token_endpoint_auth_method: none')
    expect(placesOf(text)).toEqual([`5:20 ${main}.client_secret`])
    expect(problemsOf(text.replace('    client_secret: secret\n', ''))).toEqual([])
  })

  it('needs what its templates name, even when there is none', () => {
    const text = withCredential('token_endpoint_auth_method: none', 'token_request: {headers: {X-Key: "{client_secret}"}}')
    expect(problemsOf(text)).toEqual([])
    expect(placesOf(text.replace('    client_secret: secret\n', ''))).toEqual([`2:3 ${main}.client_secret`])
  })

  it('of an unknown method gets the nearest one', () => {
    expect(problemsOf(withCredential('token_endpoint_auth_method: client_secret_past'))[0]).toContain(
      'did you mean "client_secret_post"?',
    )
  })

  it('refuses an encoding of Basic without Basic', () => {
    expect(
      placesOf(withCredential('token_endpoint_auth_method: client_secret_post', 'token_request: {basic_encoding: raw}')),
    ).toEqual([`7:37 ${main}.token_request.basic_encoding`])
    expect(problemsOf(withCredential('token_request: {basic_encoding: raw}'))).toEqual([])
  })
})

describe('templates', () => {
  it('that name nothing known are refused, with the name that was meant', () => {
    expect(problemsOf(withCredential('token_request: {headers: {X-A: "{client_ids}"}}'))).toEqual([
      `f.yaml:6:36: ${main}.token_request.headers.X-A: the template names {client_ids}, which is nowhere set; did you mean "client_id"?`,
    ])
  })

  it.each(['{', '}', '{}', '{a b}', '{access token}', '{1a}', 'x{', '{{a}', '{a}}', '{-a}'])(
    'with a stray brace are refused and say how to write one: %s',
    (template) => {
      for (const line of [
        `token_request: {headers: {X-A: "${template}"}}`,
        `token_request: {params: {a: "${template}"}}`,
        `token_request: {query: {a: "${template}"}}`,
      ]) {
        const problems = problemsOf(withCredential(line))
        expect(problems, line).toHaveLength(1)
        expect(problems[0], line).toContain('{{')
      }
    },
  )

  it('with a stray brace are refused at the value of inject too', () => {
    const problems = problemsOf(withCredential('inject: {header: X-Token, value: "{access token}"}'))
    expect(problems).toEqual([expect.stringMatching(/^f\.yaml:6:38: credentials\.main\.inject\.value: .*brace.*; .*\{\{/)])
  })

  it('may have doubled braces', () => {
    expect(problemsOf(withCredential('token_request: {params: {a: "{{literal}} {client_id}"}}'))).toEqual([])
  })

  it('of a token request cannot name the token, which is not there yet', () => {
    for (const name of ['access_token', 'token.instance_url']) {
      expect(placesOf(withCredential(`token_request: {headers: {X-A: "{${name}}"}}`)), name).toEqual([
        `6:36 ${main}.token_request.headers.X-A`,
      ])
    }
  })

  it('of inject may name fields of the token response', () => {
    expect(problemsOf(withCredential('inject: [{header: Authorization, value: "{token.token_type} {access_token}"}]'))).toEqual(
      [],
    )
  })

  it('that name the scope need one', () => {
    expect(placesOf(withCredential('token_request: {headers: {scope: "{scope}"}}'))).toEqual([`2:3 ${main}.scope`])
    expect(problemsOf(withCredential('scope: a', 'token_request: {headers: {scope: "{scope}"}}'))).toEqual([])
  })

  it('are found inside lists and groups of a JSON body', () => {
    expect(problemsOf(withCredential('token_request: {encoding: json, params: {a: [{b: "{nothing}"}]}}'))[0]).toContain(
      '{nothing}',
    )
    expect(
      problemsOf(withCredential('variables: {deep: x}', 'token_request: {encoding: json, params: {a: [{b: "{deep}"}]}}')),
    ).toEqual([])
  })

  it('that make nothing of the token go onto the request are refused', () => {
    expect(placesOf(withCredential('inject: {header: X-A, value: fixed}'))).toEqual([`6:13 ${main}.inject`])
    expect(placesOf(withCredential('inject: {header: X-A, value: "{client_id}"}'))).toHaveLength(1)
  })
})

describe('variables of a credential', () => {
  it('that nothing uses are refused', () => {
    expect(placesOf(withCredential('variables: {shop: x, other: y}', 'token_request: {headers: {X-A: "{shop}"}}'))).toEqual([
      `6:26 ${main}.variables.other`,
    ])
  })

  it('must have names that a template can name', () => {
    expect(placesOf(withCredential('variables: {my-shop: x}')).length).toBeGreaterThan(0)
  })

  it.each(['client_id', 'client_secret', 'scope', 'token_endpoint', 'access_token'])(
    'cannot take the name of what is there already: %s',
    (name) => {
      expect(
        placesOf(withCredential('scope: a', `variables: {${name}: x}`, `token_request: {headers: {X-A: "{${name}}"}}`)).length,
      ).toBeGreaterThan(0)
    },
  )
})

describe('the token request', () => {
  it('with GET cannot have a body', () => {
    expect(placesOf(withCredential('token_request: {method: GET, encoding: form}'))).toEqual([
      `6:44 ${main}.token_request.encoding`,
    ])
    expect(problemsOf(withCredential('token_request: {method: GET}'))).toHaveLength(1)
    expect(problemsOf(withCredential('token_request: {method: GET, encoding: query}'))).toEqual([])
    expect(problemsOf(withCredential('token_request: {method: GET, encoding: none}'))).toEqual([])
  })

  it('without an encoding has no parameters', () => {
    expect(placesOf(withCredential('token_request: {encoding: none, params: {a: b}}'))).toEqual([
      `6:45 ${main}.token_request.params`,
    ])
  })

  it.each(['form', 'multipart', 'query'])('as %s has neither lists nor groups', (encoding) => {
    expect(
      placesOf(
        withCredential(
          `token_request: {encoding: ${encoding}, params: {list: [a], group: {b: c}, text: d, number: 1, none: null}}`,
        ),
      ),
    ).toEqual([
      expect.stringContaining(`${main}.token_request.params.list`),
      expect.stringContaining(`${main}.token_request.params.group`),
    ])
  })

  it('as json has both', () => {
    expect(problemsOf(withCredential('token_request: {encoding: json, params: {list: [a], group: {b: c}, yes: true}}'))).toEqual(
      [],
    )
  })

  it.each(['Content-Length', 'transfer-encoding', 'Connection', 'Expect', 'Upgrade', 'Keep-Alive'])(
    'cannot set %s, which belongs to the connection',
    (name) => {
      expect(placesOf(withCredential(`token_request: {headers: {${name}: "x"}}`))).toEqual([
        expect.stringContaining(`${main}.token_request.headers.${name}`),
      ])
    },
  )

  it('cannot set the Content-Type of multipart, which has the boundary in it', () => {
    const line = (encoding: string): string => `token_request: {encoding: ${encoding}, headers: {content-type: a/b}}`
    expect(placesOf(withCredential(line('multipart')))).toEqual([
      expect.stringContaining(`${main}.token_request.headers.content-type`),
    ])
    expect(problemsOf(withCredential(line('form')))).toEqual([])
  })

  it('without a body cannot carry the client in it', () => {
    expect(placesOf(withCredential('token_endpoint_auth_method: client_secret_post', 'token_request: {encoding: none}'))).toEqual(
      [`7:31 ${main}.token_request.encoding`],
    )
  })

  it('cannot set one field twice in two spellings', () => {
    expect(placesOf(withCredential('token_request: {headers: {X-A: a, x-a: b}}'))).toHaveLength(1)
  })

  it('may have any other grant type', () => {
    expect(problemsOf(withCredential('grant_type: anything_else'))).toEqual([])
  })

  it('refuses a delimiter without scopes', () => {
    expect(placesOf(withCredential('scope_delimiter: ","'))).toEqual([`6:22 ${main}.scope_delimiter`])
    expect(problemsOf(withCredential('scope: [a, b]', 'scope_delimiter: ","'))).toEqual([])
  })

  it('refuses a delimiter for a scope that is one text, where it has no effect', () => {
    expect(placesOf(withCredential('scope: a b', 'scope_delimiter: ","'))).toEqual([`7:22 ${main}.scope_delimiter`])
  })
})

describe('the token response', () => {
  it('has a shortest lifetime that is not longer than the longest', () => {
    expect(placesOf(withCredential('token_response: {expires: {min: 10m, max: 5m}}'))).toEqual([
      `6:37 ${main}.token_response.expires.min`,
    ])
    expect(problemsOf(withCredential('token_response: {expires: {min: 5m, max: 5m}}'))).toEqual([])
  })

  it.each(['access_token', '//x~2', '/a~', 'header:', 'header:a b', 'data.token'])(
    'is read at a JSON Pointer or a field: not %s',
    (pointer) => {
      expect(placesOf(withCredential(`token_response: {access_token: "${pointer}"}`))).toEqual([
        `6:36 ${main}.token_response.access_token`,
      ])
    },
  )

  it.each(['/a', '/a/0/b', '/', '/a~1b/c~0d', 'header:X-Subject-Token'])(
    'is read at a JSON Pointer or a field: %s',
    (pointer) => {
      expect(problemsOf(withCredential(`token_response: {access_token: "${pointer}"}`))).toEqual([])
    },
  )
})

describe('renewal', () => {
  it.each(['0%', '91%', '100%', '-1%', '10', '10 %', '%', 'soon', ''])('is refused at %j', (value) => {
    expect(placesOf(withCredential(`renew_before: "${value}"`))).toEqual([`6:19 ${main}.renew_before`])
  })

  it.each([
    ['10%', { share: 0.1 }],
    ['0.5%', { share: 0.005 }],
    ['90%', { share: 0.9 }],
    ['30s', { ms: 30_000 }],
  ])('is read at %s', (value, expected) => {
    expect(configOf(withCredential(`renew_before: ${value}`)).credentials.get('main')?.renew_before).toEqual(expected)
  })
})
