import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson, httpServer, readBody } from './servers.ts'

/** A token endpoint that grants `token-1`, `token-2`, ... until told otherwise, and remembers what it granted and revoked. */
export interface TokenEndpoint {
  readonly url: string
  /** Requests received, with their bodies. */
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[]
  /** What it answers; replaced by tests. `next` is the token that would be granted. */
  answer: (response: ServerResponse, next: string) => void | Promise<void>
  /** Whether a token is one that it granted and nobody revoked. */
  isLive(token: string | undefined): boolean
  revokeAll(): void
}

/** Starts a token endpoint; `expiresIn` is announced in seconds. */
export async function tokenEndpoint({ expiresIn = 3600 }: { readonly expiresIn?: number } = {}): Promise<TokenEndpoint> {
  const live = new Set<string>()
  let count = 0
  const endpoint: TokenEndpoint = {
    url: '',
    requests: [],
    answer: (response, next) => {
      live.add(next)
      answerJson(response, { access_token: next, expires_in: expiresIn, token_type: 'Bearer' })
    },
    isLive: (token) => token !== undefined && live.has(token.replace(/^Bearer /, '')),
    revokeAll: () => live.clear(),
  }
  const { url } = await httpServer((request, response) => {
    void readBody(request).then(async (body) => {
      endpoint.requests.push({ headers: request.headers, body: body.toString() })
      await endpoint.answer(response, `token-${++count}`)
    })
  })
  return Object.assign(endpoint, { url: `${url}/token` })
}
