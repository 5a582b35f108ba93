import { makeAnswerFields } from './answer-fields.ts'
import type { Exchange } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import type { Forwarding } from '../forwarding.ts'
import { valuesOf } from '../message/fields.ts'
import { relayBody } from './relay-body.ts'
import { openTunnel } from './tunnel.ts'
import type { Answer } from '../upstream/answer.ts'

/**
 * Relays an answer: head, body and trailers, or the connection after an upgrade.
 * @param added fields of our own; name, value, name, value, ...
 * @returns once nothing more is to be done for it
 * @throws GatewayError `upstream_invalid` when the upstream upgrades to what nobody asked for, and as `relayBody` does
 */
export function relayAnswer(
  { exchange, received, body, route, limits }: Forwarding,
  answer: Answer,
  added: readonly string[] = [],
): Promise<void> {
  const { request, response } = exchange
  const hasBody = received.method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
  const sendsTrailers = hasBody && received.acceptsTrailers && valuesOf(answer.fields, 'content-length').length === 0
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  const gatewayOrigin = received.authority === '' ? undefined : `${scheme}://${received.authority}`
  const context = { upstream: answer.upstream, prefix: route.path, gatewayOrigin }
  const fields = makeAnswerFields(answer.fields, route, context, sendsTrailers)
  for (const part of added) fields.push(part)

  if (answer.tunnel !== undefined) return openTunnel(exchange, answer, fields, upgradedProtocol(exchange, answer))
  // A caller that still waits for 100 may or may not send its body after this answer: the connection cannot go on (RFC 9110
  // 10.1.1).
  if (received.expectsContinue && body.bytes === 0) response.shouldKeepAlive = false
  body.onFailure = (failure) => {
    if (failure === 'idle') exchange.error = 'request_timeout'
    answer.release()
  }
  return relayBody(exchange, answer, fields, sendsTrailers, {
    upstreamIdleMs: route.timeouts.idle,
    callerIdleMs: limits.idle,
  })
}

/** RFC 9110 7.8: one of the protocols that were offered. */
function upgradedProtocol({ request }: Exchange, answer: Answer): string {
  const protocol = valuesOf(answer.fields, 'upgrade').join(', ')
  const offered = (request.headers.upgrade ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
  if (
    protocol === '' ||
    !protocol
      .toLowerCase()
      .split(',')
      .every((name) => offered.includes(name.trim()))
  ) {
    answer.tunnel?.socket.destroy()
    throw new GatewayError('upstream_invalid', 'the upstream switched to a protocol that was not asked for', {
      proxyStatus: 'http_upgrade_failed',
    })
  }
  return protocol
}
