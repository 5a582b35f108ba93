import type { Config, Route } from '../../config/config.ts'
import { makeAnswerFields } from './answer-fields.ts'
import type { Exchange } from '../caller/exchange.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { valuesOf } from '../message/fields.ts'
import type { ReceivedRequest } from '../request/received-request.ts'
import { relayBody } from './relay-body.ts'
import type { RequestBody } from '../request/request-body.ts'
import { openTunnel } from './tunnel.ts'
import type { Answer } from '../upstream/answer.ts'

/**
 * Relays an answer: head, body and trailers, or the connection after an upgrade.
 * @param added fields of our own; name, value, name, value, ...
 * @throws GatewayError `upstream_invalid` when the upstream upgrades to what nobody asked for
 */
export async function relayAnswer(
  exchange: Exchange,
  received: ReceivedRequest,
  route: Route,
  answer: Answer,
  body: RequestBody,
  limits: Config['limits'],
  added: readonly string[] = [],
): Promise<void> {
  const { request, response } = exchange
  const hasBody = received.method !== 'HEAD' && answer.status !== 204 && answer.status !== 304
  const sendsTrailers = hasBody && received.acceptsTrailers && valuesOf(answer.fields, 'transfer-encoding').length > 0
  const scheme = 'encrypted' in request.socket ? 'https' : 'http'
  const gatewayOrigin = received.authority === '' ? undefined : `${scheme}://${received.authority}`
  const fields = makeAnswerFields(
    answer.fields,
    route,
    { upstream: answer.upstream, prefix: route.path, gatewayOrigin },
    sendsTrailers,
  )
  fields.push(...added)

  if (answer.tunnel !== undefined) {
    await openTunnel(exchange, answer, fields, upgradedProtocol(exchange, answer))
    return
  }
  // A caller that still waits for 100 may or may not send its body after this answer: the connection cannot go on (RFC 9110
  // 10.1.1).
  if (received.expectsContinue && body.bytes === 0) response.shouldKeepAlive = false
  body.onFailure = (failure) => {
    if (failure === 'idle') exchange.error = 'request_timeout'
    answer.release()
  }
  try {
    const timeouts = { upstreamIdleMs: route.timeouts.idle, callerIdleMs: limits.idle }
    const isWhole = await relayBody(exchange, answer, fields, sendsTrailers, timeouts)
    if (!isWhole && !exchange.isGone) exchange.error ??= 'upstream_reset'
  } finally {
    answer.release()
  }
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
