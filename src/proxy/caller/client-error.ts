import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { formatFields } from '../message/fields.ts'
import { GatewayError } from '../errors/gateway-error.ts'
import { problemOf } from '../errors/problem.ts'

/**
 * Answers what the platform's parser refused, by hand, and ends the connection.
 * @param requestId by which the answer can be spoken of
 * @returns the status of the answer; undefined when there is nobody to read it
 */
export function answerNonsense(error: Error & { readonly code?: string }, socket: Duplex, requestId: string): number | undefined {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return undefined
  }
  const { status, fields, body } = problemOf(gatewayErrorOf(error), { route: undefined, requestId })
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${formatFields(fields)}Connection: close\r\n\r\n`
  socket.end(Buffer.concat([Buffer.from(head, 'latin1'), body]))
  setTimeout(() => socket.destroy(), 1_000).unref()
  return status
}

function gatewayErrorOf({ code = '' }: { readonly code?: string }): GatewayError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new GatewayError('fields_too_large', 'the head of the request is too large (limits.headers)')
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new GatewayError('request_timeout', 'the head of the request took too long (limits.header_time)')
    case 'HPE_INVALID_VERSION':
      return new GatewayError('version_not_supported', 'the gateway speaks HTTP/1.1 and HTTP/1.0')
    default:
      return new GatewayError('bad_request', `the request is not valid HTTP/1.1 (${code})`)
  }
}
