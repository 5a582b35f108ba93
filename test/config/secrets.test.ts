import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { configOf, goodConfig, problemsOf, withCredential, withRoute } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'

const canary = 'canary-5up3r-s3cr3t'

function withSecret(yaml: string): string {
  return goodConfig.replace('client_secret: secret', () => `client_secret: ${yaml}`)
}

function secretOf(yaml: string, env: Record<string, string> = {}): Secret {
  const secret = configOf(withSecret(yaml), env).credentials.get('main')?.client_secret
  if (secret === undefined) throw new Error('no secret')
  return secret
}

/** Every way in which a value gets printed without anybody meaning to. */
function printed(value: unknown): string {
  const error = Object.assign(new Error('printing'), { value })
  const texts = [
    inspect(value, { depth: 20, showHidden: true, getters: true }),
    JSON.stringify(value),
    String(value),
    inspect(error, { depth: 20 }),
  ]
  return texts.join('\n')
}

describe('a secret from a file', () => {
  it.each([
    ['value', 'value'],
    ['value\n', 'value'],
    ['value\r\n', 'value'],
    ['value\n\n', 'value\n'],
    [' value \n', ' value '],
    ['two\nlines\n', 'two\nlines'],
    ['\nvalue', '\nvalue'],
  ])('drops one newline at the end and nothing else: %j', (content, expected) => {
    expect(secretOf(`{file: ${scratch().write('secret', content)}}`).reveal()).toBe(expected)
  })

  it('is read again when it changes', () => {
    const files = scratch()
    const secret = secretOf(`{file: ${files.write('secret', 'one\n')}}`)
    expect(secret.reveal()).toBe('one')
    files.write('secret', 'two\n')
    expect(secret.reveal()).toBe('two')
    writeFileSync(files.path('new'), 'three')
    renameSync(files.path('new'), files.path('secret'))
    expect(secret.reveal()).toBe('three')
  })

  it('is read again after the swap of a symbolic link, as Kubernetes does it', () => {
    const files = scratch()
    for (const version of ['v1', 'v2']) {
      mkdirSync(files.path(version))
      files.write(`${version}/secret`, `${version}\n`)
    }
    symlinkSync('v1', files.path('..data'))
    symlinkSync('..data/secret', files.path('secret'))
    const secret = secretOf(`{file: ${files.path('secret')}}`)
    expect(secret.reveal()).toBe('v1')
    symlinkSync('v2', files.path('..data_tmp'))
    renameSync(files.path('..data_tmp'), files.path('..data'))
    expect(secret.reveal()).toBe('v2')
  })

  it('keeps its last good value while the file is gone or empty', () => {
    const files = scratch()
    const secret = secretOf(`{file: ${files.write('secret', 'one')}}`)
    rmSync(files.path('secret'))
    expect(secret.reveal()).toBe('one')
    files.write('secret', '')
    expect(secret.reveal()).toBe('one')
    files.write('secret', 'two')
    expect(secret.reveal()).toBe('two')
  })

  it('that is missing, empty, a folder or unreadable is a problem that names the file', () => {
    const files = scratch()
    files.write('empty', '')
    files.write('newline', '\n')
    mkdirSync(files.path('folder'))
    const names = ['missing', 'empty', 'newline', 'folder']
    if (process.getuid?.() !== 0) {
      chmodSync(files.write('locked', 'x'), 0o000)
      names.push('locked')
    }
    for (const name of names) {
      const problems = problemsOf(withSecret(`{file: ${files.path(name)}}`))
      expect(problems, name).toHaveLength(1)
      expect(problems[0]).toMatch(/^f\.yaml:5:20: credentials\.main\.client_secret: .+; .+/)
      expect(problems[0]).toContain(files.path(name))
    }
  })

  it('has a path that may come from a variable', () => {
    const file = scratch().write('secret', 'value')
    expect(secretOf('{file: "${DIR}"}', { DIR: file }).reveal()).toBe('value')
  })

  it('is used for client_id and variables as well', () => {
    const file = scratch().write('secret', 'from-file\n')
    const text = withCredential(`variables: {key: {file: ${file}}}`, 'token_request: {headers: {X-Key: "{key}"}}').replace(
      'client_id: client',
      `client_id: {file: ${file}}`,
    )
    const credential = configOf(text).credentials.get('main')
    expect(credential?.client_id?.reveal()).toBe('from-file')
    expect(credential?.variables['key']?.reveal()).toBe('from-file')
  })
})

describe('a secret from the environment', () => {
  it('is taken as it is, whatever is in it', () => {
    for (const value of ['plain', ': {', '${X}', 'a\nb', ' ', '{"a": 1}'])
      expect(secretOf('{env: KEY}', { KEY: value }).reveal()).toBe(value)
  })

  it.each([{}, { KEY: '' }])('that is not set, or set but empty, is a problem that names the variable', (env) => {
    expect(problemsOf(withSecret('{env: KEY}'), env)).toEqual([
      expect.stringMatching(/^f\.yaml:5:20: credentials\.main\.client_secret: .*KEY.*; .+/),
    ])
  })

  it('does not come from the prototype of the environment', () => {
    expect(problemsOf(withSecret('{env: toString}'))).toHaveLength(1)
    expect(problemsOf(withSecret('${toString}'))).toHaveLength(1)
  })
})

describe('a secret as text', () => {
  it.each([
    '""',
    '',
    '~',
    '[]',
    '{}',
    '[a]',
    '{file: a, env: b}',
    '{file: ""}',
    '{env: ""}',
    '{file: [a]}',
    'true',
    '{value: x}',
  ])('is refused when it is %s', (yaml) => {
    const problems = problemsOf(withSecret(yaml))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^f\.yaml:5:\d+: credentials\.main\.client_secret/)
  })

  it('that YAML takes for a number is refused with the advice to quote it, because digits would get lost', () => {
    expect(problemsOf(withSecret('0123'))[0]).toContain('quote')
    expect(secretOf('"0123"').reveal()).toBe('0123')
  })
})

describe('a secret', () => {
  it('never prints itself', () => {
    const secret = Secret.of(canary)
    expect(printed(secret)).not.toContain(canary)
    expect(printed({ deep: [{ secret }] })).not.toContain(canary)
    expect(`${String(secret)} ${[secret].join()}`).not.toContain(canary)
    expect(JSON.stringify(Object.entries(secret))).not.toContain(canary)
    expect(printed(structuredCloneOrNothing(secret))).not.toContain(canary)
  })

  it('never prints whatever its value (property)', () => {
    fc.assert(fc.property(fc.string({ minLength: 12, unit: 'binary' }), (value) => !printed(Secret.of(value)).includes(value)))
  })
})

function structuredCloneOrNothing(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return undefined
  }
}

describe('the whole configuration', () => {
  const env = { KEY: canary }

  function everySecret(): Config {
    const file = scratch().write('secret', canary)
    const text = goodConfig.replace('client_id: client', 'client_id: ${KEY}').replace(
      'client_secret: secret',
      `client_secret: {file: ${file}}
    variables: {key: "\${KEY}", other: {env: KEY}}
    token_request:
      headers: {X-Key: "\${KEY}", X-Other: "{key}{other}"}
      query: {api_key: "\${KEY}"}
      params: {password: "\${KEY}"}
    inject: [{header: X-Api-Key, value: "\${KEY} {access_token}"}, {query: key, value: "\${KEY}"}]`,
    )
    return configOf(text, env)
  }

  it('never prints a secret of a credential', () => {
    const config = everySecret()
    expect(printed(config)).not.toContain(canary)
    expect(printed([...config.credentials])).not.toContain(canary)
    expect(printed(config.routes)).not.toContain(canary)
    expect(config.credentials.get('main')?.client_id?.reveal()).toBe(canary)
  })

  it('never prints an API key that a route sets as a field or a query parameter', () => {
    expect(printed(configOf(withRoute('headers: {set: {X-Api-Key: "${KEY}"}}'), env))).not.toContain(canary)
    expect(printed(configOf(withRoute('query: {set: {api_key: "${KEY}"}}'), env))).not.toContain(canary)
  })

  it('is frozen to its last corner', () => {
    const config = everySecret()
    const soft: string[] = []
    const visit = (value: unknown, path: string): void => {
      if (typeof value !== 'object' || value === null) return
      if (!Object.isFrozen(value)) soft.push(path)
      for (const [key, inner] of Object.entries(value)) visit(inner, `${path}.${key}`)
      if (value instanceof Map) for (const [key, inner] of value as Map<string, unknown>) visit(inner, `${path}(${key})`)
    }
    visit(config, 'config')
    expect(soft).toEqual([])
    expect(() => Object.assign(config, { via: 'x' })).toThrow(TypeError)
    expect(() => Object.assign(config.routes[0]?.timeouts ?? {}, { connect: 1 })).toThrow(TypeError)
  })

  it('has a map of credentials that nobody can change', () => {
    const credentials = everySecret().credentials as Map<string, unknown>
    expect(() => credentials.set('other', {})).toThrow(TypeError)
    expect(() => credentials.clear()).toThrow(TypeError)
  })
})
