import { Agent } from 'node:http'
import { Agent as TlsAgent } from 'node:https'

/** The platform's agent that keeps connections, as people are told to use with http-proxy. */
export function keepAliveAgent(upstream: string, trusted: Buffer | undefined): Agent {
  const options = { keepAlive: true, maxFreeSockets: 1_024 }
  return upstream.startsWith('https:')
    ? new TlsAgent({ ...options, ...(trusted !== undefined && { ca: trusted }) })
    : new Agent(options)
}
