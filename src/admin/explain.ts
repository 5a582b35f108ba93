import type { Request, Response } from 'express'
import { explainRequest } from '../proxy/explain-request.ts'
import { askedRequest, explanationFacts } from '../proxy/explanation-facts.ts'
import { createSilentLog } from '../telemetry/log.ts'
import type { GatewayView } from './gateway-view.ts'
import { documentOf } from './page/document.ts'
import { explainForm, explanation } from './page/explanation.ts'
import { markup } from './page/markup.ts'

/** `GET /explain?method=&path=&host=`: what would become of a request, under the configuration in use. Sends nothing anywhere. */
export function explain({ config, version }: GatewayView, request: Request, response: Response): void {
  const { method = 'GET', path = '', host } = request.query
  const isSaid = typeof method === 'string' && typeof path === 'string' && path !== ''
  const asked =
    isSaid && (host === undefined || typeof host === 'string')
      ? askedRequest(method, path, host)
      : 'say which method and path, once each: /explain?method=GET&path=/gett/v1/orders'
  const isAsked = typeof asked !== 'string'
  const facts = isAsked ? explanationFacts(asked, explainRequest(config, asked, createSilentLog())) : asked
  response.status(isAsked ? 200 : 400)
  if (request.accepts(['json', 'html']) === 'json') {
    response.json(typeof facts === 'string' ? { error: facts } : facts)
    return
  }
  const form = explainForm(isAsked ? asked : { method: '', target: isSaid ? path : '' })
  response.type('html').send(
    documentOf(
      'bearerd: explain a request',
      version,
      markup`<header class="top"><h1>Explain a request</h1></header>
<nav aria-label="Pages"><a href="/">Status</a></nav>
<main id="main" tabindex="-1">${form}<div id="explanation">${explanation(facts)}</div></main>`,
    ),
  )
}
