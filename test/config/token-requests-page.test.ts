import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clientAuthenticationMethods } from '../../src/config/schema/credential.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { problemsOf } from '../support/cli-problems.ts'
import { scratch } from '../support/cli-scratch.ts'

const markdown = readFileSync(join(import.meta.dirname, '../../docs/token-requests.md'), 'utf8')
const examples = [...markdown.matchAll(/```yaml\n([^]*?)```/g)].map(([, text = '']) => text)

describe('docs/token-requests.md', () => {
  it('has every client authentication method', () => {
    for (const method of clientAuthenticationMethods) expect(markdown).toMatch(new RegExp(`^### .*${method}`, 'm'))
  })

  it.skipIf(!hasOpenssl)('has examples that load as they are', () => {
    const { write } = scratch()
    const client = certificateAuthority().issue('client')
    const pem = { format: 'pem', type: 'pkcs8' } as const
    const files: Readonly<Record<string, string>> = {
      secret: write('secret', 'value'),
      'secret-next': write('secret-next', 'other'),
      'rsa-key': write('rsa-key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export(pem).toString()),
      'ec-key': write('ec-key', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString()),
      'client-cert': client.cert,
      'client-key': client.key,
    }
    expect(examples).toHaveLength(14)
    for (const example of examples) {
      const text = example
        .replaceAll(/\/run\/secrets\/([a-z-]+)/g, (_, name: string) => files[name] ?? '')
        .replaceAll(/^/gm, '  ')
      const store = `token_store: {file: {path: /nowhere/tokens, encryption_key: ${Buffer.alloc(32).toString('base64')}}}`
      const routes = 'routes: [{path: /a, upstream: https://api.example.com, credential: example}]'
      const config = `${store}\ncredentials:\n${text}\n${routes}\n`
      expect(problemsOf(config, { EXAMPLE_CLIENT_ID: 'client', EXAMPLE_USER: 'user' }), example).toEqual([])
    }
  })
})
