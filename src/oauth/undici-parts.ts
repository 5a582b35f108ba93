import type { Agent as UndiciAgent, Dispatcher } from 'undici'
import api from 'undici/lib/api/index.js'
import agent from 'undici/lib/dispatcher/agent.js'

/**
 * undici's client without everything else that its front door loads (fetch, WebSocket, caches, mocks): 30 ms of a start and 3
 * MiB of every sidecar's memory. The version is pinned exactly, and test/oauth/token-transport.test.ts fails if these parts
 * move.
 */
export const Agent: typeof UndiciAgent = agent

/** `Dispatcher.request` of an agent. */
export function requestThrough(agent: UndiciAgent, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
  return api.request.call(agent, options) as Promise<Dispatcher.ResponseData>
}
