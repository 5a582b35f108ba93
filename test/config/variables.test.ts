import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { configOf, goodConfig, placesOf, problemsOf, withCredential, withRoute, withTop } from '../support/cli-problems.ts'

function secretWith(value: string, env: Record<string, string>): string | undefined {
  return configOf(
    goodConfig.replace('client_secret: secret', () => `client_secret: ${value}`),
    env,
  )
    .credentials.get('main')
    ?.client_secret?.reveal()
}

describe('variables in values', () => {
  it('are filled in, alone, inside a text, and several of them', () => {
    expect(secretWith('${A}', { A: 'one' })).toBe('one')
    expect(secretWith('x-${A}-${B}${A}', { A: 'one', B: 'two' })).toBe('x-one-twoone')
    expect(secretWith('"quoted ${A}"', { A: 'one' })).toBe('quoted one')
  })

  it('have defaults for what is not set, and for what is set but empty', () => {
    expect(secretWith('${A:-one}', {})).toBe('one')
    expect(secretWith('${A:-one}', { A: '' })).toBe('one')
    expect(secretWith('${A:-one}', { A: 'two' })).toBe('two')
    expect(secretWith('"${A:-a: b, -c :-d}"', {})).toBe('a: b, -c :-d')
    expect(configOf(withRoute('headers: {set: {X-A: "${A:-}"}}'), {}).routes[0]?.headers.set['X-A']?.reveal()).toBe('')
  })

  it('can be written literally', () => {
    expect(secretWith('$${A}', { A: 'one' })).toBe('${A}')
    expect(secretWith('$${A} ${A}', { A: 'one' })).toBe('${A} one')
    expect(secretWith('"$A $ {A} $(A)"', { A: 'one' })).toBe('$A $ {A} $(A)')
  })

  it('are not filled in again inside what was filled in', () => {
    expect(secretWith('${A}', { A: '${B}', B: 'no' })).toBe('${B}')
    expect(secretWith('${A}', { A: '$${B}', B: 'no' })).toBe('$${B}')
  })

  it('that are missing are named, each at its place, with the remedy', () => {
    const text = goodConfig
      .replace('client_id: client', 'client_id: ${ID}')
      .replace('client_secret: secret', 'client_secret: a${ONE}b${TWO}')
    expect(problemsOf(text)).toEqual([
      'f.yaml:4:16: credentials.main.client_id: the environment variable ID is not set; set it, or give a default: ${ID:-default}',
      'f.yaml:5:20: credentials.main.client_secret: the environment variable ONE is not set; set it, or give a default: ${ONE:-default}',
      'f.yaml:5:20: credentials.main.client_secret: the environment variable TWO is not set; set it, or give a default: ${TWO:-default}',
    ])
  })

  it.each(['${}', '${1A}', '${A B}', '${A-x}', '${A:x}', '${A:?x}', '"${A"', '${bad-name}', '"${ A }"', '"${A"'])(
    'that are malformed are refused: %s',
    (value) => {
      const problems = problemsOf(
        goodConfig.replace('client_secret: secret', () => `client_secret: ${value}`),
        { A: 'one' },
      )
      expect(problems).toHaveLength(1)
      expect(problems[0]).toContain('f.yaml:5:20: credentials.main.client_secret: malformed variable; ')
    },
  )

  it('inside a default are filled in or refused, but never sent as they are written', () => {
    const text = goodConfig.replace('client_secret: secret', 'client_secret: ${A:-${B}}')
    if (problemsOf(text, { B: 'two' }).length === 0) expect(secretWith('${A:-${B}}', { B: 'two' })).toBe('two')
  })

  it('that are set but empty make an empty secret, which is refused with a hint at the variable', () => {
    const problems = problemsOf(goodConfig.replace('client_secret: secret', 'client_secret: ${A}'), { A: '' })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain('f.yaml:5:20: credentials.main.client_secret: the secret is empty; is its variable set?')
  })

  it('work for numbers, switches, sizes, durations and lists of values', () => {
    const env = { N: '7', ON: 'true', SIZE: '2KiB', TIME: '3s', M: 'PUT', LISTEN: '127.0.0.1:1234' }
    const text = withRoute(
      'max_connections: ${N}',
      'rewrite: {cookies: "${ON}"}',
      'max_request_body: ${SIZE}',
      'timeouts: {connect: "${TIME}"}',
      'methods: ["${M}"]',
    )
    const config = configOf(`${text}listen: \${LISTEN}\n`, env)
    expect(config.routes[0]).toMatchObject({
      max_connections: 7,
      rewrite: { cookies: true },
      max_request_body: 2048,
      timeouts: { connect: 3_000 },
      methods: ['PUT'],
    })
    expect(config.listen).toMatchObject({ port: 1234 })
  })

  it('are judged by the same rules as what is written', () => {
    expect(placesOf(withTop('listen: ${L}'), { L: 'nonsense' })).toEqual(['10:9 listen'])
    expect(placesOf(withRoute('max_connections: ${N}'), { N: '0' })).toEqual(['10:22 routes[0].max_connections'])
  })

  it.each([
    ': {',
    '\nlisten: 0.0.0.0:1\n',
    '[a, b]',
    '{file: /etc/passwd}',
    '{env: HOME}',
    'null',
    '~',
    '- a',
    '*a',
    '&a b',
    '#',
    '"',
    "'",
    '!!binary x',
    '---',
    '|\n  x',
    'true',
    '12',
    '\u0000',
    '${B}',
  ])('never change the structure: %j stays a text', (value) => {
    expect(secretWith('${A}', { A: value })).toBe(value)
  })

  it('never change the structure, whatever their value (property)', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (value) => secretWith('x${A}y', { A: value }) === `x${value}y`),
    )
  })

  it('never become placeholders of a template: a brace in an API key is a brace', async () => {
    const { buildTokenRequest } = await import('../../src/oauth/token-request.ts')
    for (const key of ['a{b', 'a}b', '{client_secret}', '{{x}}', '{unknown}', '${A}']) {
      const credential = configOf(withCredential('token_request: {headers: {X-Api-Key: "${KEY}"}}'), {
        KEY: key,
      }).credentials.get('main')
      if (credential === undefined) throw new Error('no credential')
      expect((await buildTokenRequest(credential)).headers['X-Api-Key']).toBe(key)
    }
  })

  it('are not looked for in keys', () => {
    expect(problemsOf(withTop('${A}: b'), { A: 'via' })[0]).toContain('there is no key "${A}" here')
  })
})
