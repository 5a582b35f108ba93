import type { RouteHistory } from '../../telemetry/route-history.ts'
import type { Status } from '../status.ts'
import { credentialCard, credentialId } from './credential-card.ts'
import { credentialState } from './credential-state.ts'
import { documentOf } from './document.ts'
import { explainForm } from './explanation.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { requestsSection } from './requests-section.ts'
import { routesSection } from './routes-section.ts'
import { ago, badge, clockTime, counted, grouped, milliseconds, roughly } from './words.ts'

/**
 * Renders the status page. It says the same without its script, which exchanges what is marked `data-live` for the same of a later
 * rendering and leaves alone what is marked `data-keep`.
 */
export function renderStatusPage(status: Status, history: RouteHistory, nowMs: number): string {
  const { ready, version, credentials, routes, recent_requests: requests } = status
  return documentOf(
    `bearerd: ${ready ? 'ready' : 'not ready'}`,
    version,
    markup`<header class="top"><div data-live id="head"><h1>bearerd ${badge(ready ? 'good' : 'bad', ready ? 'Ready' : 'Not ready')}</h1>
<p class="quiet">version ${version}, up for ${roughly(status.uptime_seconds)}</p></div>
<div class="live" data-needs-script><p id="connection" role="status">Live</p><button id="pause" aria-pressed="false">Pause</button></div></header>
<nav aria-label="Sections"><a href="#credentials">Credentials</a> <a href="#routes">Routes</a> <a href="#explain">Explain</a> <a href="#configuration">Configuration</a> <a href="#requests">Requests</a> <a href="/status">JSON</a> <a href="/metrics">Metrics</a></nav>
<main id="main" tabindex="-1">
<div data-live id="notices">${notices(status)}</div>
<section aria-labelledby="summary"><h2 id="summary" class="unseen">The last hour</h2><dl class="tiles" data-live id="tiles">${tiles(history)}</dl></section>
<section aria-labelledby="credentials"><h2 id="credentials">Credentials</h2>
<div data-live id="credential-list">${credentials.length === 0 ? markup`<p class="empty">There are none.</p>` : markup`<ul class="cards">${credentials.map((credential) => credentialCard(credential, nowMs))}</ul>`}</div></section>
<section aria-labelledby="routes"><h2 id="routes">Routes <small>the last hour</small></h2><div data-live id="route-list">${routesSection(routes, history)}</div></section>
<section aria-labelledby="explain"><h2 id="explain">Explain a request</h2><p class="quiet">Which route it would take, where it would go and what it would carry. Nothing is sent.</p>${explainForm({ method: 'GET', target: '' })}</section>
<section aria-labelledby="configuration"><h2 id="configuration">Configuration</h2><div data-live id="configuration-facts">${configuration(status, nowMs)}</div></section>
<section aria-labelledby="requests"><h2 id="requests">Last requests</h2>
<form class="filter" id="filter" role="search" aria-label="Filter the requests" data-needs-script><label>Route <select name="route" id="filter-route" data-live><option value="">all</option>${routeOptions(requests)}</select></label>
<label>Status <select name="status"><option value="">all</option><option value="2">2xx</option><option value="3">3xx</option><option value="4">4xx</option><option value="5">5xx</option></select></label>
<label class="grow">Text <input type="search" name="text" autocomplete="off" spellcheck="false"></label><p id="filter-count" class="quiet"></p></form>
<div data-live id="request-list">${requestsSection(requests, nowMs)}</div></section>
</main>
<footer class="quiet"><p>Times are in UTC. Tokens, secrets and bodies are never shown.</p></footer>
<dialog id="dialog" aria-labelledby="explanation-title"><div id="dialog-text" data-keep></div><form method="dialog"><button>Close</button></form></dialog>
<p id="announcements" class="unseen" role="status"></p>`,
  )
}

/** The routes of those requests that are there to be found. */
function routeOptions(requests: Status['recent_requests']): Markup[] {
  const routes = new Set(requests.flatMap(({ route }) => (route === null ? [] : [route])))
  return [...routes].sort().map((route) => markup`<option data-key="${route}">${route}</option>`)
}

/** Only what there is something to be done about. */
function notices({ configuration: { in_use, file, problems }, credentials }: Status): Markup {
  const troubled = credentials.flatMap((credential) => {
    const { tone, word } = credentialState(credential)
    return tone === 'bad' || tone === 'warn' ? [{ name: credential.name, word }] : []
  })
  return markup`${
    in_use
      ? undefined
      : markup`<section class="notice" aria-labelledby="problems"><h2 id="problems">The configuration has problems</h2><p><code>${file}</code> is not used as it is now; the one before stays.</p><ul>${problems.map((problem) => markup`<li>${problem}</li>`)}</ul></section>`
  }${
    troubled.length === 0
      ? undefined
      : markup`<section class="notice" aria-labelledby="attention"><h2 id="attention">${counted(troubled.length, 'credential needs', 'credentials need')} a look</h2><p>${troubled.map(({ name, word }, index) => markup`${index === 0 ? '' : ', '}<a href="#${credentialId(name)}">${name}</a> (${word})`)}</p></section>`
  }`
}

function tiles(history: RouteHistory): Markup {
  const { requests, clientErrors, serverErrors, refusals, replays, p50Ms = 0, p95Ms = 0 } = history.lastHourOfAll()
  const tile = (name: string, value: string, more: string): Markup =>
    markup`<div><dt>${name}</dt><dd><strong>${value}</strong> <small>${more}</small></dd></div>`
  return markup`${tile('Requests', grouped(requests), 'in the last hour')}
${tile('Errors', grouped(clientErrors + serverErrors), `${grouped(clientErrors)} with 4xx, ${grouped(serverErrors)} with 5xx`)}
${tile('Half answered within', requests === 0 ? '–' : milliseconds(p50Ms), requests === 0 ? 'no request yet' : `95 of 100 within ${milliseconds(p95Ms)}`)}
${tile('Refused tokens', grouped(refusals), `${grouped(replays)} made up for by a replay`)}`
}

function configuration({ configuration: { file, read, in_use, reloadable } }: Status, nowMs: number): Markup {
  return markup`<p><code>${file}</code> was read at ${clockTime(read, nowMs)} (${ago(read, nowMs)}) and is ${in_use ? 'in use' : 'not in use: see the top of the page'}.</p>
${reloadable ? markup`<form class="act" method="post" action="/reload" data-act="reload" data-busy="Reading the configuration" data-done="In use"><button>Reload the configuration</button><p class="outcome" data-keep></p></form>` : undefined}`
}
