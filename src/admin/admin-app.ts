import express from 'express'
import type { Express, NextFunction, Request, Response } from 'express'
import { isSocketFile } from '../config/schema/listen.ts'
import { createAuthenticator } from '../proxy/authentication/authenticator.ts'
import { explain } from './explain.ts'
import { reload, renew } from './changes.ts'
import { sendAsked } from './conditional-answer.ts'
import type { GatewayView } from './gateway-view.ts'
import { guardHost, guardLoopbackPeer, refuseOtherMachines, refuseOtherSites, refuseUnknownCallers } from './guards.ts'
import { readPageFiles } from './page-files.ts'
import { contentSecurityPolicy } from './page/document.ts'
import { renderStatusPage } from './page/status-page.ts'
import { SharedRendering } from './shared-rendering.ts'
import { statusOf } from './status.ts'

/** Builds the admin interface: probes, metrics, status, and the few things that may be done. Never on the data path. */
export function createAdminApp(view: GatewayView): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  const { listen, callers } = view.config.admin
  // No browser reaches a unix socket, and no other machine.
  app.use(guardHost(listen.isLoopback && !isSocketFile(listen)))
  app.use((_request, response, next) => {
    response.set({
      'Cache-Control': 'no-store',
      'Content-Security-Policy': contentSecurityPolicy,
      'Cross-Origin-Resource-Policy': 'same-origin',
      // With "no-referrer" a browser would say of the page's own forms that they come from nowhere (`Origin: null`).
      'Referrer-Policy': 'same-origin',
      'X-Content-Type-Options': 'nosniff',
    })
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
  app.get('/status', async (request, response) => {
    sendAsked(request, response.type('json'), JSON.stringify(await statusOf(view)))
  })
  const page = new SharedRendering(
    async () => renderStatusPage(await statusOf(view), view.routeHistory, Date.now()),
    () => performance.now(),
  )
  app.get('/', async (request, response) => {
    const isAskedAgain = request.get('if-none-match') !== undefined
    sendAsked(request, response.type('html'), await (isAskedAgain ? page.recent() : page.fresh()))
  })
  app.get('/explain', (request, response) => explain(view, request, response))
  const pageFiles = readPageFiles()
  app.get('/page/:name', (request, response, next) => {
    const file = pageFiles.get(request.params.name)
    if (file === undefined) next()
    else sendAsked(request, response.type(file.type), file.body)
  })
  const mayChange = [refuseOtherSites, refuseOtherMachines(authenticate !== undefined || isSocketFile(listen))]
  app.post('/credentials/:name/renew', ...mayChange, (request, response) => renew(view, request, response))
  app.post('/reload', ...mayChange, async (request, response) => await reload(view, request, response))

  app.use(
    (_request, response) =>
      void response
        .status(404)
        .type('text/plain')
        .send('There is nothing here. Try /, /status, /metrics, /explain, /readyz or /livez.\n'),
  )
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOfError(error)
    if (status >= 500) view.log.error({ err: error }, 'error inside the admin interface')
    const text = status >= 500 ? 'An error inside the admin interface; see the log.' : 'The request is malformed.'
    response.status(status).type('text/plain').send(`${text}\n`)
  })
  return app
}

/** Express marks what the request itself is to blame for, such as an escape that cannot be decoded. */
function statusOfError(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500
  return status >= 400 && status < 500 ? status : 500
}
