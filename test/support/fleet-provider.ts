import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerJson, httpServer, readBody } from './servers.ts'

/** A token request as the token endpoint received it. */
export interface ReceivedTokenRequest {
  readonly atMs: number
  readonly headers: IncomingMessage['headers']
  readonly params: URLSearchParams
}

/** A token that was granted. */
export interface GrantedToken {
  readonly request: ReceivedTokenRequest
  /** When it was granted, as early as the provider could count it. */
  readonly issuedMs: number
}

/** A call to the API, with whatever token. */
export interface ReceivedApiCall {
  readonly atMs: number
  readonly token: string
  readonly path: string
  readonly isAccepted: boolean
}

/** A provider for a fleet: it counts, and it knows every token that it has granted. Times are by `performance.now()`. */
export interface FleetProvider {
  readonly tokenUrl: string
  readonly apiUrl: string
  readonly tokenRequests: ReceivedTokenRequest[]
  readonly granted: ReadonlyMap<string, GrantedToken>
  readonly calls: ReceivedApiCall[]
  /** The last token that was granted. */
  readonly latest: () => string
  /** Refuses every token granted so far. */
  revokeAll(): void
  /** Held up before the token endpoint grants or refuses anything. To be replaced by tests. */
  before: (request: ReceivedTokenRequest) => void | Promise<void>
  /** What is granted; further fields of the token response. Throwing refuses, with the message as `error`. To be replaced. */
  fields: (request: ReceivedTokenRequest) => Readonly<Record<string, unknown>>
  /** Held up after it has been decided what is granted, before the answer. To be replaced. */
  after: (request: ReceivedTokenRequest) => void | Promise<void>
}

/** What is in every token, so that none gets by a search for secrets. */
export const tokenMark = 'canary-access-token'

/** Starts a provider. @param expiresIn what it announces, in seconds; it refuses no token for its age */
export async function fleetProvider({ expiresIn = 3600 }: { readonly expiresIn?: number } = {}): Promise<FleetProvider> {
  const granted = new Map<string, GrantedToken>()
  const live = new Set<string>()
  const tokens = await httpServer(async (message, response) => {
    const atMs = performance.now()
    const params = new URLSearchParams((await readBody(message)).toString())
    const request = { atMs, headers: message.headers, params }
    provider.tokenRequests.push(request)
    await provider.before(request)
    let fields
    try {
      fields = provider.fields(request)
    } catch (error) {
      answerJson(response, { error: error instanceof Error ? error.message : 'server_error' }, 400)
      return
    }
    const token = `${tokenMark}-${granted.size + 1}`
    granted.set(token, { request, issuedMs: performance.now() })
    live.add(token)
    await provider.after(request)
    answerJson(response, { access_token: token, token_type: 'Bearer', expires_in: expiresIn, ...fields })
  })
  const api = await httpServer((message, response) => {
    const token = (message.headers.authorization ?? '').replace('Bearer ', '')
    const isAccepted = live.has(token)
    provider.calls.push({ atMs: performance.now(), token, path: message.url ?? '', isAccepted })
    message.resume()
    if (isAccepted) answerJson(response, { good: true })
    else refuseToken(response)
  })
  const provider: FleetProvider = {
    tokenUrl: `${tokens.url}/token`,
    apiUrl: api.url,
    tokenRequests: [],
    granted,
    calls: [],
    latest: () => [...granted.keys()].at(-1) ?? '',
    revokeAll: () => live.clear(),
    before: () => {},
    fields: () => ({}),
    after: () => {},
  }
  return provider
}

function refuseToken(response: ServerResponse): void {
  response.setHeader('www-authenticate', 'Bearer error="invalid_token"')
  answerJson(response, { error: 'the token is not known here' }, 401)
}
