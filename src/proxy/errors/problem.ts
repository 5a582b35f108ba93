import type { GatewayError } from './gateway-error.ts'
import { madeHere } from './proxy-status.ts'

/** An answer that the gateway makes itself. `fields` is name, value, name, value, ... */
export interface Problem {
  readonly status: number
  readonly fields: readonly string[]
  readonly body: Buffer
}

/** Where a problem came up. */
export interface ProblemContext {
  /** The route's configured path, when one was found. */
  readonly route: string | undefined
  readonly requestId: string
}

/** Makes a problem document (RFC 9457) of a gateway error, with its Proxy-Status (RFC 9209). */
export function problemOf(error: GatewayError, { route, requestId }: ProblemContext): Problem {
  const body = Buffer.from(
    `${JSON.stringify({
      type: `urn:bearerd:error:${error.code}`,
      title: error.title,
      status: error.status,
      detail: error.message,
      code: error.code,
      route,
      request_id: requestId,
    })}\n`,
  )
  const fields = ['Content-Type', 'application/problem+json', 'Content-Length', String(body.length), 'Cache-Control', 'no-store']
  fields.push('Proxy-Status', madeHere(error.proxyStatus, error.code))
  if (error.retryAfterMs !== undefined)
    fields.push('Retry-After', String(Math.max(1, Math.ceil(Math.round(error.retryAfterMs) / 1000))))
  if (error.allow !== undefined) fields.push('Allow', error.allow.join(', '))
  if (error.challenge !== undefined) fields.push('WWW-Authenticate', error.challenge)
  return { status: error.status, fields, body }
}
