import { longestTimerMs } from '../config/quantities.ts'
import { TokenRequestError } from './token-request-error.ts'
import type { TokenRequest, TokenRequestTls } from './token-request.ts'
import type { TokenResponse } from './token-response.ts'
import { Agent, requestThrough } from './undici-parts.ts'

/** Sends token requests. */
export interface TokenTransport {
  /**
   * Sends one token request and reads its answer whole.
   * @throws TokenRequestError `unavailable` when there is no whole answer within the deadline and the size limit
   */
  send(tokenRequest: TokenRequest): Promise<TokenResponse>
  close(): Promise<void>
}

const largestBodyBytes = 256 * 1024

/** Makes the transport for token requests. Redirects are not followed; TLS is always verified. */
export function createTokenTransport(userAgent: string): TokenTransport {
  // Token requests are rare: an idle connection would nearly always be found closed.
  const shared = createAgent()
  return {
    send: async ({ method, url, headers, body, timeoutMs, tls }) => {
      // Of its own: a connection made with an old certificate would prove what is not so any more.
      const agent = tls === undefined ? shared : createAgent(tls)
      // One deadline over everything, so that an endpoint that drips byte by byte cannot hold callers for ever.
      const signal = AbortSignal.timeout(Math.min(timeoutMs, longestTimerMs))
      try {
        const { origin, pathname, search } = new URL(url)
        const response = await requestThrough(agent, {
          origin,
          path: `${pathname}${search}`,
          method,
          headers: { 'user-agent': userAgent, ...headers },
          body: body ?? null,
          signal,
        })
        return { status: response.statusCode, headers: response.headers, body: await readBody(response.body) }
      } catch (error) {
        throw error instanceof TokenRequestError ? error : failureOf(error, signal.aborted, timeoutMs)
      } finally {
        if (agent !== shared) await agent.destroy()
      }
    },
    close: () => shared.destroy(),
  }
}

function createAgent(tls: TokenRequestTls = {}) {
  return new Agent({
    keepAliveTimeout: 1_000,
    keepAliveMaxTimeout: 1_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    // Said here, because a variable of Node.js (NODE_TLS_REJECT_UNAUTHORIZED) could say otherwise.
    connect: { ...tls, rejectUnauthorized: true },
  })
}

async function readBody(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    // Leaving the loop destroys the body and its connection.
    if (length > largestBodyBytes)
      throw new TokenRequestError('unavailable', 'too_large', "the token endpoint's answer is larger than 256 KiB")
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** Decides by code, never by message: messages may hold what the other side sent. */
function failureOf(error: unknown, isTimeout: boolean, timeoutMs: number): TokenRequestError {
  if (isTimeout)
    return new TokenRequestError('unavailable', 'timeout', `the token endpoint did not answer within ${timeoutMs} ms`)
  const code = codeOf(error) ?? 'connection_failed'
  return new TokenRequestError('unavailable', code, `the token endpoint cannot be reached (${code})`)
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  // Happy Eyeballs wraps the errors of all addresses.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : codeOf(error.cause)
}
