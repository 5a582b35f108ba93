import { createRequire } from 'node:module'
import type { Agent as UndiciAgent, Dispatcher } from 'undici'

const load = createRequire(import.meta.url)

/**
 * undici's client without everything else that its front door loads (fetch, WebSocket, caches, mocks): 30 ms of a start and 3
 * MiB of every sidecar's memory. The version is pinned exactly, and test/oauth/token-transport.test.ts fails if these parts
 * move.
 */
export const Agent = load('undici/lib/dispatcher/agent.js') as typeof UndiciAgent

const api = load('undici/lib/api/index.js') as { readonly request: Dispatcher['request'] }

/** `Dispatcher.request` of an agent. */
export function requestThrough(agent: UndiciAgent, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
  return api.request.call(agent, options) as Promise<Dispatcher.ResponseData>
}
