import { shownEndpoint } from '../config/schema/url.ts'
import type { Span, Tracer } from '../telemetry/tracer.ts'
import type { RequestGrant } from './request-grant.ts'
import { TokenRequestError } from './token-request-error.ts'

/**
 * Makes of a function that asks for tokens one that tells of each token request that is really sent. Such a span is the first of its trace:
 * the request that waits for a token is one of many, and a renewal belongs to none.
 */
export function traceGrantRequests(requestGrant: RequestGrant, tracer: Tracer): RequestGrant {
  return async (credential, previous, identity, beforeSend) => {
    const { name, token_endpoint, token_request } = credential
    let span: Span | undefined
    const startSpan = async (): Promise<void> => {
      await beforeSend?.()
      const endpoint = token_endpoint === undefined ? undefined : new URL(token_endpoint)
      span = tracer.start(
        'client',
        'token request',
        {
          'bearerd.credential': name,
          'http.request.method': token_request.method,
          ...(endpoint && { 'url.full': shownEndpoint(endpoint.href), 'server.address': endpoint.hostname }),
        },
        undefined,
      )
    }
    try {
      const grant = await requestGrant(credential, previous, identity, startSpan)
      span?.end({ 'bearerd.token.lifetime_seconds': grant.lifetime.ms / 1000 })
      return grant
    } catch (error) {
      span?.end({}, error instanceof TokenRequestError ? error.code : 'unknown')
      throw error
    }
  }
}
