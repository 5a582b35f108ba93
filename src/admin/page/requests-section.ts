import type { RequestStatus } from '../request-status.ts'
import type { Status } from '../status.ts'
import { markup } from './markup.ts'
import type { Markup } from './markup.ts'
import { waterfall, wayWords } from './waterfall.ts'
import { badge, clockTime, milliseconds } from './words.ts'
import type { Tone } from './words.ts'

/** So many requests are shown. */
const mostShown = 100
/** What is longer is cut; its title has more of it. */
const longestPath = 200
/** What is longer still is not worth its room on a page that is sent again and again. */
const longestTitle = 2_000

/** The last requests, each with its way. */
export function requestsSection(requests: Status['recent_requests'], nowMs: number): Markup {
  if (requests.length === 0) return markup`<p class="empty">No request yet. Call a route, and it appears here.</p>`
  return markup`<table class="requests"><caption class="unseen">The last requests, newest first</caption>
<thead><tr><th scope="col">Time</th><th scope="col">Request</th><th scope="col">Status</th><th scope="col">Way</th><th scope="col">Took</th><th scope="col"><span class="unseen">Explain</span></th></tr></thead><tbody>
${requests.slice(0, mostShown).map((request) => requestRow(request, nowMs))}</tbody></table>
<p class="empty" id="nothing-found" hidden>No request matches the filter.</p>
<p class="key" aria-hidden="true"><span class="key-before">before it was sent</span><span class="key-token">for a token</span><span class="key-refused">refused attempt</span><span class="key-upstream">upstream</span><span class="key-rest">rest of the answer</span></p>`
}

function requestRow(request: RequestStatus, nowMs: number): Markup {
  const { id, at, method, path, query, route, status, duration_ms, caller, error } = request
  const target = path + (query ?? '')
  const shown = cut(target, longestPath)
  const title = shown === target ? undefined : markup` title="${cut(target, longestTitle)}"`
  const explain =
    target.length > longestTitle
      ? undefined
      : markup`<a href="${explainUrl(method, target, route)}" data-explain aria-label="Explain ${method} ${shown}">Explain</a>`
  return markup`<tr data-key="${id}" data-route="${route ?? ''}" data-status="${status}"><td class="time">${clockTime(at, nowMs)}</td>
<td class="what"><code${title}><b>${method}</b> ${shown}</code>${caller === null ? undefined : markup` <small>by ${caller}</small>`}${error === null ? undefined : markup` <small class="bad-text">${error}</small>`}</td>
<td class="status">${badge(toneOf(status), status === 499 ? '499 caller left' : String(status))}</td>
<td class="way">${waterfall(request)}<small>${wayWords(request).join('; ')}</small></td>
<td class="took">${milliseconds(duration_ms)}</td>
<td class="more">${explain}</td></tr>
`
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}…` : text
}

/** A route that is for one host begins with it. */
function explainUrl(method: string, path: string, route: string | null): string {
  const host = route === null || route.startsWith('/') ? '' : `&host=${encodeURIComponent(route.slice(0, route.indexOf('/')))}`
  return `/explain?method=${encodeURIComponent(method)}&path=${encodeURIComponent(path)}${host}`
}

function toneOf(status: number): Tone {
  if (status >= 500) return 'bad'
  return status >= 400 ? 'warn' : 'good'
}
