import express from 'express'
import type { Express, NextFunction, Request, Response } from 'express'
import { isLoopbackHost } from '../config/loopback.ts'
import { isSocketFile } from '../config/schema/listen.ts'
import { createAuthenticator } from '../proxy/authentication/authenticator.ts'
import type { Authenticate } from '../proxy/authentication/authenticator.ts'
import { GatewayError } from '../proxy/errors/gateway-error.ts'
import { hostnameOf } from '../proxy/message/host.ts'
import { TokenUnavailableError } from '../tokens/token-unavailable-error.ts'
import type { GatewayView } from './gateway-view.ts'
import { statusOf } from './status.ts'
import { contentSecurityPolicy, renderStatusPage } from './status-page.ts'

/** Builds the admin interface: probes, metrics, status, and the few things that may be done. Never on the data path. */
export function createAdminApp(view: GatewayView): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const { listen, callers } = view.config.admin
  // No browser reaches a unix socket, and no other machine.
  app.use(guardHost(listen.isLoopback && !isSocketFile(listen)))
  app.use((_request, response, next) => {
    response.set({ 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' })
    next()
  })

  const alive = (_request: Request, response: Response): void => void response.type('text/plain').send('ok\n')
  app.get('/livez', alive)
  app.get('/healthz', alive)
  app.get('/readyz', (request, response) => {
    const parts = Object.entries(view.readiness())
    const isReady = parts.every(([, isOk]) => isOk)
    const verbose = parts.map(([name, isOk]) => `[${isOk ? '+' : '-'}]${name} ${isOk ? 'ok' : 'not ready'}\n`).join('')
    response.status(isReady ? 200 : 503).type('text/plain')
    response.send(`${'verbose' in request.query ? verbose : ''}${isReady ? 'ok' : 'not ready'}\n`)
  })
  // Whoever looks after the process cannot prove anything (kubelet): the probes above are for all, nothing below is.
  const authenticate = createAuthenticator(callers, view.log)
  if (authenticate !== undefined) app.use(refuseUnknownCallers(authenticate))
  else app.use(guardLoopbackPeer)

  app.get('/metrics', async (request, response) => {
    const { contentType, body } = await view.expose(request.get('accept'))
    response.set('Content-Type', contentType).send(body)
  })
  app.get('/status', async (_request, response) => void response.json(await statusOf(view)))
  app.get('/', async (_request, response) => {
    response
      .set('Content-Security-Policy', contentSecurityPolicy)
      .type('html')
      .send(renderStatusPage(await statusOf(view)))
  })
  const mayChange = [refuseOtherSites, refuseOtherMachines(authenticate !== undefined || isSocketFile(listen))]
  app.post('/credentials/:name/renew', ...mayChange, (request, response) => renew(view, request, response))
  app.post('/reload', ...mayChange, async (request, response) => await reload(view, request, response))

  app.use(
    (_request, response) =>
      void response.status(404).type('text/plain').send('There is nothing here. Try /, /status, /metrics, /readyz or /livez.\n'),
  )
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOfError(error)
    if (status >= 500) view.log.error({ err: error }, 'error inside the admin interface')
    const text = status >= 500 ? 'An error inside the admin interface; see the log.' : 'The request is malformed.'
    response.status(status).type('text/plain').send(`${text}\n`)
  })
  return app
}

/** DNS rebinding: a page of any site could otherwise read the status of a gateway on this machine. */
function guardHost(isLoopback: boolean) {
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
function guardLoopbackPeer(request: Request, response: Response, next: NextFunction): void {
  const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '')
  const isScrape = request.method === 'GET' && request.path === '/metrics'
  guardHost(isLoopbackHost(peer) && !isScrape)(request, response, next)
}

/** Everything but the probes is for those whom the configuration names. */
function refuseUnknownCallers(authenticate: Authenticate) {
  return async (request: Request, response: Response, next: NextFunction): Promise<void> => {
    try {
      await authenticate(request.rawHeaders, request.socket)
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error
      if (error.challenge !== undefined) response.set('WWW-Authenticate', error.challenge)
      response.status(error.status).type('text/plain').send(`${error.message}\n`)
      return
    }
    next()
  }
}

/** What changes state is for programs and for the status page itself, never for another site's page. */
function refuseOtherSites(request: Request, response: Response, next: NextFunction): void {
  const site = request.get('sec-fetch-site')
  const origin = request.get('origin')
  const isSame = site === undefined || site === 'same-origin' || site === 'none'
  const isOwn = origin === undefined || URL.parse(origin)?.host === request.headers.host
  if (isSame && isOwn) next()
  else response.status(403).type('text/plain').send('Requests from pages of other sites are refused.\n')
}

/** As long as nobody has to prove who they are here, only this machine may spend token requests. */
function refuseOtherMachines(isGuarded: boolean) {
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

async function reload(view: GatewayView, request: Request, response: Response): Promise<void> {
  if (view.reload === undefined) {
    response.status(409).json({ error: 'the configuration does not come from a file' })
    return
  }
  const { isUsed, problems } = await view.reload()
  // The page shows the problems itself.
  if (request.accepts(['json', 'html']) === 'html') response.redirect(303, '/')
  else if (isUsed) response.json({ in_use: true })
  else response.status(422).json({ in_use: false, problems })
}

async function renew(view: GatewayView, request: Request, response: Response): Promise<void> {
  const name = String(request.params['name'])
  const source = view.tokens.named(name)
  if (view.tokens.identityStatus(name) !== undefined) {
    response.status(409).json({
      credential: name,
      error: `the credential ${name} has a token for each identity; each is renewed when a caller uses it or the upstream refuses it`,
    })
    return
  }
  if (source === undefined) {
    response.status(404).json({ error: `there is no credential named ${JSON.stringify(name)}` })
    return
  }
  const wantsPage = request.accepts(['json', 'html']) === 'html'
  try {
    const token = await source.renew()
    if (wantsPage) response.redirect(303, '/')
    else
      response.json({
        credential: name,
        fingerprint: token.fingerprint,
        expires: new Date(token.times.expiresAtEpochMs).toISOString(),
      })
  } catch (error) {
    if (!(error instanceof TokenUnavailableError)) throw error
    // The page shows the error itself, next to the credential.
    if (wantsPage) response.redirect(303, '/')
    else response.status(502).json({ credential: name, error: error.message })
  }
}

/** Express marks what the request itself is to blame for, such as an escape that cannot be decoded. */
function statusOfError(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500
  return status >= 400 && status < 500 ? status : 500
}
