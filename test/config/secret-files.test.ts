import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { parseConfig } from '../../src/config/load-config.ts'
import { secretFilesOf } from '../../src/config/secret-files.ts'
import { certificateAuthority, hasOpenssl } from '../support/certificates.ts'
import { scratch } from '../support/cli-scratch.ts'

describe('files of secrets', () => {
  it.skipIf(!hasOpenssl)('are found wherever the configuration names one, each once, with the key that names it', () => {
    const place = scratch()
    const authority = certificateAuthority()
    const { cert, key } = authority.issue('server')
    const secret = place.write('secret', 'canary')
    const config = parseConfig(
      'c.yaml',
      stringify({
        tls: { cert, key },
        callers: [{ name: 'orders', api_key: { file: secret } }],
        credentials: {
          main: {
            token_endpoint: 'https://auth.example.com/token',
            client_id: 'client',
            client_secret: { file: secret },
            variables: { tenant: { file: place.write('tenant', 'x') } },
            token_request: { params: { tenant: '{tenant}' }, tls: { ca: authority.cert } },
          },
        },
        routes: [{ path: '/api', upstream: 'https://api.example.com', credential: 'main' }],
      }),
      {},
    )
    expect(secretFilesOf(config)).toEqual([
      { file: cert, path: 'tls.cert', isSecret: false },
      { file: key, path: 'tls.key', isSecret: true },
      { file: secret, path: 'callers[0].api_key', isSecret: true },
      { file: place.path('tenant'), path: 'credentials.main.variables.tenant', isSecret: true },
      { file: authority.cert, path: 'credentials.main.token_request.tls.ca', isSecret: false },
    ])
  })
})
