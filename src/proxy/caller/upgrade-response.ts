import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

/**
 * Whether a request is treated as one for an upgrade (RFC 9110 7.8). One with a body, or to HTTP/2 (whose first request would
 * go upstream without a token), goes on as a plain request.
 */
export function isUpgrade({ headers, httpVersion }: IncomingMessage): boolean {
  const { upgrade, 'content-length': length = '0', 'transfer-encoding': coding } = headers
  return upgrade !== undefined && !/\bh2c?\b/i.test(upgrade) && length === '0' && coding === undefined && httpVersion === '1.1'
}

/** After a request for an upgrade or CONNECT the platform leaves the bare connection to us; an answer on it is our business. */
export function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket as Socket)
  response.on('finish', () => {
    if (response.socket !== null) (socket as Socket).destroySoon()
  })
  socket.on('close', () => response.destroy())
  return response
}
