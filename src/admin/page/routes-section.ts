import type { RouteFigures, RouteHistory } from '../../telemetry/route-history.ts'
import type { RouteStatus, Status } from '../status.ts'
import { barChart, lineChart } from './chart.ts'
import { credentialId } from './credential-card.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { counted, grouped, milliseconds } from './words.ts'

/** So many routes are shown with their charts, the busiest ones; of the others, so many by name. */
const mostCharts = 40
const mostNames = 100

/** The routes: what went through each in the last hour. */
export function routesSection(routes: Status['routes'], history: RouteHistory): Markup {
  const busy = routes.filter(({ last_hour }) => last_hour !== null)
  const shown = new Set(
    [...busy].sort((a, b) => (b.last_hour?.requests ?? 0) - (a.last_hour?.requests ?? 0)).slice(0, mostCharts),
  )
  const others = routes.filter((route) => !shown.has(route))
  const rows = busy.filter((route) => shown.has(route)).map((route) => routeRow(route, history.minutes(route.path)))
  return markup`${
    rows.length === 0
      ? markup`<p class="empty">No request in the last hour. Charts appear with the first one.</p>`
      : markup`<table class="routes"><caption class="unseen">What went through each route in the last hour, minute by minute</caption>
<thead><tr><th scope="col">Route</th><th scope="col">Requests</th><th scope="col">Time to the whole answer</th><th scope="col">Refused tokens</th></tr></thead><tbody>
${rows}</tbody></table>
<p class="key" aria-hidden="true"><span class="key-ok">answered below 400</span><span class="key-4xx">4xx</span><span class="key-5xx">5xx</span><span class="key-p50">half within</span><span class="key-p95">95 of 100 within</span><span class="key-replays">made up for by a replay</span><span class="key-refusals">passed on to the caller</span></p>`
  }
${others.length === 0 ? undefined : otherRoutes(others, busy.length > shown.size)}`
}

function routeRow(
  { path, upstream, credential, in_flight, last_hour: hour }: RouteStatus,
  minutes: readonly RouteFigures[],
): Markup {
  const requests = hour?.requests ?? 0
  const errors = [hour?.client_errors ?? 0, hour?.server_errors ?? 0] as const
  const passedOn = (hour?.refusals ?? 0) - (hour?.replays ?? 0)
  const busiest = Math.max(...minutes.map((minute) => minute.requests), 0)
  const errorWords = `${grouped(errors[0])} with 4xx, ${grouped(errors[1])} with 5xx`
  return markup`<tr data-key="${path}"><th scope="row"><code>${path}</code> <small>to <code>${upstream}</code></small>
<small>${credential === null ? 'no credential' : markup`with <a href="#${credentialId(credential)}">${credential}</a>`}</small></th>
<td data-name="Requests">${barChart(
    [
      { name: 'ok', values: minutes.map((minute) => Math.max(minute.requests - minute.clientErrors - minute.serverErrors, 0)) },
      { name: 'client-error', values: minutes.map(({ clientErrors }) => clientErrors) },
      { name: 'server-error', values: minutes.map(({ serverErrors }) => serverErrors) },
    ],
    `${counted(requests, 'request')} in the last hour, at most ${grouped(busiest)} in a minute; ${errorWords}`,
  )}<p class="figures"><strong>${grouped(requests)}</strong>, at most ${grouped(busiest)} a minute${
    errors[0] + errors[1] === 0 ? undefined : markup` <span class="bad-text">${errorWords}</span>`
  }${in_flight === 0 ? undefined : markup` <span>${in_flight} under way</span>`}</p></td>
<td data-name="Time to the whole answer">${lineChart(
    minutes.map(({ p95Ms }) => p95Ms),
    minutes.map(({ p50Ms }) => p50Ms),
    `half of the answers within ${milliseconds(hour?.p50_ms ?? 0)}, 95 of 100 within ${milliseconds(hour?.p95_ms ?? 0)}`,
  )}<p class="figures">half in <strong>${milliseconds(hour?.p50_ms ?? 0)}</strong>, 95 of 100 in ${milliseconds(hour?.p95_ms ?? 0)}</p></td>
<td data-name="Refused tokens">${
    hour?.refusals === 0
      ? markup`<p class="figures none">none</p>`
      : markup`${barChart(
          [
            { name: 'replays', values: minutes.map(({ replays }) => replays) },
            { name: 'refusals', values: minutes.map((minute) => Math.max(minute.refusals - minute.replays, 0)) },
          ],
          `${counted(hour?.refusals ?? 0, 'refused token')} in the last hour; ${grouped(hour?.replays ?? 0)} made up for by a replay, ${grouped(passedOn)} passed on`,
        )}<p class="figures"><strong>${grouped(hour?.refusals ?? 0)}</strong>: ${grouped(hour?.replays ?? 0)} replayed, ${grouped(passedOn)} passed on</p>`
  }</td></tr>
`
}

function otherRoutes(others: readonly RouteStatus[], hasBusy: boolean): Markup {
  const rest = others.length - mostNames
  const what = hasBusy ? 'with fewer or no requests in the last hour' : 'without a request in the last hour'
  return markup`<details data-key="other-routes" class="others"><summary>${counted(others.length, 'route')} ${what}</summary><ul>
${others.slice(0, mostNames).map(({ path, upstream }) => markup`<li><code>${path}</code> <small>to <code>${upstream}</code></small></li>`)}
</ul>${rest > 0 ? markup`<p>And ${counted(rest, 'other')}; <a href="/status">the JSON</a> has them all.</p>` : undefined}</details>`
}
