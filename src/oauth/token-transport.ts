import type { EgressProxy } from '../config/egress-proxy.ts'
import { longestTimerMs } from '../config/quantities.ts'
import { placeOf } from '../config/schema/url.ts'
import { errorCode } from '../network/error-code.ts'
import { isTlsCode, tlsFailureInWords } from '../network/tls-failure.ts'
import { TunnelError } from '../network/tunnel-error.ts'
import { openTunnel } from '../network/tunnel.ts'
import { foreignCode } from './token-error-codes.ts'
import { TokenRequestError } from './token-request-error.ts'
import type { TokenRequest, TokenRequestTls } from './token-request.ts'
import type { TokenResponse } from './token-response.ts'
import type { buildConnector } from 'undici'
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
    send: async ({ method, url, headers, body, timeoutMs, tls, proxy }) => {
      // Of its own: a connection made with an old certificate would prove what is not so any more.
      const agent = tls === undefined && proxy === undefined ? shared : createAgent(tls, proxy && { proxy, url, timeoutMs })
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

/** An egress proxy, and what it is asked for. */
interface Detour {
  readonly proxy: EgressProxy
  readonly url: string
  readonly timeoutMs: number
}

function createAgent(tls: TokenRequestTls = {}, detour?: Detour) {
  return new Agent({
    keepAliveTimeout: 1_000,
    keepAliveMaxTimeout: 1_000,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    // Said here, because a variable of Node.js (NODE_TLS_REJECT_UNAUTHORIZED) could say otherwise.
    connect: detour === undefined ? { ...tls, rejectUnauthorized: true } : connectThrough(tls, detour),
  })
}

function connectThrough(tls: TokenRequestTls, { proxy, url, timeoutMs }: Detour): buildConnector.connector {
  const place = placeOf(url)
  return (_options, done) => {
    openTunnel(proxy, place, { timeoutMs, tls }, (error, socket) => {
      if (socket === undefined) done(error ?? new Error('no connection'), null)
      else done(null, socket)
    })
  }
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
  // What is wrong with a proxy stands in its message, and nothing that anybody sent.
  if (error instanceof TunnelError)
    return new TokenRequestError('unavailable', error.code, `the token endpoint cannot be reached: ${error.message}`)
  const platformCode = errorCode(error)
  const code = platformCode === undefined ? 'connection_failed' : foreignCode(platformCode)
  const words = isTlsCode(code) ? tlsFailureInWords(code, 'token_request.tls') : undefined
  const why = words === undefined ? '' : `: ${words}`
  return new TokenRequestError('unavailable', code, `the token endpoint cannot be reached (${code})${why}`)
}
