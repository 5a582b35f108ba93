import { z } from 'zod'
import { environmentProxies, fixedProxy, parseProxyUrl } from '../egress-proxy.ts'
import type { ProxyChoice } from '../egress-proxy.ts'

/**
 * An egress proxy: its URL, or `off`; what the environment says when absent.
 * @param env where HTTPS_PROXY and its kin are looked up
 */
export function egressProxy(env: Readonly<NodeJS.ProcessEnv>) {
  return z
    .string({ error: 'expected the URL of a proxy, or off; write it as http://proxy.example.com:3128' })
    .optional()
    .transform((value, context): ProxyChoice => {
      if (value === undefined) return environmentProxies(env)
      if (value === 'off') return fixedProxy(undefined)
      const proxy = parseProxyUrl(value)
      if (typeof proxy !== 'string') return fixedProxy(proxy)
      context.addIssue(proxy)
      return z.NEVER
    })
    .meta({ shown: ['http://proxy.example.com:3128', 'off'] })
}
