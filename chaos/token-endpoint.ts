import { httpServer } from './servers.ts'
import type { ChaosServer } from './servers.ts'

/** What is in every secret, so that none gets by a search. */
export const secretMark = 'canary'
/** The client secret of every gateway here. */
export const clientSecret = `${secretMark}-client-secret`

/** A token endpoint whose tokens can be taken back. */
export interface ChaosTokens extends ChaosServer {
  /** Whether a field `Authorization` carries a token that counts. */
  isLive(authorization: string | undefined): boolean
  revokeAll(): void
  requests(): number
}

/** Starts a token endpoint. */
export async function tokenEndpoint(): Promise<ChaosTokens> {
  let granted = 0
  let live = new Set<string>()
  const server = await httpServer((request, response) => {
    request.resume().on('end', () => {
      const token = `${secretMark}-access-token-${++granted}`
      live.add(`Bearer ${token}`)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 86_400 }))
    })
  })
  return {
    ...server,
    url: `${server.url}/token`,
    isLive: (authorization) => authorization !== undefined && live.has(authorization),
    revokeAll: () => (live = new Set()),
    requests: () => granted,
  }
}
