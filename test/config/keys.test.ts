import { describe, expect, it } from 'vitest'
import { configOf, goodConfig, placesOf, problemsOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

describe('unknown keys', () => {
  it.each([
    ['at the top', withTop('acess_log: on'), 'access_log'],
    ['under admin', withTop('admin: {lisen: 127.0.0.1:1}'), 'listen'],
    ['under limits', withTop('limits: {header_counts: 3}'), 'header_count'],
    ['under shutdown', withTop('shutdown: {grase: 3s}'), 'grace'],
    ['under access_log', withTop('access_log: {mod: on}'), 'mode'],
    ['in a credential', withCredential('token_endpoint_auth_methd: none'), 'token_endpoint_auth_method'],
    ['in token_request', withCredential('token_request: {param: {}}'), 'params'],
    ['in token_response', withCredential('token_response: {acces_token: /a}'), 'access_token'],
    ['in expires', withCredential('token_response: {expires: {mim: 1s}}'), 'min'],
    ['in rejected_when', withCredential('rejected_when: [{statsu: 401}]'), 'status'],
    ['in token_requests', withCredential('token_requests: {limits: 3, window: 1h}'), 'limit'],
    ['in inject', withCredential('inject: {header: X-Token, valeu: "{access_token}"}'), 'value'],
    ['in a list of injects', withCredential('inject: [{headr: X-Token, value: "{access_token}"}]'), 'header'],
    ['in a secret', goodConfig.replace('client_secret: secret', 'client_secret: {flie: /run/secrets/x}'), 'file'],
    ['in a route', withRoute('max_conections: 3'), 'max_connections'],
    ['in headers', withRoute('headers: {sett: {}}'), 'set'],
    ['in timeouts', withRoute('timeouts: {conect: 3s}'), 'connect'],
    ['in replay', withRoute('replay: {max_boddy: 1MiB}'), 'max_body'],
    ['in rewrite', withRoute('rewrite: {cookie: false}'), 'cookies'],
  ])('%s are refused, with the key that was meant', (_where, text, meant) => {
    const problems = problemsOf(text)
    expect(
      problems.filter((line) => line.includes(`did you mean "${meant}"?`)),
      problems.join('\n'),
    ).toHaveLength(1)
  })

  it('that look like nothing known get the list of what is known', () => {
    expect(problemsOf(withRoute('timeouts: {colour: red}'))).toEqual([
      'f.yaml:10:16: routes[0].timeouts.colour: there is no key "colour" here; known here: connect, response, idle',
    ])
  })

  it('of one or two letters are not taken for a slip of a whole other word', () => {
    expect(problemsOf(withTop('a: 1', 'on: 2')).filter((line) => line.includes('did you mean'))).toEqual([])
  })

  it('are reported one by one', () => {
    expect(placesOf(withTop('colour: red', 'size: 3'))).toEqual(['10:1 colour', '11:1 size'])
  })

  it.each(['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])(
    'named %s are unknown like any other, at every level',
    (name) => {
      expect(placesOf(withTop(`${name}: {listen: 127.0.0.1:1}`))).toEqual([`10:1 ${name}`])
      expect(placesOf(withCredential(`${name}: {scope: evil}`))).toEqual([`6:5 credentials.main.${name}`])
      expect(placesOf(withCredential(`token_request: {${name}: {encoding: json}}`))).toEqual([
        `6:21 credentials.main.token_request.${name}`,
      ])
      expect(placesOf(withRoute(`${name}: {methods: [GET]}`))).toEqual([`10:5 routes[0].${name}`])
    },
  )

  it.each(['__proto__', 'constructor', 'toString'])('named %s are unknown on top of a preset too, and change nothing', (name) => {
    const preset = (more: string): string =>
      `credentials:\n  gett: {provider: gett, client_id: a, client_secret: b, ${more}}\nroutes: [{path: /gett, credential: gett}]\n`
    expect(placesOf(preset(`${name}: {scope: evil}`))).toEqual([`2:58 credentials.gett.${name}`])
    expect(placesOf(preset(`token_request: {${name}: {timeout: 1s}}`))).toEqual([`2:74 credentials.gett.token_request.${name}`])
  })

  it.each(['__proto__', 'constructor', 'toString'])('named %s are not taken for names of what is configured', (name) => {
    expect(placesOf(goodConfig.replace('credential: main', `credential: ${name}`))).toEqual(['9:17 routes[0].credential'])
    expect(placesOf(goodConfig.replace('    client_id', `    provider: ${name}\n    client_id`)).at(0)).toBe(
      '4:15 credentials.main.provider',
    )
    const gobiz = `credentials:\n  g: {provider: gobiz, environment: ${name}, client_id: a, client_secret: b}\nroutes: [{path: /g, credential: g}]\n`
    expect(placesOf(gobiz)).toEqual(['2:37 credentials.g.environment'])
    expect(problemsOf(withCredential(`token_request: {headers: {X-A: "{${name}}"}}`))).toHaveLength(1)
  })

  it('that may be any name keep names like __proto__ and constructor as they are, or refuse them, but never drop them', () => {
    for (const name of ['__proto__', 'constructor']) {
      const text = withRoute(`headers: {set: {${name}: value}}`)
      if (problemsOf(text).length > 0) continue
      expect(Object.entries(configOf(text).routes[0]?.headers.set ?? {}).map(([key, value]) => [key, value.reveal()])).toEqual([
        [name, 'value'],
      ])
    }
    for (const name of ['__proto__', 'constructor']) {
      const text = withCredential(`token_request: {params: {${name}: value}}`)
      if (problemsOf(text).length > 0) continue
      expect(Object.keys(configOf(text).credentials.get('main')?.token_request.params ?? {})).toEqual([name])
    }
  })
})

describe('names', () => {
  it.each(['__proto__', '-a', 'a b', '_x', 'a/b', '"a\\nb"', '""', 'é', '<script>', '${NAME}'])(
    'refuses the credential name %s',
    (name) => {
      expect(placesOf(goodConfig.replace('  main:', `  ${name}:`).replace('credential: main', 'credential: x'))[0]).toMatch(
        /^2:3 credentials\./,
      )
    },
  )

  it('takes numbers as names of credentials', () => {
    expect(
      configOf(goodConfig.replace('  main:', '  42:').replace('credential: main', 'credential: "42"')).credentials.has('42'),
    ).toBe(true)
  })
})

describe('keys that are not plain text', () => {
  it.each(['? {a: b}\n: c', '? [a]\n: c', '~: c', 'true: c', '1.5: c'])('are refused: %s', (key) => {
    expect(problemsOf(`${goodConfig}${key}\n`)).toHaveLength(1)
  })

  it('are refused where they stand', () => {
    expect(placesOf(`${goodConfig}? {a: b}\n: c\n`)).toEqual(['10:3 '])
  })
})

describe('duplicate keys', () => {
  it('are refused at the second one, with the path of the key', () => {
    expect(placesOf(withCredential('client_id: other'))).toEqual(['6:5 credentials.main.client_id'])
    expect(placesOf(withTop('routes: []'))).toEqual(['10:1 routes'])
    expect(problemsOf(withCredential('client_id: other'))[0]).toContain('the key "client_id" appears twice')
  })

  it('are refused however they are quoted, and in flow style', () => {
    expect(problemsOf(withCredential('"client_id": other'))).toHaveLength(1)
    expect(problemsOf(withTop('shutdown: {delay: 1s, delay: 2s}'))).toHaveLength(1)
  })

  it('are refused for credentials of the same name', () => {
    expect(
      problemsOf(goodConfig.replace('routes:', '  main: {provider: gett, client_id: a, client_secret: b}\nroutes:')),
    ).toHaveLength(1)
  })

  it('are reported together with all other problems', () => {
    expect(placesOf(withTop('via: a', 'via: b', 'lisen: 3'))).toHaveLength(2)
  })
})

describe('YAML', () => {
  it.each([
    ['a tab as indentation', 'credentials:\n\tmain: 1\n', '2:1'],
    ['an open quote', "a: 'b\n", '2:1'],
    ['an open bracket', 'a: [b\n', '2:1'],
    ['two values', 'a: "b" c\n', '1:8'],
    ['a second document', `${goodConfig}---\nroutes: []\n`, '10:1'],
  ])('with %s is refused at its place', (_what, text, place) => {
    const problems = problemsOf(text)
    expect(problems[0]).toMatch(new RegExp(`^f\\.yaml:${place}: not valid YAML: .+; .+`))
  })

  it('does not report what it could not read as missing', () => {
    expect(problemsOf("listen: 'oops\n").filter((line) => line.includes('required'))).toEqual([])
  })

  it('takes on and off as words, so that a switch is no boolean', () => {
    const config = configOf(withTop('access_log: off', 'via: off'))
    expect(config.access_log.mode).toBe('off')
    expect(config.via).toBe('off')
  })

  it('takes aliases', () => {
    const text = goodConfig
      .replace('client_id: client', 'client_id: &id client')
      .replace('client_secret: secret', 'client_secret: *id')
    expect(configOf(text).credentials.get('main')?.client_secret?.reveal()).toBe('client')
  })

  it('refuses an alias to itself and an alias to nothing', () => {
    expect(problemsOf(withTop('hosts: &h [*h]')).some((line) => line.includes('alias'))).toBe(true)
    expect(problemsOf(withTop('hosts: *h')).some((line) => line.includes('alias'))).toBe(true)
  })

  it('refuses aliases that blow a small file up, at once and without a flood of other problems', () => {
    const levels = Array.from(
      { length: 30 },
      (_, level) =>
        `a${level}: &a${level} [${Array(10)
          .fill(level === 0 ? 'x' : `*a${level - 1}`)
          .join(', ')}]`,
    )
    // Expanded, these are 10^30 values: whoever follows them all runs into the time limit of the test.
    const problems = problemsOf(`${levels.join('\n')}\n${goodConfig}`)
    expect(problems.some((line) => line.includes('aliases'))).toBe(true)
    expect(problems.filter((line) => line.includes('this key is required'))).toEqual([])
  })

  it('refuses nesting without end as a problem, not as a crash', () => {
    for (const text of [
      `a: ${'['.repeat(50_000)}`,
      `a: ${'['.repeat(5_000)}${']'.repeat(5_000)}`,
      `a: ${'{a: '.repeat(5_000)}1${'}'.repeat(5_000)}`,
      '- '.repeat(20_000),
    ]) {
      expect(problemsOf(text)).not.toEqual([])
    }
  })
})
