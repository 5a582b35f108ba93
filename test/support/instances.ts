import type { ServerResponse } from 'node:http'
import { refuse } from './proxy-api.ts'
import type { ReceivedCall } from './proxy-api.ts'
import { answerJson, httpServer, readBody } from './servers.ts'
import type { TestServer } from './servers.ts'
import { tokenEndpoint } from './token-endpoint.ts'
import type { TokenEndpoint } from './token-endpoint.ts'

/** One of a provider's hosts: it takes the tokens that were granted for it. */
export interface Instance extends TestServer {
  readonly calls: ReceivedCall[]
  /** Tokens that it refuses from now on. */
  readonly refused: Set<string>
}

/** Starts an instance. @param answer to calls with a token that is not refused; by default the name of the instance */
export async function instance(
  name: string,
  answer: (call: ReceivedCall, response: ServerResponse) => void = (_, response) => void response.end(name),
): Promise<Instance> {
  const calls: ReceivedCall[] = []
  const refused = new Set<string>()
  const server = await httpServer(async (request, response) => {
    const { method = '', url: target = '', rawHeaders, headers } = request
    const call = { method, target, rawHeaders, headers, body: await readBody(request) }
    calls.push(call)
    if (refused.has((headers.authorization ?? '').replace('Bearer ', ''))) refuse(response)
    else answer(call, response)
  })
  return { ...server, calls, refused }
}

/** A token endpoint whose answers have further fields. @param fields of the next answers; to be changed at any time */
export async function tokenEndpointWith(fields: Record<string, unknown>): Promise<TokenEndpoint> {
  const endpoint = await tokenEndpoint()
  endpoint.answer = (response, next) => answerJson(response, { access_token: next, expires_in: 3600, ...fields })
  return endpoint
}
