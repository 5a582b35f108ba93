import type { NextFunction, Request, Response } from 'express'
import { isLoopbackHost } from '../config/loopback.ts'
import type { Authenticate } from '../proxy/authentication/authenticator.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import { hostnameOf } from '../proxy/message/host.ts'

/** DNS rebinding: a page of any site could otherwise read the status of a gateway on this machine. */
export function guardHost(isLoopback: boolean) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const host = request.headers.host ?? ''
    if (isLoopback && host !== '' && !isLoopbackHost(hostnameOf(host)))
      response.status(421).type('text/plain').send('The host of the request is not this one.\n')
    else next()
  }
}

/**
 * Also where every machine may connect: a browser of this machine reaches the interface by a name that a site has pointed here, and
 * what comes from this machine may change things.
 */
export function guardLoopbackPeer(request: Request, response: Response, next: NextFunction): void {
  const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const isScrape = request.method === 'GET' && request.path === '/metrics'
  guardHost(isLoopbackHost(peer) && !isScrape)(request, response, next)
}

/** Everything but the probes is for those whom the configuration names. */
export function refuseUnknownCallers(authenticate: Authenticate) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    try {
      await authenticate(request.rawHeaders, request.socket)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      // One field for each: Chromium sees only the first challenge of a field, and would never ask for a name and a password.
      if (error.challenge !== undefined) response.set('WWW-Authenticate', error.challenge.split(', '))
      response.status(error.status).type('text/plain').send(`${error.message}\n`)
      return
    }
    next()
  }
}

/** What changes state is for programs and for the status page itself, never for another site's page. */
export function refuseOtherSites(request: Request, response: Response, next: NextFunction): void {
  const site = request.get('sec-fetch-site')
  const origin = request.get('origin')
  const isSame = site === undefined || site === 'same-origin' || site === 'none'
  const isOwn = origin === undefined || URL.parse(origin)?.host === request.headers.host
  if (isSame && isOwn) next()
  else response.status(403).type('text/plain').send('Requests from pages of other sites are refused.\n')
}

/** As long as nobody has to prove who they are here, only this machine may spend token requests. */
export function refuseOtherMachines(isGuarded: boolean) {
  return (request: Request, response: Response, next: NextFunction): void => {
    const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    if (isGuarded || isLoopbackHost(peer)) next()
    else
      response
        .status(403)
        .type('text/plain')
        .send('Only programs on the machine of the gateway may change something here, unless "admin.callers" says who else.\n')
  }
}
