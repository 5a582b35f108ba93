import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { httpServer, readBody } from './servers.ts'
import type { TestServer } from './servers.ts'
import type { TokenEndpoint } from './token-endpoint.ts'
import { tokenEndpoint } from './token-endpoint.ts'

/** A request as the provider received it, whole. */
export interface ReceivedCall {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** A provider: a token endpoint and an API that takes its tokens. */
export interface Provider extends TestServer {
  readonly server: Server
  readonly tokens: TokenEndpoint
  /** Calls received whole, refused ones too, in order. */
  readonly calls: ReceivedCall[]
  /** Requests that began to arrive. */
  begun(): number
  /** Calls whose body was cut off. */
  cut(): number
}

/** The body of a provider's refusal. */
export const refusalBody = '{"error":"the token is not known here"}'

/** Refuses as a provider would. */
export function refuse(response: ServerResponse): void {
  response
    .writeHead(401, {
      'www-authenticate': 'Bearer error="invalid_token"',
      'content-type': 'application/json',
      'content-length': refusalBody.length,
    })
    .end(refusalBody)
}

/** Starts a provider that reads every call whole, refuses tokens that are not live, and lets the test answer the others. */
export async function provider(
  answer: (call: ReceivedCall, response: ServerResponse) => void | Promise<void> = (_, response) => void response.end('good'),
  tokens?: TokenEndpoint,
): Promise<Provider> {
  const endpoint = tokens ?? (await tokenEndpoint())
  const calls: ReceivedCall[] = []
  let begun = 0
  let cut = 0
  const server = await httpServer((request, response) => {
    begun++
    const { method = '', url: target = '', rawHeaders, headers } = request
    readBody(request).then(
      async (body) => {
        const call = { method, target, rawHeaders, headers, body }
        calls.push(call)
        if (endpoint.isLive(headers.authorization)) await answer(call, response)
        else refuse(response)
      },
      () => void cut++,
    )
  })
  return { ...server, tokens: endpoint, calls, begun: () => begun, cut: () => cut }
}
