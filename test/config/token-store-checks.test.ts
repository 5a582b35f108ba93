import { describe, expect, it } from 'vitest'
import { configOf, problemsOf, withTop } from '../support/cli-problems.ts'

describe('token_store', () => {
  const key = Buffer.alloc(32, 7).toString('base64')
  const storeOf = (text: string, env: Readonly<NodeJS.ProcessEnv> = {}) => configOf(withTop(text), env).token_store
  const problemOf = (text: string) => problemsOf(withTop(text)).join('\n')

  it('is memory, by word or by group', () => {
    expect(storeOf('token_store: memory')).toEqual({ kind: 'memory', max_tokens: 10_000 })
    expect(storeOf('token_store: {memory: {max_tokens: 5}}')).toEqual({ kind: 'memory', max_tokens: 5 })
  })

  it('is a file or a Redis with a key that can be a secret from anywhere', () => {
    const file = storeOf('token_store: {file: {path: /tmp/t, encryption_key: {env: KEY}}}', { KEY: key })
    expect(file).toMatchObject({ kind: 'file', path: '/tmp/t' })
    expect(file.kind === 'file' && file.encryption_key.reveal()).toBe(key)
    const redis = storeOf(`token_store: {redis: {url: "rediss://:canary@h:6380/2", encryption_key: ${key}}}`)
    expect(redis).toMatchObject({ kind: 'redis', prefix: 'bearerd:' })
    expect(JSON.stringify(redis)).not.toContain('canary')
  })

  it.each([
    ['token_store: disk', 'expected memory, or one store with its keys; for example'],
    ['token_store: {}', 'tokens are kept in one place; write one of memory, file and redis'],
    [`token_store: {memory: {}, file: {path: /t, encryption_key: ${key}}}`, 'tokens are kept in one place'],
    ['token_store: {file: {path: /t}}', 'token_store.file.encryption_key: this key is required'],
    [
      'token_store: {file: {path: /t, encryption_key: c2hvcnQ=}}',
      'not 32 bytes in base64; make one with "openssl rand -base64 32"',
    ],
    [`token_store: {redis: {url: "http://h", encryption_key: ${key}}}`, 'not a redis:// or rediss:// URL'],
    [`token_store: {redis: {encryption_key: ${key}}}`, 'token_store.redis.url: this key is required'],
    [`token_store: {redis: {uri: "redis://h", encryption_key: ${key}}}`, 'did you mean "url"?'],
  ])('%s is said to be wrong, with the remedy', (text, problem) => {
    expect(problemOf(text)).toContain(problem)
  })

  it('never prints a key that is wrong', () => {
    expect(problemOf('token_store: {file: {path: /t, encryption_key: canary-key}}')).not.toContain('canary-key')
    expect(problemOf(`token_store: {redis: {url: "http://u:canary-password@h", encryption_key: ${key}}}`)).not.toContain('canary')
  })
})
