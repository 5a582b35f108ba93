import { spawnSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cmdWords, isForCmd } from '../../src/cli/init/cmd-words.ts'
import { shellWords } from '../../src/cli/init/shell-words.ts'
import { describeIf } from '../support/describe-with.ts'
import { hasCurl } from '../support/sent-request.ts'

const names = ['ID', 'SECRET', '_x1']

/** What bash makes of each command line; a variable stands for itself, as with us. */
function wordsOfBash(lines: readonly string[]): string[][] {
  const program = lines.map((line) => `set -- ${line}\nprintf '%s\\0' "$@" '\u0001'`).join('\n')
  const env = Object.fromEntries(names.map((name) => [name, `\${${name}}`]))
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-f', '-s'], {
    input: program,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C.UTF-8', ...env },
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  const words = stdout.split('\0')
  return lines.map(() => words.splice(0, words.indexOf('\u0001') + 1).slice(0, -1))
}

const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...Array.from('aZ09 -_=&:/.?+%@\'"\\$`{}<>|;#!*~[]()\n\t,^ä€😀')),
    fc.string({ minLength: 1, maxLength: 1 }),
  ),
})
const printable = text.map((value) => value.replaceAll('\0', ''))

const single = printable.map((value) => `'${value.replaceAll("'", '')}'`)
const escaped = printable.map((value) =>
  Array.from(value)
    .filter((character) => character !== '\n' && !/[ \t]/.test(character))
    .map((character) => `\\${character}`)
    .join(''),
)
const double = fc
  .array(
    fc.oneof(
      printable.map((value) => value.replace(/["\\$`]/g, '\\$&')),
      fc.constantFrom('$ID', '${SECRET}', '\\\n', '\\n', '$_x1'),
    ),
  )
  .map((parts) => `"${parts.join('')}"`)
const ansi = fc
  .array(
    fc.oneof(
      printable.map((value) => value.replace(/['\\]/g, '\\$&')),
      fc.constantFrom('\\n', '\\t', '\\x41', '\\u00e4', '\\U0001F600', '\\101', '\\e', '\\a', '\\"', '\\?', '\\q', '\\v'),
    ),
  )
  .map((parts) => `$'${parts.join('')}'`)
const bare = fc.stringMatching(/^[A-Za-z0-9_=:/.+@%-]+$/)
const variable = fc.constantFrom('$ID', '${SECRET}', '${_x1}')
const word = fc
  .array(fc.oneof(single, escaped, double, ansi, bare, variable), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(''))
const blank = fc.constantFrom(' ', '  ', '\t', ' \\\n', ' \\\n  ')
const line = fc
  .array(fc.tuple(blank, word), { minLength: 1, maxLength: 5 })
  .map((pairs) => `curl${pairs.map((pair) => pair.join('')).join('')}`)
  // A variable that a letter follows, even in the next line, would be another one.
  .filter((value) => !/\$(ID|_x1)(\\\n)*[A-Za-z0-9_]/.test(value))

const describeWithBash = describeIf(hasCurl, 'bash or curl is not installed')

describeWithBash('words of a shell', () => {
  it('are those that bash makes, whatever is quoted in whatever way', () => {
    const lines = fc.sample(line, 1500)
    const expected = wordsOfBash(lines)
    for (const [index, each] of lines.entries()) expect(shellWords(each), JSON.stringify(each)).toEqual(expected[index])
  })

  it.each([
    'a # no word',
    'a#b "#c" \'#d\'',
    'a\\\nb \'c\\\nd\' "e\\\nf"',
    '"" \'\' a""b',
    'a="b c"d\'e\'\\ f',
    "$'a\\'b' $'\\\\n'",
    '"$ID:${SECRET}" $ID',
    '"a$" a$ "$ b" \'$ID\'',
    '$"locale"',
    '"$(echo -n "$ID:$SECRET" | base64)" "$(printf %s \'a:b\' | base64 -w 0)" $(printf a:b|base64)',
    '"$(echo a:b | base64 --wrap=0)"',
  ])('are those that bash makes: %s', (each) => {
    expect(shellWords(each)).toEqual(wordsOfBash([each])[0])
  })
})

describe('what no shell takes, but documentation shows', () => {
  it.each([
    [
      'placeholders without quotes',
      'curl -d id=<client-id> <TOKEN URL> -u <a>:<b>',
      ['curl', '-d', 'id=<client-id>', '<TOKEN URL>', '-u', '<a>:<b>'],
    ],
    ['an address without quotes', 'curl https://a.example/t?a=b&c=d -v', ['curl', 'https://a.example/t?a=b&c=d', '-v']],
    ['a line that ends with a slash', "curl -s '' \\\n-F a=b /\n-F c=d", ['curl', '-s', '', '-F', 'a=b', '-F', 'c=d']],
    ['a line without its backslash', 'curl\n  -F a=b\n  https://a.example', ['curl', '-F', 'a=b', 'https://a.example']],
    ['blanks behind a backslash', 'curl -v \\  \n  -i', ['curl', '-v', '-i']],
    ['a backslash at the end', 'curl -v \\', ['curl', '-v']],
    ['lines of Windows', 'curl -v \\\r\n  -i\r\n', ['curl', '-v', '-i']],
    ['a prompt', '$ curl -v', ['$', 'curl', '-v']],
    ['the answer below it', 'curl -v\n{"access_token": "x"}', ['curl', '-v']],
    ['a pipe', 'curl -v | jq .access_token', ['curl', '-v']],
    ['a redirection', 'curl -v > token.json 2>&1', ['curl', '-v']],
    ['variables that are set first', 'ID=a\nexport B=c\ncurl -v', ['curl', '-v']],
    ['variables alone', 'ID=a\nSECRET="b c"\ncurl -v', ['curl', '-v']],
  ])('is read as it is meant: %s', (_, call, words) => {
    expect(shellWords(call)).toEqual(words)
  })

  it.each([
    ['a single quote', "curl -d 'secret-a", /quote of the call is not closed/],
    ['a double quote', 'curl -d "secret-a', /quote of the call is not closed/],
    ["$'...", "curl -d $'secret-a", /quote of the call is not closed/],
    ['a typographic quote', 'curl -d “secret-a”', /typographic quote/],
    ['a command', 'curl -d "$(cat secret-file)"', /is not run/],
    ['a command in backticks', 'curl -d `cat secret-file`', /only a shell can fill in/],
    ['an argument of a script', 'curl -d $1', /only a shell can fill in/],
    ['a default', 'curl -d ${A:-secret-b}', /only a shell can fill in/],
    ['a second call', 'curl -d secret-a; curl -d b', /more than one call/],
    ['a second call in another line', 'curl -d secret-a\ncurl -d b', /more than one call/],
    ['a character of code 0', "curl -d $'secret-\\x00'", /no argument can have/],
  ])('is refused, without a part of it: %s', (_, call, message) => {
    expect(() => shellWords(call)).toThrow(message)
    expect(() => shellWords(call)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret-') as string }) as Error,
    )
  })
})

describe('words of the command prompt of Windows', () => {
  it.each([
    [
      'lines',
      'curl "https://a.example/t" ^\n  -H "accept: */*" ^\r\n  --data-raw "a=b^&c=d"',
      ['curl', 'https://a.example/t', '-H', 'accept: */*', '--data-raw', 'a=b^&c=d'],
    ],
    [
      'JSON, as older browsers copy it',
      'curl "https://a.example" ^\n --data-raw "{\\"a\\":\\"b c\\"}"',
      ['curl', 'https://a.example', '--data-raw', '{"a":"b c"}'],
    ],
    [
      'JSON, as browsers copy it',
      'curl ^"https://a.example/t?a=b^&c=d^" ^\n  --data-raw ^"^{^\\^"a^\\^":^\\^"b c^\\^"^}^"',
      ['curl', 'https://a.example/t?a=b&c=d', '--data-raw', '{"a":"b c"}'],
    ],
    [
      'doubled quotes and backslashes',
      'curl -d "a ""b"" c" ^\n -d "d\\\\" -d e\\f ""',
      ['curl', '-d', 'a "b" c', '-d', 'd\\', '-d', 'e\\f', ''],
    ],
    [
      'variables',
      'curl ^\n -u "%CLIENT_ID%:%CLIENT_SECRET%" -d a=%20b%2F',
      ['curl', '-u', '${CLIENT_ID}:${CLIENT_SECRET}', '-d', 'a=%20b%2F'],
    ],
    ['a line end in a value', 'curl -d ^"a^\n\nb^"', ['curl', '-d', 'a\nb']],
  ])('are told apart: %s', (_, call, words) => {
    expect(isForCmd(call)).toBe(true)
    expect(cmdWords(call)).toEqual(words)
  })

  it('are none of a shell', () => {
    for (const call of ["curl -d 'a^b' \\\n -d c", "curl -d '^'", 'curl -H "a: ^b"']) expect(isForCmd(call)).toBe(false)
    expect(() => cmdWords('curl ^\n -d "a')).toThrow(/not closed/)
  })
})
