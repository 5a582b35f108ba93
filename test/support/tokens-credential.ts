import { stringify } from 'yaml'
import type { Credential } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load-config.ts'

/**
 * A credential as the configuration would make it, named `main`.
 * @param keys as below `credentials.main`; `undefined` removes a default
 */
export function credentialOf(keys: Readonly<Record<string, unknown>> = {}): Credential {
  const basics = { token_endpoint: 'https://idp.example/token', client_id: 'client', client_secret: 'canary-client-secret' }
  const { provider } = keys
  const main = { ...(provider === undefined ? basics : {}), ...keys }
  const text = stringify({
    credentials: { main },
    routes: [{ path: '/api', upstream: 'https://api.example', credential: 'main' }],
  })
  const credential = parseConfig('test.yaml', text, {}).credentials.get('main')
  if (credential === undefined) throw new Error('the configuration lost its credential')
  return credential
}
