import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { goodConfig, problemsOf } from '../support/cli-problems.ts'

const keys = fc.constantFrom(
  'listen',
  'admin',
  'credentials',
  'routes',
  'limits',
  'shutdown',
  'access_log',
  'main',
  'gett',
  'provider',
  'environment',
  'token_endpoint',
  'client_id',
  'client_secret',
  'scope',
  'variables',
  'token_request',
  'token_response',
  'headers',
  'query',
  'params',
  'set',
  'remove',
  'inject',
  'header',
  'value',
  'expires',
  'rejected_when',
  'status',
  'token_requests',
  'limit',
  'window',
  'path',
  'upstream',
  'credential',
  'methods',
  'timeouts',
  'replay',
  'rewrite',
  '__proto__',
  'constructor',
  'toString',
  'x',
  '<<',
  '~',
  '1',
  '${A}',
  '""',
)
const scalars = fc.oneof(
  fc.constantFrom(
    'gett',
    'getnet',
    'sandbox',
    '~',
    'true',
    'on',
    'off',
    '0',
    '-1',
    '1e999',
    '.nan',
    '""',
    '"{x}"',
    '"{"',
    '"{access_token}"',
    '/a',
    '/',
    'https://a.example',
    'http://a.example',
    '127.0.0.1:0',
    '10s',
    '1MiB',
    '10%',
    '${A}',
    '${B:-c}',
    '"${"',
    '*a',
    '&a x',
    '{file: /nowhere}',
    '{env: A}',
    '[]',
    '{}',
    '!!binary x',
    '2020-01-01',
    '0x1F',
    'none',
    'json',
  ),
  fc.string().map((text) => JSON.stringify(text)),
)

/** YAML-ish trees made of our own words in the wrong places. */
const { tree } = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('tree'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
    fc
      .array(fc.tuple(keys, tie('tree')), { maxLength: 6 })
      .map((entries) => `{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}`),
  ),
}))

const topLevel = fc
  .array(fc.tuple(fc.constantFrom('listen', 'admin', 'credentials', 'routes', 'limits', 'shutdown', 'hosts', 'via', 'x'), tree), {
    maxLength: 6,
  })
  .map((entries) => entries.map(([key, value]) => `${key}: ${value}`).join('\n'))

const credential = fc
  .array(fc.tuple(keys, tree), { maxLength: 8 })
  .map(
    (entries) =>
      `credentials: {main: {${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}}\nroutes: [{path: /a, credential: main}]\n`,
  )
const route = fc
  .array(fc.tuple(keys, tree), { maxLength: 8 })
  .map((entries) => `routes: [{${entries.map(([key, value]) => `${key}: ${value}`).join(', ')}}]\n`)

/** A good file with one piece cut out and something else put there. */
const cut = fc
  .tuple(fc.nat(goodConfig.length), fc.nat(20), fc.oneof(fc.string({ maxLength: 8 }), scalars))
  .map(([at, length, text]) => goodConfig.slice(0, at) + text + goodConfig.slice(at + length))

const shapeOfProblem = /^f\.yaml:\d+:\d+: /

describe('whatever the text', () => {
  it.each([
    ['any characters', fc.string({ unit: 'binary', maxLength: 200 })],
    [
      'YAML indicators',
      fc
        .array(
          fc.constantFrom(
            'a',
            ':',
            ' ',
            '\n',
            '-',
            '?',
            '{',
            '}',
            '[',
            ']',
            ',',
            '&a',
            '*a',
            '!',
            '!!',
            '|',
            '>',
            '%',
            '@',
            '"',
            "'",
            '#',
            '\t',
            '---',
            '...',
            '${',
            '~',
          ),
          { maxLength: 60 },
        )
        .map((parts) => parts.join('')),
    ],
    ['our own words in the wrong places', topLevel],
    ['credentials made of our own words', credential],
    ['routes made of our own words', route],
    ['a good file, damaged', cut],
  ])('nothing but a ConfigError is thrown, and every problem has a place: %s', (_what, texts) => {
    fc.assert(
      fc.property(texts, (text) => {
        for (const line of problemsOf(text, { A: 'value' })) {
          // What a user wrote may itself hold line breaks (in a key); the first line has the place.
          if (line.startsWith('f.yaml')) expect(line).toMatch(shapeOfProblem)
        }
      }),
      { numRuns: 300 },
    )
  })

  it('each problem is one line, whatever the keys are', () => {
    const problems = problemsOf(`${goodConfig}"evil\\nf.yaml:1:1: made up; forged": 1\n`)
    expect(problems).toHaveLength(1)
  })

  it('no problem writes control characters to the terminal', () => {
    // eslint-disable-next-line no-control-regex
    expect(problemsOf(`${goodConfig}"\\e[2Jx": 1\n`).join('\n')).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/)
  })
})
