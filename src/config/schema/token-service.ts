import type { z } from 'zod'
import { tokenServiceCallers } from './callers.ts'
import { listenAddress } from './listen.ts'
import { listenerTls } from './listener-tls.ts'
import { flag, hostNames, strictObject, webOrigins } from './values.ts'

/**
 * `token_service`: a listener of its own that gives tokens to other proxies.
 * @param env where `{env: NAME}` secrets are looked up
 */
export function tokenService(env: Readonly<NodeJS.ProcessEnv>) {
  return strictObject({
    listen: listenAddress.meta({
      description: 'Where the proxies connect.',
      shown: ['127.0.0.1:9180', 'unix:/run/bearerd-tokens.sock'],
    }),
    tls: listenerTls(env).optional().describe('As tls above; required when listen is not a loopback address.'),
    hosts: hostNames.describe('Further names that may stand in Host, where a proxy passes on that of its own callers.'),
    origins: webOrigins.describe('Browser origins that may use it through a proxy that passes on their fields.'),
    callers: tokenServiceCallers(env)
      .optional()
      .describe(
        'Who may have tokens; required when listen is not a loopback address. Without it every program of this machine may.',
      ),
    insecure_http: flag.default(false).describe('Allows tokens to cross a network in clear text.'),
  })
}

/** Where and to whom tokens are given. */
export type TokenServiceKeys = Readonly<z.output<ReturnType<typeof tokenService>>>
